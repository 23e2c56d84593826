#include "quire/app/cli/schedule_line.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/schedule_times.hpp"

#include <chrono>

namespace quire::cli {

namespace {

/// Refuses what would fire at no time before any database is looked for.
void check_times(const words& line, const std::string& spec, const std::string& tz) {
  try {
    storage::schedule_times{spec, tz, 0};
  } catch (const storage::error& wrong) {
    refuse(line.app(), actors::printable(wrong.what(), 1000));
  }
}

schedule_put_arguments read_put(const words& line) {
  schedule_put_arguments result;
  auto& schedule = result.schedule;
  schedule.name = line.argument("NAME");
  schedule.spec = line.argument("SPEC");
  schedule.task = read_task(line);
  result.text = line.flag("--text");
  if (auto tz = line.text("--tz"))
    schedule.tz = *tz;
  schedule.overlap = line
                       .choice("--overlap", "policy", schedule_overlap_from_string,
                               {"allow", "skip", "queue_one", "cancel_previous"})
                       .value_or(schedule.overlap);
  schedule.catch_up =
    line.choice("--catch-up", "policy", schedule_catch_up_from_string, {"none", "last", "all"})
      .value_or(schedule.catch_up);
  if (auto most = line.number("--catch-up-max", 1, 1000)) {
    if (schedule.catch_up != schedule_catch_up::all)
      refuse(line.app(), "--catch-up-max needs --catch-up all");
    schedule.catch_up_max = static_cast<int>(*most);
  }
  schedule.start_ms = line.moment("--start");
  schedule.end_ms = line.moment("--end");
  if (auto seconds = line.number("--jitter", 0, 86'400))
    schedule.jitter = std::chrono::seconds{*seconds};
  check_times(line, schedule.spec, schedule.tz);
  return result;
}

schedule_change_arguments read_change(const words& line, schedule_change_arguments::change what) {
  schedule_change_arguments result;
  result.what = what;
  result.names = line.all("NAME");
  if (result.names.empty())
    refuse(line.app(), "the argument NAME is missing");
  return result;
}

schedule_next_arguments read_next(const words& line) {
  schedule_next_arguments result;
  result.spec = line.argument("SPEC");
  result.tz = line.text("--tz").value_or("UTC");
  result.after_ms = line.moment("--after");
  result.count = line.number("--count", 1, 1000).value_or(result.count);
  result.json = line.flag("--json");
  check_times(line, result.spec, result.tz);
  return result;
}

} // namespace

std::optional<command> read_schedule_command(const grammar& known, const words& line) {
  using change = schedule_change_arguments::change;
  auto* app = &line.app();
  if (app == known.schedule_put)
    return with_shared(line, read_put(line));
  if (app == known.schedule_list)
    return with_shared(line, schedule_list_arguments{});
  if (app == known.schedule_show)
    return with_shared(line, schedule_show_arguments{line.argument("NAME"), {}, false});
  if (app == known.schedule_pause)
    return with_shared(line, read_change(line, change::pause));
  if (app == known.schedule_resume)
    return with_shared(line, read_change(line, change::resume));
  if (app == known.schedule_remove)
    return with_shared(line, read_change(line, change::remove));
  if (app == known.schedule_next)
    return read_next(line);
  return std::nullopt;
}

} // namespace quire::cli

#include "quire/app/cli/schedule_line.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/schedule_times.hpp"

#include <chrono>

namespace quire::cli {

namespace {

/// Reads digits where `pattern` has `#`; everything else must be the same.
bool matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size())
    return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (pattern[i] == '#' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
      return false;
  return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t size) {
  int number = 0;
  for (auto digit : text.substr(at, size))
    number = number * 10 + (digit - '0');
  return number;
}

std::optional<std::int64_t> moment(const words& line, const std::string& name) {
  auto text = line.text(name);
  if (!text)
    return std::nullopt;
  auto at = moment_from_text(*text);
  if (!at)
    refuse(line.app(), name + ": '" + actors::printable(*text)
                         + "' is no time as 2026-03-28T12:00Z or 2026-03-28T12:00:30Z");
  return at;
}

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
  schedule.start_ms = moment(line, "--start");
  schedule.end_ms = moment(line, "--end");
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
  result.after_ms = moment(line, "--after");
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

std::optional<std::int64_t> moment_from_text(std::string_view text) {
  using namespace std::chrono;
  bool with_seconds = matches(text, "####-##-##T##:##:##Z");
  if (!with_seconds && !matches(text, "####-##-##T##:##Z"))
    return std::nullopt;
  year_month_day date{year{number_at(text, 0, 4)},
                      month{static_cast<unsigned>(number_at(text, 5, 2))},
                      day{static_cast<unsigned>(number_at(text, 8, 2))}};
  hours hour{number_at(text, 11, 2)};
  minutes minute{number_at(text, 14, 2)};
  seconds second{with_seconds ? number_at(text, 17, 2) : 0};
  if (!date.ok() || date.year() < year{1970} || hour > 23h || minute > 59min || second > 59s)
    return std::nullopt;
  auto at = sys_days{date} + hour + minute + second;
  return milliseconds{at.time_since_epoch()}.count();
}

} // namespace quire::cli

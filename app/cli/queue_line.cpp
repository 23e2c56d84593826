#include "quire/app/cli/queue_line.hpp"

namespace quire::cli {

namespace {

using change = queue_change_arguments::change;

constexpr std::int64_t limit_max = 100'000;

queue_change_arguments read_change(const words& line, change what) {
  queue_change_arguments result;
  result.what = what;
  result.names = line.all("NAME");
  if (result.names.empty())
    refuse(line.app(), "the argument NAME is missing");
  return result;
}

queue_change_arguments read_limit(const words& line) {
  auto result = read_change(line, change::limit);
  auto limit = line.argument("N");
  if (limit != "none")
    result.limit = static_cast<int>(line.number("N", limit, 1, limit_max));
  return result;
}

} // namespace

std::optional<command> read_queue_command(const grammar& known, const words& line) {
  auto* app = &line.app();
  if (app == known.queue_list)
    return with_shared(line, queue_list_arguments{});
  if (app == known.queue_pause)
    return with_shared(line, read_change(line, change::pause));
  if (app == known.queue_resume)
    return with_shared(line, read_change(line, change::resume));
  if (app == known.queue_limit)
    return with_shared(line, read_limit(line));
  return std::nullopt;
}

} // namespace quire::cli

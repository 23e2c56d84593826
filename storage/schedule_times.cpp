#include "quire/storage/schedule_times.hpp"

#include "quire/storage/error.hpp"

#include <algorithm>

namespace quire::storage {

namespace {

using namespace std::chrono;

schedule_rule parsed(std::string_view spec) {
  try {
    return parse_schedule(spec);
  } catch (const schedule_error& wrong) {
    throw error(errc::invalid_argument, wrong.what());
  }
}

/// Returns the first time from `from` to before `end` that clocks show with `offset`.
std::optional<sys_seconds> first_with(const cron_expression& cron, seconds offset, sys_seconds from,
                                      sys_seconds end) {
  auto local = local_seconds{(from + offset).time_since_epoch()};
  auto found = next_local_time(cron, local - seconds{1});
  if (!found)
    return std::nullopt;
  sys_seconds at{found->time_since_epoch() - offset};
  return at < end ? std::optional{at} : std::nullopt;
}

/// Returns the first time from `from` on within one period of the zone.
std::optional<sys_seconds> first_within(const cron_expression& cron, const time_zone::period& in,
                                        sys_seconds from) {
  auto forward = in.offset - in.before;
  auto first_own = from;
  if (forward < seconds{0} && !cron.goes_on)
    first_own = std::max(from, in.begin - forward); // What comes twice was due the first time.
  auto own = first_with(cron, in.offset, first_own, in.end);
  if (forward <= seconds{0} || cron.hours.all())
    return own;
  auto skipped = first_with(cron, in.before, from, std::min(in.end, in.begin + forward));
  return own && skipped ? std::min(own, skipped) : own ? own : skipped;
}

std::optional<sys_seconds> next_in_zone(const cron_expression& cron, const time_zone& zone,
                                        sys_seconds after) {
  constexpr years search_max{50};
  auto from = after + seconds{1};
  auto give_up = from + search_max;
  while (from < give_up) {
    auto period = zone.period_at(from);
    if (auto found = first_within(cron, period, from))
      return found;
    from = period.end;
  }
  return std::nullopt;
}

} // namespace

schedule_times::schedule_times(std::string_view spec, const std::string& tz, std::int64_t anchor_ms)
  : rule_(parsed(spec)), zone_(tz), anchor_ms_(anchor_ms) {}

std::optional<std::int64_t> schedule_times::next_after(std::int64_t after_ms) const {
  if (auto* interval = std::get_if<seconds>(&rule_)) {
    auto length = milliseconds{*interval}.count();
    if (after_ms < anchor_ms_)
      return anchor_ms_ - (anchor_ms_ - after_ms - 1) / length * length;
    return anchor_ms_ + ((after_ms - anchor_ms_) / length + 1) * length;
  }
  auto after = floor<seconds>(sys_time<milliseconds>{milliseconds{after_ms}});
  auto found = next_in_zone(std::get<cron_expression>(rule_), zone_, after);
  if (!found)
    return std::nullopt;
  return milliseconds{found->time_since_epoch()}.count();
}

std::int64_t schedule_times::last_until(std::int64_t at_ms, std::int64_t due_ms) const {
  // Something is due after `begin` and not after `at`, but for `due` itself; nothing is due
  // after `end` and not after `at`.
  auto begin = due_ms;
  auto end = at_ms;
  while (begin < end) {
    auto middle = begin + (end - begin) / 2;
    auto next = next_after(middle);
    if (next && *next <= at_ms)
      begin = *next;
    else
      end = middle;
  }
  return begin;
}

std::int64_t schedule_times::count(std::int64_t due_ms, std::int64_t at_ms,
                                   std::int64_t count_max) const {
  std::int64_t found = 0;
  std::optional<std::int64_t> next = due_ms;
  while (next && *next <= at_ms && found < count_max) {
    ++found;
    next = next_after(*next);
  }
  return found;
}

std::int64_t schedule_times::first_of_last(std::int64_t count_max, std::int64_t due_ms,
                                           std::int64_t at_ms) const {
  // There are more than `count_max` times behind `begin`, and no more than that behind `end`.
  auto begin = due_ms - 1;
  auto end = at_ms;
  while (end - begin > 1) {
    auto middle = begin + (end - begin) / 2;
    auto next = next_after(middle);
    if (next && count(*next, at_ms, count_max + 1) > count_max)
      begin = middle;
    else
      end = middle;
  }
  return next_after(end).value_or(due_ms);
}

} // namespace quire::storage

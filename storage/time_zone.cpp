#include "quire/storage/time_zone.hpp"

#include "quire/storage/error.hpp"

#include <absl/time/time.h>

#include <algorithm>

namespace quire::storage {

namespace {

using namespace std::chrono;

// Abseil, for GCC 12 has no std::chrono::time_zone, and `date` forgets the rule for the years
// behind the last change that a file of tzdata lists.

constexpr sys_seconds long_ago{days{-1'000'000}};
constexpr sys_seconds far_future{days{5'000'000}};

sys_seconds to_std(absl::Time x) {
  return sys_seconds{seconds{absl::ToUnixSeconds(x)}};
}

absl::Time to_absl(sys_seconds x) {
  return absl::FromUnixSeconds(x.time_since_epoch().count());
}

/// The library takes paths, too, and names of its own.
bool may_be_zone(const std::string& name) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/'
           || c == '_' || c == '-' || c == '+';
  };
  return !name.empty() && name.size() <= 100 && name.front() != '/' && name != "localtime"
         && std::ranges::all_of(name, fits);
}

/// When the clocks changed.
sys_seconds time_of(const absl::TimeZone& zone, const absl::TimeZone::CivilTransition& change) {
  // What is skipped has no time before the change, and what is repeated none behind it.
  auto civil = std::min(change.from, change.to);
  return to_std(zone.At(civil).trans);
}

seconds offset_at(const absl::TimeZone& zone, sys_seconds at) {
  return seconds{zone.At(to_absl(at)).offset};
}

} // namespace

struct time_zone::data {
  absl::TimeZone zone;
};

time_zone::time_zone(const std::string& name) {
  auto loaded = std::make_shared<data>();
  if (!may_be_zone(name) || !absl::LoadTimeZone(name, &loaded->zone))
    throw error(errc::invalid_argument, "the time zone '" + name.substr(0, 100)
                                          + "' is unknown; allowed are IANA names as UTC or "
                                            "Europe/Berlin (package tzdata)");
  data_ = std::move(loaded);
}

time_zone::period time_zone::period_at(sys_seconds at) const {
  auto& zone = data_->zone;
  absl::TimeZone::CivilTransition change;
  period found{long_ago, far_future, offset_at(zone, at), {}};
  found.before = found.offset;
  // Before `at + 1 s`: a change at `at` begins the period.
  if (zone.PrevTransition(to_absl(at + seconds{1}), &change)) {
    found.begin = time_of(zone, change);
    found.before = offset_at(zone, found.begin - seconds{1});
  }
  if (zone.NextTransition(to_absl(at), &change))
    found.end = time_of(zone, change);
  return found;
}

local_seconds time_zone::local_time(sys_seconds at) const {
  return local_seconds{(at + offset_at(data_->zone, at)).time_since_epoch()};
}

} // namespace quire::storage

#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace quire::storage {

/// A time zone of the machine's IANA database (package tzdata). Cheap to copy; may be used by
/// several threads at once. What the database had when a zone was first asked for stays in use
/// until the process ends, also that it had no such zone.
class time_zone {
public:
  /// @param name as `Europe/Berlin`, or `UTC`, which is known without the database.
  /// @throws error with `errc::invalid_argument` if there is no zone of this name.
  explicit time_zone(const std::string& name);

  /// A time without a change of the clocks.
  struct period {
    std::chrono::sys_seconds begin;  ///< Long ago if no earlier change is known.
    std::chrono::sys_seconds end;    ///< The next change; far in the future if there is none.
    std::chrono::seconds offset{0};  ///< Local time is Universal Time and this.
    std::chrono::seconds before{0};  ///< The offset until `begin`.
  };

  /// Returns the period that holds `at`.
  period period_at(std::chrono::sys_seconds at) const;

  /// Returns what clocks show at `at`.
  std::chrono::local_seconds local_time(std::chrono::sys_seconds at) const;

private:
  struct data;
  std::shared_ptr<const data> data_;
};

} // namespace quire::storage

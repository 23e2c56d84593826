#pragma once

#include "quire/messages/types/task.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

/// What happens when a schedule fires although an earlier task of it has not ended.
/// The numbers are what the database holds.
enum class schedule_overlap : std::uint8_t {
  allow = 0,           ///< One more task, whatever the others do.
  skip = 1,            ///< No task this time.
  queue_one = 2,       ///< One task waits until no other one runs; no task if one waits already.
  cancel_previous = 3, ///< The others are cancelled; a running one may still be stopping.
};

std::string_view to_string(schedule_overlap x) noexcept;
std::optional<schedule_overlap> schedule_overlap_from_string(std::string_view name) noexcept;

/// What happens with times at which nobody ran the database, or the machine slept.
/// The numbers are what the database holds.
enum class schedule_catch_up : std::uint8_t {
  none = 0, ///< They are missed, but for the last one if that is at most 60 s ago.
  last = 1, ///< The last of them is made up for, however long ago.
  all = 2,  ///< Each is made up for, the newest `catch_up_max` of them.
};

std::string_view to_string(schedule_catch_up x) noexcept;
std::optional<schedule_catch_up> schedule_catch_up_from_string(std::string_view name) noexcept;

/// A task that is to be put into its queue again and again.
struct schedule_spec {
  std::string name;        ///< Unique; 1 to 100 bytes.
  std::string spec;        ///< When: see `parse_schedule` in `messages/types/cron.hpp`.
  std::string tz = "UTC";  ///< IANA name of the time zone that `spec` means: `Europe/Berlin`.
  /// What is enqueued each time. Its payload has at most 1 MiB; `run_at_ms` must be absent.
  /// With `queue_one` it has no gate, or one of capacity 1.
  task_spec task;
  schedule_overlap overlap = schedule_overlap::allow;
  schedule_catch_up catch_up = schedule_catch_up::last;
  int catch_up_max = 1000;               ///< For `all`: 1 to 1000.
  std::optional<std::int64_t> start_ms;  ///< Never before this time (Unix milliseconds).
  std::optional<std::int64_t> end_ms;    ///< Never after this time; not before `start_ms`.
  /// Each task waits for up to so long before it may run, for a time that its schedule and
  /// its time choose; 0 to 24 hours.
  std::chrono::milliseconds jitter{0};
};

/// A schedule, and where it stands.
struct schedule_record {
  schedule_spec schedule;
  bool paused = false;
  std::optional<std::int64_t> next_at_ms; ///< None when paused, or when it is over.
  std::optional<std::int64_t> last_at_ms; ///< The time it fired for last.
  std::int64_t fired = 0;                 ///< So often it put a task into the queue.
  std::int64_t skipped = 0;               ///< So often an earlier task had not ended.
  std::int64_t missed = 0;                ///< So many times nobody made up for.
  std::int64_t created_at_ms = 0;
  std::int64_t changed_at_ms = 0;
  std::string error;                      ///< Why it cannot fire at the moment; it is tried again.
};

/// One time at which a schedule fired, or skipped because of `schedule_overlap`.
struct schedule_fire {
  std::int64_t fire_at_ms = 0;  ///< The time that the schedule names.
  std::int64_t fired_at_ms = 0; ///< When that was done.
  task_id task;                 ///< 0 if it was skipped. The task may have been deleted since.
};

/// A schedule with the last times it fired, the newest first.
struct schedule_details {
  schedule_record record;
  std::vector<schedule_fire> fires;
};

} // namespace quire

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

/// Where a circuit breaker stands.
enum class breaker_state : std::uint8_t {
  closed = 0,    ///< Tasks are started.
  open = 1,      ///< None is, until the time of the next probe.
  half_open = 2, ///< A few are, as probes: how they end decides.
};

std::string_view to_string(breaker_state x) noexcept;

/// What becomes of tasks that could be started while their breaker is open.
enum class breaker_mode : std::uint8_t {
  hold = 0, ///< They wait. It costs no attempt.
  skip = 1, ///< They end as `skipped`: a stage goes on without them.
  fail = 2, ///< They end as `failed` (`error_class::dependency_down`).
};

std::string_view to_string(breaker_mode x) noexcept;
std::optional<breaker_mode> breaker_mode_from_string(std::string_view name) noexcept;

/// When a breaker opens, and when it closes again. Attempts that fail with the class
/// `transient`, `timeout` or `dependency_down` count as failures; success, in part too, and
/// other classes count as answers of the service behind it; what was cancelled, given back
/// or died with its process does not count.
struct breaker_policy {
  int failures = 5;       ///< So many in succession open it; 0 to 1000, 0: they do not.
  int window = 0;         ///< The last so many attempts are looked at, too; 0 to 64, 0: they are not.
  int window_percent = 50; ///< This share of failures among them opens it; 1 to 100.
  std::chrono::milliseconds open_for{120'000}; ///< Until the first probe; 1 ms to 1 day.
  double factor = 1.0; ///< Each probe that fails makes the next wait so many times longer; 1 to 100.
  std::chrono::milliseconds open_max{3'600'000}; ///< But no longer than this; up to 1 day.
  int probes = 1;    ///< So many run at a time while it is half open; 1 to 1000.
  int successes = 1; ///< So many successful probes in succession close it; 1 to 1000.
  breaker_mode mode = breaker_mode::hold;

  friend bool operator==(const breaker_policy&, const breaker_policy&) = default;
};

/// Returns the policy that is called `name`: `service`, `api`, `utility`, or that of an
/// analyzer: `static`, `dynamic`, `performance`, `ai`.
std::optional<breaker_policy> breaker_preset(std::string_view name) noexcept;

/// The names of all presets.
const std::vector<std::string>& breaker_presets();

/// A breaker and what it has seen. Kinds of tasks that need one service share one.
struct breaker_record {
  std::string name;
  breaker_policy policy;
  breaker_state state = breaker_state::closed;
  bool forced = false;                       ///< Somebody opened it: it closes by hand only.
  int failures = 0;                          ///< In succession, since the last answer.
  int openings = 0;                          ///< Since it was closed last.
  std::optional<std::int64_t> opened_at_ms;  ///< Absent: it is closed.
  std::optional<std::int64_t> probe_at_ms;   ///< When it is half open, or was from.
  std::vector<std::string> kinds;            ///< Of tasks that it guards, in order.
};

} // namespace quire

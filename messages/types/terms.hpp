#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace quire {

/// Which requests go first when many wait. A lane with a larger weight gets more turns,
/// and none of them starves; `control` goes before all others.
enum class lane : std::uint8_t {
  control,     ///< What the runtime itself needs to go on, such as completions of tasks.
  interactive, ///< Somebody waits for it: 16 turns,
  normal,      ///< where this gets 4
  bulk,        ///< and this 1.
};

inline constexpr std::size_t lane_count = 4;

/// Returns the name of the enumerator: `"bulk"`.
constexpr std::string_view to_string(lane x) noexcept {
  switch (x) {
    case lane::control: return "control";
    case lane::interactive: return "interactive";
    case lane::normal: return "normal";
    case lane::bulk: return "bulk";
  }
  return "unknown";
}

/// How a request wants to be served; all of it may be left as it is.
struct request_terms {
  quire::lane lane = quire::lane::normal;

  /// How long it may wait and run, counted from its arrival; the runtime's
  /// `request_timeout` if absent. A request that still waits then is not executed:
  /// it fails with `expired`. One that runs is undone: it fails with `timeout`.
  std::optional<std::chrono::milliseconds> timeout;

  /// On whose behalf it is sent. Clients get turns, so that one with a hundred thousand
  /// requests does not keep another one waiting, and have limits of their own. 0: the
  /// sender, that is the actor or the thread.
  std::uint64_t client = 0;

  /// The number by which the same client can cancel it, if it is not 0.
  std::uint64_t request = 0;
};

} // namespace quire

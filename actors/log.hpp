#pragma once

#include <cstdint>
#include <string_view>

namespace quire::actors {

enum class log_level : std::uint8_t {
  debug, ///< About single requests.
  info,  ///< Lifecycle.
  warn,  ///< Degraded, but served.
  error, ///< Somebody's request failed for a reason of ours.
};

/// Writes a line to the spdlog logger "quire", which an application may register
/// before it opens a runtime; without one, warnings and errors go to stderr.
/// Values of users never go into `text`. Thread-safe.
void log(log_level level, std::string_view service, std::string_view text);

/// Sets from which level on lines are written.
void set_log_level(log_level level);

} // namespace quire::actors

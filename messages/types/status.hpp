#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quire {

/// A number that a service reports, by name.
struct counter {
  std::string name;
  std::int64_t value = 0;
};

/// How one service is.
struct service_status {
  std::string service;            ///< `writer`, `task_execution_service`, ...
  /// `running`, `degraded` (something keeps it from working: `note` says what, the
  /// counter `trouble` holds the number of its `errc`; it is tried again), `busy` (it
  /// does not answer now), `restarting`, `draining` or `failed`.
  std::string state;
  std::int64_t restarts = 0;      ///< Since the runtime was opened.
  std::vector<counter> counters;
  std::string note;               ///< The last thing that went wrong; empty if nothing did.
};

/// How the whole runtime is.
struct runtime_status {
  std::string database;           ///< Path of the file.
  std::int64_t boot = 0;          ///< How often this database has been opened by an owner.
  std::vector<service_status> services;
};

/// Returns the counter called `name`, or 0.
inline std::int64_t counter_of(const service_status& status, const std::string& name) {
  for (auto& candidate : status.counters)
    if (candidate.name == name)
      return candidate.value;
  return 0;
}

} // namespace quire

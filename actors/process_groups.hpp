#pragma once

#include <atomic>

#include <sys/types.h>

/// Process groups of programs that run. For `process.cpp` and for processes that end.
namespace quire::actors {

/// Sends KILL to the groups of all programs that run now (of up to 1024): for a
/// process that is about to end without waiting for them. Async-signal-safe.
void kill_all_programs() noexcept;

/// Keeps a group among those that `kill_all_programs` knows.
class known_group {
public:
  explicit known_group(pid_t group) noexcept;
  known_group(const known_group&) = delete;
  known_group& operator=(const known_group&) = delete;
  ~known_group();

private:
  std::atomic<pid_t>* place_ = nullptr;
};

/// Returns whether a process of `group` runs still; one that has ended and waits
/// to be reaped by somebody does not. Reads all of /proc: some milliseconds.
bool group_runs(pid_t group);

/// Waits, for a second at most, until the members of a group that got KILL are gone.
void bury_group(pid_t group);

} // namespace quire::actors

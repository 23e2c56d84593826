#pragma once

#include "quire/tests/support/memory_disk.hpp"

#include <cstdint>
#include <functional>

namespace quire::tests {

/// Name of the VFS through which SQLite uses the disk that is plugged in.
inline constexpr auto memory_vfs_name = "quire-memory";

/// Plugs `disk` in for as long as it lives; only one may be at a time. SQLite's
/// own random numbers start anew from `seed`, and its clock stands still.
class plugged_disk {
public:
  plugged_disk(memory_disk& disk, std::uint64_t seed);
  plugged_disk(const plugged_disk&) = delete;
  plugged_disk& operator=(const plugged_disk&) = delete;
  ~plugged_disk();
};

/// Calls `hook` once, in the next checkpoint of a connection that has not yet seen the
/// last commit: when it has read the state of the log, and before it uses it.
void before_next_checkpoint(std::function<void()> hook);

/// How many files SQLite has open through that VFS.
int open_files_of_memory_vfs();

} // namespace quire::tests

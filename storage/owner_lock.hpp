#pragma once

#include "quire/storage/process.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quire::storage {

/// Says that this process is the owner of a database: the file `<database>.lock`
/// beside it, locked with flock(2). The lock ends with the process, however it
/// ends. The database file itself is never opened here: closing a second
/// descriptor of it would drop SQLite's own locks
/// (https://www.sqlite.org/howtocorrupt.html, 2.2).
class owner_lock {
public:
  /// @throws error: `already_owned` if another process (or another runtime in
  ///         this one) holds the lock, naming its process id; `cannot_open` or
  ///         `read_only` if the lock file cannot be created.
  static owner_lock acquire(const std::string& database);

  owner_lock(owner_lock&&) noexcept;
  owner_lock& operator=(owner_lock&&) noexcept;
  ~owner_lock();

  /// Removes the lock file if this lock has created it: for an owner that found no
  /// database there. Whoever waits for this lock notices and makes a new one.
  void leave_no_trace() noexcept;

  /// Returns who owns `database` now, as text ("process 4711"), if anybody does.
  static std::optional<std::string> owner_of(const std::string& database);

private:
  owner_lock(int descriptor, std::string created)
    : descriptor_(descriptor), created_(std::move(created)) {}
  int descriptor_ = -1;
  std::string created_;                      ///< The path, if this lock created the file.
  std::uint64_t process_ = process_number(); ///< A child of fork has no part in it.
};

} // namespace quire::storage

#pragma once

#include <memory>
#include <optional>
#include <string>

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

  /// Returns who owns `database` now, as text ("process 4711"), if anybody does.
  static std::optional<std::string> owner_of(const std::string& database);

private:
  explicit owner_lock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

} // namespace quire::storage

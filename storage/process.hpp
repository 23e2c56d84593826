#pragma once

#include <cstdint>

namespace quire::storage {

/// Returns a number that is another one in a child of fork(2), where SQLite's connections
/// must not be used (https://www.sqlite.org/howtocorrupt.html, 2.6). Costs no system call.
std::uint64_t process_number() noexcept;

/// Sees to it that children of fork(2) close their copy of `descriptor`, until `forget`: a
/// lock of flock(2) lasts until the last copy is closed. At most 256 at a time; more are
/// left open in children.
void close_in_children(int descriptor) noexcept;
void forget_descriptor(int descriptor) noexcept;

} // namespace quire::storage

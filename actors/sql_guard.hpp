#pragma once

#include <string_view>

namespace quire::actors {

/// Refuses statements of a client that would take the transaction out of the hands of its
/// owner: BEGIN, COMMIT, END, ROLLBACK, SAVEPOINT, RELEASE, ATTACH, DETACH and VACUUM.
/// @throws storage::error with `errc::sql`, naming the keyword.
void check_read(std::string_view sql);

/// The same for writes, which cannot be PRAGMA either.
void check_write(std::string_view sql);

} // namespace quire::actors

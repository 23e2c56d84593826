#pragma once

#include <cstdint>
#include <string_view>

namespace quire::actors {

/// What a client's statement is for.
enum class sql_use : std::uint8_t { read, write };

/// Refuses statements that would take the transaction out of the hands of its
/// owner: BEGIN, COMMIT, END, ROLLBACK, SAVEPOINT, RELEASE, ATTACH, DETACH and
/// VACUUM, and for writes also PRAGMA.
/// @throws storage::error with `errc::sql`, naming the keyword.
void refuse_control_statement(std::string_view sql, sql_use use);

} // namespace quire::actors

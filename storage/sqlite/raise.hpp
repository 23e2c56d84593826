#pragma once

#include "quire/storage/error.hpp"

#include <string>
#include <string_view>

struct sqlite3;

/// How results of SQLite become errors. For this folder only.
namespace quire::storage {

/// Returns our code for an SQLite result code, primary or extended.
/// `system_errno` is what `sqlite3_system_errno` says, 0 if unknown.
errc errc_from_sqlite(int code, int system_errno) noexcept;

/// Returns `text` in one line, cut after 200 bytes at most, never inside of a character.
std::string shortened(std::string_view text);

/// Makes the error for `code`, the result of the last call on `db`: SQLite's
/// message and the beginning of `sql`; bound values are never shown.
error make_error(sqlite3* db, int code, std::string_view sql);

/// Throws `make_error`.
[[noreturn]] void raise(sqlite3* db, int code, std::string_view sql);

/// Makes the error for a database file that could not be opened: what happened,
/// what it means for the data, what to do.
error make_open_error(const std::string& path, const error& cause, bool writable);

} // namespace quire::storage

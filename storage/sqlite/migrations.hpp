#pragma once

#include "quire/storage/sqlite/connection.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quire::storage {

/// One step of a schema, forward only. Never edited once it is released.
struct migration {
  int number = 0;          ///< From 1, without gaps.
  std::string_view name;   ///< `0002_tasks`.
  std::string_view sql;    ///< Any number of statements, no transaction control.
};

/// The migrations of Quire's own tables, from storage/migrations/*.sql.
std::span<const migration> quire_migrations();

/// Brings the schema `owner` to the last of `steps`: applies each that is
/// missing in a transaction of its own and records number, name, checksum and
/// time in the table `quire_migration`. Applications use it for their own
/// tables, with their own `owner` name. `application_id` and `user_version` are
/// never touched.
///
/// @returns how many steps were applied.
/// @throws error: `newer_schema` if the database has a step that is not in
///         `steps` (the text names both numbers); `migration_changed` if an
///         applied step differs from the one in `steps`; `invalid_argument` if
///         `steps` are not numbered 1, 2, 3, ...; `sql` if a step fails (it is
///         rolled back, earlier steps stay).
int migrate(connection& db, std::string_view owner, std::span<const migration> steps,
            std::int64_t now_ms);

/// Checks, on a read-only connection, that the schema `owner` is at the last of
/// `steps`.
/// @throws error: `newer_schema` or `migration_changed` as above; `not_found` if
///         the database has no such schema; `conflict` if it has an older one
///         that an owner must migrate first.
void check_schema(connection& db, std::string_view owner, std::span<const migration> steps);

/// One migration that was applied.
struct applied_migration {
  int number = 0;
  std::string name;
  std::string checksum;    ///< 16 hexadecimal digits (FNV-1a, 64 bits) of the SQL.
  std::int64_t applied_at_ms = 0;
};

/// Returns what `owner` has applied, by number; nothing if it never did.
std::vector<applied_migration> applied_migrations(connection& db, std::string_view owner);

} // namespace quire::storage

#include "quire/storage/sqlite/public_id_store.hpp"

#include "quire/storage/error.hpp"

namespace quire::storage {

namespace {

constexpr std::string_view key_sql =
  "SELECT value FROM quire_meta WHERE key = 'public_key' AND typeof(value) = 'integer'";

constexpr std::string_view created_sql = "SELECT created_at FROM quire_task WHERE id = ?1";

} // namespace

public_ids public_ids_of(snapshot& db) {
  auto key = db.query_optional<std::int64_t>(key_sql);
  if (!key)
    throw error(errc::corrupt, "the table quire_meta has lost what public ids are made with: no "
                               "task can be named by one; quire doctor --repair draws it anew");
  return public_ids{static_cast<std::uint64_t>(*key)};
}

std::optional<task_id> find_public_task(snapshot& db, std::string_view text) {
  auto ids = public_ids_of(db);
  auto row = ids.parse(text);
  if (!row)
    return std::nullopt;
  auto created = db.query_optional<std::int64_t>(created_sql, row->id);
  // Of another database it may name a row of this one by chance, but not of its time.
  if (!created || ids.of({row->id, *created}) != ids.of(*row))
    return std::nullopt;
  return task_id{row->id};
}

} // namespace quire::storage

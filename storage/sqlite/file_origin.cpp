#include "quire/storage/sqlite/file_origin.hpp"

namespace quire::storage {

namespace {

constexpr auto mark_sql = "INSERT OR REPLACE INTO quire_meta(key, value) VALUES('created_here', 1)";
constexpr auto find_table_sql = "SELECT 1 FROM sqlite_schema WHERE type='table' AND name='quire_meta'";
constexpr auto find_mark_sql = "SELECT 1 FROM quire_meta WHERE key = 'created_here'";

} // namespace

void mark_as_ours(transaction& tx) {
  tx.execute(mark_sql);
}

bool is_marked_as_ours(connection& db) {
  return db.prepare(find_table_sql)->step() && db.prepare(find_mark_sql)->step();
}

} // namespace quire::storage

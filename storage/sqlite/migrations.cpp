#include "quire/storage/sqlite/migrations.hpp"

#include "quire/storage/sqlite/connection_state.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <algorithm>

namespace quire::storage {

namespace {

constexpr auto create_table_sql = R"(
CREATE TABLE IF NOT EXISTS quire_migration(
  owner      TEXT NOT NULL,
  number     INTEGER NOT NULL,
  name       TEXT NOT NULL,
  checksum   TEXT NOT NULL,
  applied_at INTEGER NOT NULL,
  PRIMARY KEY(owner, number)
) STRICT, WITHOUT ROWID)";

constexpr auto find_table_sql = "SELECT 1 FROM sqlite_schema"
                                " WHERE type='table' AND name='quire_migration'";

constexpr auto list_sql = "SELECT number, name, checksum, applied_at FROM quire_migration"
                          " WHERE owner = ?1 ORDER BY number";

constexpr auto record_sql = "INSERT INTO quire_migration(owner, number, name, checksum, applied_at)"
                            " VALUES(?1, ?2, ?3, ?4, ?5)";

/// FNV-1a, 64 bits, as 16 hexadecimal digits: to notice an edit, not an attack.
std::string checksum_of(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::uint64_t hash = 14695981039346656037u;
  for (unsigned char c : text)
    hash = (hash ^ c) * 1099511628211u;
  std::string result(16, '0');
  for (auto i = result.rbegin(); i != result.rend(); ++i, hash >>= 4)
    *i = digits[hash & 15];
  return result;
}

std::string title(std::string_view owner, int number, std::string_view name) {
  return "migration " + std::to_string(number) + " (" + std::string{name} + ") of '"
         + std::string{owner} + "'";
}

void check_numbers(std::string_view owner, std::span<const migration> steps) {
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i].number != static_cast<int>(i) + 1)
      throw error(errc::invalid_argument, title(owner, steps[i].number, steps[i].name)
                                            + " stands at place " + std::to_string(i + 1)
                                            + ": steps are numbered 1, 2, 3, ... without gaps");
}

void check_applied(std::string_view owner, std::span<const migration> steps,
                   const std::vector<applied_migration>& applied) {
  // Not the last one: in a file that is damaged its number need not be the largest.
  int newest = 0;
  for (auto& have : applied)
    newest = std::max(newest, have.number);
  if (newest > static_cast<int>(steps.size()))
    throw error(errc::newer_schema,
                "the schema '" + std::string{owner} + "' of this database is at number "
                  + std::to_string(newest) + ", but this program knows only "
                  + std::to_string(steps.size())
                  + ". Nothing was changed: use the newer program, or another database");
  for (auto& have : applied) {
    if (have.number < 1)
      throw error(errc::migration_changed,
                  title(owner, have.number, have.name) + " is recorded, but numbers begin at 1");
    auto& step = steps[static_cast<std::size_t>(have.number) - 1];
    if (have.checksum != checksum_of(step.sql))
      throw error(errc::migration_changed,
                  title(owner, have.number, have.name)
                    + " was applied in another form than this program knows ("
                    + std::string{step.name}
                    + "). Nothing was changed: restore it as it was "
                      "released, and add a new one");
  }
}

bool contains(const std::vector<applied_migration>& applied, int number) {
  return std::any_of(applied.begin(), applied.end(),
                     [&](auto& have) { return have.number == number; });
}

/// What a failed step is called: its own fault, unless the file or the disk is.
errc step_code(errc code) {
  return code == errc::constraint || code == errc::function_failed ? errc::sql : code;
}

/// Returns false if somebody else has applied it in the meantime.
bool apply(connection& db, std::string_view owner, std::span<const migration> steps,
           const migration& step, std::int64_t now_ms) {
  transaction_guard guard{db};
  db.execute(create_table_sql);
  auto applied = applied_migrations(db, owner);
  check_applied(owner, steps, applied);
  if (contains(applied, step.number))
    return false;
  try {
    {
      transaction_control::restriction no_control{db};
      db.execute(std::string{step.sql});
    }
    db.prepare(record_sql)
      ->bind(owner, step.number, step.name, checksum_of(step.sql), now_ms)
      .run();
    guard.commit();
  } catch (const error& failure) {
    throw error(step_code(failure.code()),
                title(owner, step.number, step.name) + " failed: " + failure.what()
                  + (failure.code() == errc::commit_outcome_unknown
                       ? ". Open the database again: it is then there as a whole, or not at all"
                       : ". It was rolled back; earlier steps stay"),
                failure.sqlite_code());
  }
  return true;
}

} // namespace

int migrate(connection& db, std::string_view owner, std::span<const migration> steps,
            std::int64_t now_ms) {
  check_numbers(owner, steps);
  // Looked at without a write lock first: mostly there is nothing to do.
  auto applied = applied_migrations(db, owner);
  check_applied(owner, steps, applied);
  int count = 0;
  for (auto& step : steps)
    if (!contains(applied, step.number) && apply(db, owner, steps, step, now_ms))
      ++count;
  return count;
}

void check_schema(connection& db, std::string_view owner, std::span<const migration> steps) {
  check_numbers(owner, steps);
  auto applied = applied_migrations(db, owner);
  if (applied.empty() && !steps.empty())
    throw error(errc::not_found, "this database has no schema '" + std::string{owner}
                                   + "': an owner must open it once to create it");
  check_applied(owner, steps, applied);
  if (applied.size() < steps.size())
    throw error(errc::conflict,
                "the schema '" + std::string{owner} + "' of this database is at number "
                  + std::to_string(applied.back().number) + ", but this program needs "
                  + std::to_string(steps.size()) + ": an owner must open it once to migrate it");
}

std::vector<applied_migration> applied_migrations(connection& db, std::string_view owner) {
  std::vector<applied_migration> result;
  if (!db.prepare(find_table_sql)->step())
    return result;
  auto stmt = db.prepare(list_sql);
  stmt->bind(owner);
  while (stmt->step())
    result.push_back(
      {static_cast<int>(stmt->int64(0)), stmt->text(1), stmt->text(2), stmt->int64(3)});
  return result;
}

} // namespace quire::storage

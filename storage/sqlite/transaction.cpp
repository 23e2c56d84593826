#include "quire/storage/sqlite/transaction.hpp"

#include "quire/storage/sqlite/connection_state.hpp"

#include <sqlite3.h>

namespace quire::storage {

namespace {

constexpr std::size_t commit_number = 2;
constexpr std::size_t rollback_number = 3;
constexpr std::size_t savepoint_number = 4;
constexpr std::array control_sql{
  "BEGIN IMMEDIATE",
  "BEGIN",
  "COMMIT",
  "ROLLBACK",
  "SAVEPOINT quire_member",
  "ROLLBACK TO quire_member",
  "RELEASE quire_member",
};

} // namespace

void transaction_control::run(connection& db, std::size_t number) {
  auto& state = *db.state_;
  auto compiled = [&](std::size_t which) -> statement& {
    auto& stmt = state.control[which];
    if (!stmt)
      stmt.emplace(state.db, control_sql[which]);
    return *stmt;
  };
  if (number < 2) {
    state.rolled_back = false;
    // Later there may be no memory for it, and the transaction would stay open for ever.
    compiled(rollback_number);
  }
  compiled(number).step();
  if (number < 2)
    state.ended_before.clear();
}

bool transaction_control::try_begin_write(connection& db, bool waits) {
  auto& state = *db.state_;
  auto usual = std::exchange(state.patient, waits);
  try {
    begin_write(db);
    state.patient = usual;
    return true;
  } catch (const error& failure) {
    state.patient = usual;
    if (waits || failure.code() != errc::busy)
      throw;
    return false;
  }
}

void transaction_control::commit(connection& db) {
  ended(db).write(db);
  for (int count = 0;; ++count) {
    try {
      run(db, commit_number);
      return;
    } catch (const error& failure) {
      if (failure.code() != errc::busy || db.autocommit()
          || !connection::state::on_busy(db.state_.get(), count))
        throw;
    }
  }
}

void transaction_control::rollback(connection& db) noexcept {
  if (db.autocommit())
    return;
  try {
    run(db, rollback_number);
  } catch (...) {
    // SQLite undoes the transaction in any case, at the latest when the
    // connection is closed.
  }
}

void transaction_control::savepoint(connection& db) {
  auto& state = *db.state_;
  state.ended_before.push_back(state.ended);
  try {
    run(db, savepoint_number);
  } catch (const error&) {
    state.ended_before.pop_back();
    throw;
  }
}

void transaction_control::rollback_to_savepoint(connection& db) {
  run(db, savepoint_number + 1);
  db.state_->ended = db.state_->ended_before.back();
}

void transaction_control::release_savepoint(connection& db) {
  run(db, savepoint_number + 2);
  db.state_->ended_before.pop_back();
}

bool transaction_control::lost(const connection& db) noexcept {
  return db.autocommit() || db.state_->rolled_back;
}

void transaction_control::forget_rowid(connection& db) noexcept {
  sqlite3_set_last_insert_rowid(db.state_->db, 0);
}

void transaction_control::restrict_use(connection& db, bool refuse) noexcept {
  db.state_->restricted = refuse;
}

transaction_control::restriction::restriction(connection& db)
  : state_(db.state_.get()), before_(state_->restricted) {
  state_->restricted = true;
}

transaction_control::restriction::~restriction() {
  state_->restricted = before_;
}

std::string snapshot::database_path() const {
  auto* name = sqlite3_db_filename(db_->handle(), "main");
  return name ? name : db_->path();
}

row_set snapshot::query(const sql_statement& query, std::size_t rows_max,
                        std::size_t bytes_max) const {
  auto stmt = prepare(query.sql);
  stmt->bind_all(query.params);
  return stmt->fetch_all(rows_max, bytes_max);
}

const end_counts& snapshot::unwritten_ends() const noexcept {
  return transaction_control::ended(*db_);
}

void transaction::count_end(task_state state, std::int64_t tasks) {
  auto& ended = transaction_control::ended(*db_);
  ended.add(state, tasks);
  if (db_->autocommit())
    ended.write(*db_);
}

void transaction::write_end_counts() {
  transaction_control::ended(*db_).write(*db_);
}

transaction_guard::transaction_guard(connection& db) : db_(&db) {
  transaction_control::begin_write(db);
}

transaction_guard::~transaction_guard() {
  if (db_)
    transaction_control::rollback(*db_);
}

void transaction_guard::commit() {
  // Not a part of COMMIT, whose failures may leave its outcome open: nothing is committed yet.
  transaction_control::ended(*db_).write(*db_);
  auto* db = std::exchange(db_, nullptr);
  try {
    transaction_control::commit(*db);
  } catch (const error& failure) {
    transaction_control::rollback(*db);
    // A COMMIT that failed to synchronize may be found in the log after a crash.
    if ((failure.sqlite_code() & 0xff) == SQLITE_IOERR)
      throw error(errc::commit_outcome_unknown, failure.what(), failure.sqlite_code());
    throw;
  }
}

savepoint_guard::savepoint_guard(connection& db) : db_(&db) {
  transaction_control::savepoint(db);
}

savepoint_guard::~savepoint_guard() {
  if (!open_ || transaction_control::lost(*db_))
    return;
  try {
    transaction_control::rollback_to_savepoint(*db_);
    transaction_control::release_savepoint(*db_);
  } catch (const error&) {
    // The transaction around it is lost then, which its owner notices.
    transaction_control::rollback(*db_);
  }
}

void savepoint_guard::release() {
  transaction_control::release_savepoint(*db_);
  open_ = false;
}

read_guard::read_guard(connection& db) : db_(&db) {
  transaction_control::begin_read(db);
  transaction_control::restrict_use(db, true);
}

read_guard::~read_guard() {
  transaction_control::restrict_use(*db_, false);
  if (db_->autocommit())
    return;
  try {
    transaction_control::commit(*db_);
  } catch (const error&) {
    transaction_control::rollback(*db_);
  }
}

} // namespace quire::storage

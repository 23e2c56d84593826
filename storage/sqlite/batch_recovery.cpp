// What an executor knows of commits that were, and what it does when one of them fails.

#include "quire/storage/sqlite/batch_executor.hpp"

#include "quire/storage/sqlite/connection_state.hpp"

#include <sqlite3.h>

#include <utility>

namespace quire::storage {

namespace {

constexpr auto find_seq_sql = "SELECT 1 FROM sqlite_schema"
                              " WHERE type='table' AND name='quire_commit'";
constexpr auto read_seq_sql = "SELECT seq, author FROM quire_commit WHERE id = 1";
constexpr auto advance_seq_sql =
  "UPDATE quire_commit SET seq = ?2, author = ?3 WHERE id = 1 AND seq = ?1";

void fail_all(const std::vector<std::size_t>& which, const error& failure,
              std::vector<member_result>& results) {
  for (auto i : which) {
    results[i] = {};
    results[i].failure = failure;
  }
}

} // namespace

std::optional<batch_executor::commit_mark> batch_executor::stored_mark() {
  seq_stored_ = false;
  if (!db_->prepare(find_seq_sql)->step())
    return std::nullopt;
  auto stmt = db_->prepare(read_seq_sql);
  if (!stmt->bind().step())
    return std::nullopt;
  seq_stored_ = true;
  return commit_mark{static_cast<std::uint64_t>(stmt->int64(0)), stmt->int64(1)};
}

/// Numbers the open transaction, in the database too if it has a place for it.
std::uint64_t batch_executor::advance_commit_seq() {
  auto advance = [&] {
    auto stmt = db_->prepare(advance_seq_sql);
    auto now = static_cast<std::int64_t>(commit_seq_);
    stmt->bind(now, now + 1, *author_).run();
    return db_->changes() == 1;
  };
  if (seq_stored_ && advance())
    return commit_seq_ + 1;
  // The table is new, or another process has committed since.
  if (auto stored = stored_mark()) {
    commit_seq_ = stored->seq;
    advance();
  }
  return commit_seq_ + 1;
}

/// Commits a new number alone, on the disk. What is in the log is on the disk
/// then, too, and what failed is gone for good: a COMMIT that could not be
/// synchronized may have written all of itself, and a crash would bring it back
/// from the log, had not another one taken its place. (A full disk ends a COMMIT
/// before its last frame.)
void batch_executor::commit_nothing() {
  db_->set_durability(durability::full);
  transaction_guard guard{*db_};
  heal_log();
  auto seq = advance_commit_seq();
  guard.commit();
  commit_seq_ = seq;
}

/// Needs the write lock.
void batch_executor::heal_log() {
  if (!log_in_doubt_ && !db_->log_in_doubt())
    return;
  log_in_doubt_ = true;
  db_->rewrite_log();
  log_in_doubt_ = false;
}

void batch_executor::hold() {
  if (!transaction_control::try_begin_write(db(), false))
    throw error(errc::busy, "another process holds the write lock");
}

void batch_executor::release() noexcept {
  if (db_)
    transaction_control::rollback(*db_);
}

void batch_executor::probe() {
  db();
  commit_nothing();
}

/// Finds out what became of a transaction whose COMMIT failed.
void batch_executor::settle_failed_commit(const error& failure, std::uint64_t expected,
                                          const indices& which, const indices& kept,
                                          std::vector<member_result>& results) {
  auto unknown = [&](const std::string& why) {
    error outcome(errc::commit_outcome_unknown,
                  std::string{failure.what()} + "; whether it took effect is unknown: " + why,
                  failure.sqlite_code());
    fail_all(kept, outcome, results);
  };
  auto numbered = seq_stored_;
  if ((failure.sqlite_code() & 0xff) == SQLITE_IOERR || db_->log_in_doubt())
    log_in_doubt_ = true;
  transaction_control::rollback(*db_);
  db_.reset();
  try {
    reopen();
    auto stored = stored_mark();
    if (!numbered || !stored || stored->seq > expected)
      return unknown("the database does not tell");
    // Another process may have taken the number that this COMMIT did not get.
    auto applied = stored->seq == expected && stored->author == *author_;
    // Not `errc::disk_full`, which an I/O error may be called, too.
    if (applied || (failure.sqlite_code() & 0xff) != SQLITE_FULL)
      commit_nothing();
    if (!applied)
      return fail_all(which, failure, results);
    auto newest = commit_seq_;
    note_commit(expected, kept, results);
    commit_seq_ = newest;
  } catch (const error& second) {
    unknown(second.what());
  }
}

void batch_executor::require_in_place() const {
  if (db_->has_moved())
    throw error(errc::cannot_open,
                "the database file was renamed, replaced or deleted while it was open: "
                "what is written now would be missing there. Nothing was changed; "
                "put the file back, or end this program and open the file again");
}

} // namespace quire::storage

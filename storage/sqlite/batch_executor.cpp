#include "quire/storage/sqlite/batch_executor.hpp"

#include "quire/storage/sqlite/connection_state.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace quire::storage {

namespace {

constexpr auto find_triggers_sql = R"(
SELECT 1 FROM sqlite_schema WHERE type='trigger'
UNION ALL SELECT 1 FROM sqlite_temp_schema WHERE type='trigger' LIMIT 1)";

/// How many batches are cautious after a statement that was not undone for sure.
constexpr int cautious_batches_max = 256;

/// Returns whether SQLite undoes a statement that failed like this, rows that it
/// has written already included. It keeps what it needs for that only where it
/// foresees the failure. It does not foresee that a value has the wrong type for a
/// STRICT table or a rowid, what a table-valued function or an aggregate may say,
/// and not every violated foreign key; `total_changes` does not count what is left
/// then.
bool undone_by_sqlite(const error& failure) {
  if (failure.before_running())
    return true;
  switch (failure.sqlite_code()) {
    case 0: // Of ours: before it ran, or about rows that it returned.
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_NOTNULL:
    case SQLITE_CONSTRAINT_CHECK: return true;
    default: return false;
  }
}

void fail(member_result& result, const error& failure) {
  result = {};
  result.failure = failure;
}

void fail_all(const std::vector<std::size_t>& which, const error& failure,
              std::vector<member_result>& results) {
  for (auto i : which)
    fail(results[i], failure);
}

} // namespace

batch_executor::batch_executor(std::function<connection()> open, time_limit limit, int replays_max)
  : open_(std::move(open)), limit_(std::move(limit)), replays_max_(replays_max) {
  reopen();
}

connection& batch_executor::db() {
  if (!db_)
    reopen();
  return *db_;
}

void batch_executor::reopen() {
  db_.emplace(open_());
  try {
    db_->limit_running(
      [this] { return running_ && (running_->stopped() || (limit_.over && limit_.over())); });
    if (!author_) {
      auto stmt = db_->prepare("SELECT random()"); // Drawn by the VFS, as all of SQLite's.
      stmt->step();
      author_ = stmt->int64(0);
    }
    if (auto stored = stored_mark())
      commit_seq_ = stored->seq;
  } catch (...) {
    db_.reset();
    throw;
  }
}

std::vector<member_result> batch_executor::execute(std::span<batch_member* const> members) {
  std::vector<member_result> results(members.size());
  run_all(members, results);
  for (auto& result : results)
    totals_.failed += result.failure ? 1 : 0;
  cautious_batches_ = std::max(0, cautious_batches_ - 1);
  return results;
}

std::optional<std::vector<member_result>> batch_executor::execute_unless_locked(
  std::span<batch_member* const> members) {
  wait_for_lock_ = false;
  locked_ = false;
  auto results = execute(members);
  wait_for_lock_ = true;
  if (std::exchange(locked_, false))
    return std::nullopt;
  return results;
}

void batch_executor::run_all(std::span<batch_member* const> members,
                             std::vector<member_result>& results) {
  indices together;
  auto flush = [&] {
    if (!together.empty())
      run_together(members, std::exchange(together, {}), results);
  };
  together.reserve(members.size());
  for (std::size_t i = 0; i < members.size() && !locked_; ++i) {
    if (!members[i]->alone()) {
      together.push_back(i);
      continue;
    }
    flush();
    if (!locked_)
      run_together(members, {i}, results);
  }
  if (!locked_)
    flush();
}

void batch_executor::run_together(std::span<batch_member* const> members, indices waiting,
                                  std::vector<member_result>& results) {
  for (int replays = 0; !waiting.empty(); ++replays) {
    auto left = attempt(members, waiting, results);
    totals_.replays += left.again.empty() ? 0 : 1;
    if (left.singly || replays >= replays_max_) {
      for (auto i : left.again)
        attempt(members, {i}, results);
      return;
    }
    waiting = std::move(left.again);
  }
}

bool batch_executor::begin(std::span<batch_member* const> members, const indices& which,
                           std::vector<member_result>& results) {
  auto full = std::any_of(which.begin(), which.end(),
                          [&](auto i) { return members[i]->sync() == durability::full; });
  try {
    db().set_durability(full ? durability::full : durability::normal);
    numbered_ = 0;
    auto waits = std::exchange(wait_for_lock_, true);
    if (!transaction_control::try_begin_write(*db_, waits)) {
      locked_ = true;
      return false;
    }
    heal_log();
    if (std::any_of(which.begin(), which.end(), [&](auto i) { return members[i]->wants_number(); }))
      numbered_ = advance_commit_seq();
    return true;
  } catch (const error& failure) {
    if (db_)
      transaction_control::rollback(*db_);
    fail_all(which, failure, results);
    if (failure.code() == errc::busy)
      totals_.locked_errors += static_cast<std::int64_t>(which.size());
    return false;
  }
}

/// Runs the members of one transaction and commits those that succeed. A member
/// that spoils it gets its error; all others without one are to be run again.
batch_executor::turn batch_executor::attempt(std::span<batch_member* const> members,
                                             const indices& which,
                                             std::vector<member_result>& results) {
  if (!begin(members, which, results))
    return {};
  indices kept;
  for (std::size_t n = 0; n < which.size(); ++n) {
    auto i = which[n];
    switch (run_member(*members[i], results[i])) {
      case ending::kept: kept.push_back(i); break;
      case ending::undone: break;
      case ending::spoiled:
        transaction_control::rollback(*db_);
        kept.insert(kept.end(), which.begin() + static_cast<std::ptrdiff_t>(n) + 1, which.end());
        return {std::move(kept), false};
    }
  }
  if (kept.empty()) {
    transaction_control::rollback(*db_);
    return {};
  }
  return commit(which, kept, results);
}

/// Commits. If that fails, the members of `which` that are not among the `kept`
/// ones fail with it: their own errors speak of rows that are gone.
batch_executor::turn batch_executor::commit(const indices& which, const indices& kept,
                                            std::vector<member_result>& results) {
  auto seq = numbered_;
  try {
    require_in_place();
    transaction_control::ended(*db_).write(*db_);
    if (seq == 0)
      seq = advance_commit_seq();
  } catch (const error& failure) {
    transaction_control::rollback(*db_);
    fail_all(which, failure, results);
    return {};
  }
  try {
    transaction_control::commit(*db_);
  } catch (const error& failure) {
    return handle_failed_commit(failure, seq, which, kept, results);
  }
  note_commit(seq, kept, results);
  return {};
}

/// Opening it again by its path would help nobody: another file may be there now.
void batch_executor::note_commit(std::uint64_t seq, const indices& kept,
                                 std::vector<member_result>& results) {
  commit_seq_ = seq;
  for (auto i : kept)
    results[i].commit_seq = seq;
  auto count = static_cast<std::int64_t>(kept.size());
  ++totals_.commits;
  totals_.members += count;
  totals_.batch_max = std::max(totals_.batch_max, count);
}

batch_executor::turn batch_executor::handle_failed_commit(const error& failure, std::uint64_t seq,
                                                          const indices& which, const indices& kept,
                                                          std::vector<member_result>& results) {
  // Only these two leave the transaction open, and so without effect.
  auto open = !db_->autocommit();
  auto busy = open && failure.code() == errc::busy;
  if (!busy && !(open && failure.code() == errc::constraint)) {
    settle_failed_commit(failure, seq, which, kept, results);
    return {};
  }
  transaction_control::rollback(*db_);
  if (!busy && kept.size() > 1)
    return {kept, true};
  fail_all(which, failure, results);
  totals_.locked_errors += busy ? static_cast<std::int64_t>(which.size()) : 0;
  return {};
}

/// Runs `member`; nothing but an error leaves it.
std::optional<error> batch_executor::run_guarded(batch_member& member, transaction& tx) {
  transaction_control::restriction no_control{*db_};
  if (limit_.begin)
    limit_.begin();
  struct running {
    running(const batch_member*& place, const batch_member& one) : runs(place) { runs = &one; }
    ~running() { runs = nullptr; }
    const batch_member*& runs;
  } limited{running_, member};
  try {
    member.run(tx);
    return std::nullopt;
  } catch (const error& failure) {
    if ((failure.sqlite_code() & 0xff) == SQLITE_INTERRUPT && member.stopped() == errc::cancelled)
      return error(errc::cancelled, "cancelled while it ran; nothing of it was kept",
                   failure.sqlite_code());
    return failure;
  } catch (const std::exception& failure) {
    return error(errc::function_failed, failure.what());
  } catch (...) {
    return error(errc::function_failed, "the function threw something that is not an exception");
  }
}

batch_executor::ending batch_executor::run_member(batch_member& member, member_result& result) {
  result = {};
  if (auto why = member.stopped()) {
    fail(
      result,
      *why == errc::cancelled
        ? error(errc::cancelled, "cancelled before it was begun; nothing of it was tried")
        : error(errc::expired, "the deadline passed before it was begun; nothing of it was tried"));
    return ending::undone;
  }
  auto savepoint = cautious_batches_ > 0 || !member.single_statement();
  auto before = db_->total_changes();
  transaction tx{*db_, numbered_};
  try {
    transaction_control::forget_rowid(*db_);
    if (savepoint)
      transaction_control::savepoint(*db_);
    auto failure = run_guarded(member, tx);
    if (transaction_control::lost(*db_)) {
      error ended(errc::sql, "the request ended the transaction around it");
      fail(result, failure.value_or(ended));
      return ending::spoiled;
    }
    if (!failure && db_->deferred_constraint_violated())
      failure = error(errc::constraint, "FOREIGN KEY constraint failed: a deferred foreign key is "
                                        "still violated at the end of the request");
    if (failure) {
      fail(result, *failure);
      return undo_member(savepoint, before, *failure);
    }
    if (savepoint)
      transaction_control::release_savepoint(*db_);
  } catch (const error& failure) {
    if (!result.failure)
      fail(result, failure);
    return ending::spoiled;
  }
  result.rows_changed = db_->total_changes() - before;
  result.last_rowid = db_->last_insert_rowid();
  result.events = tx.events();
  return ending::kept;
}

/// Undoes what a failed member left, if the transaction is still alive.
batch_executor::ending batch_executor::undo_member(bool savepoint, std::int64_t changes_before,
                                                   const error& failure) {
  if (savepoint) {
    transaction_control::rollback_to_savepoint(*db_);
    transaction_control::release_savepoint(*db_);
    return ending::undone;
  }
  // SQLite has undone the only statement, unless FAIL left some of its rows or a
  // deferred foreign key is violated. What FAIL leaves inside of a trigger is not
  // always counted as a change: where there are triggers, nothing is assumed.
  if (undone_by_sqlite(failure) && !triggers_exist() && db_->total_changes() == changes_before
      && !db_->deferred_constraint_violated())
    return ending::undone;
  // Who sent this may send more of it: that must not cost a replay each time.
  cautious_batches_ = cautious_batches_max;
  return ending::spoiled;
}

bool batch_executor::triggers_exist() {
  return db_->prepare(find_triggers_sql)->step();
}

} // namespace quire::storage

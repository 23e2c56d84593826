#include "quire/tests/torture/small_executor.hpp"

#include "quire/storage/sqlite/connection_state.hpp"

#include <exception>
#include <utility>

namespace quire::tests {

using storage::transaction_control;

namespace {

void fail_all(const std::vector<std::size_t>& which, const storage::error& failure,
              std::vector<storage::member_result>& told) {
  for (auto i : which) {
    told[i] = {};
    told[i].failure = failure;
  }
}

} // namespace

small_executor::small_executor(connection_opener open, flaw planted)
  : open_(std::move(open)), planted_(planted) {
  db_.emplace(open_());
  if (!db_->prepare("SELECT 1 FROM sqlite_schema WHERE name = 'quire_commit'")->step())
    return;
  auto stmt = db_->prepare("SELECT seq FROM quire_commit");
  if (stmt->step())
    seq_ = static_cast<std::uint64_t>(stmt->int64(0));
}

small_executor::~small_executor() {
  try {
    if (db_)
      commit();
  } catch (const storage::error&) {
    // Without power: what is due is lost.
  }
}

storage::connection& small_executor::db() {
  if (!db_)
    db_.emplace(open_());
  commit();
  return *db_;
}

void small_executor::commit() {
  if (std::exchange(commit_is_due_, false))
    transaction_control::commit(*db_);
}

std::vector<storage::member_result> small_executor::execute(members all) {
  results told(all.size());
  indices together;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i]->alone()) {
      together.push_back(i);
      continue;
    }
    run_together(all, std::exchange(together, {}), told);
    run_together(all, {i}, told);
  }
  run_together(all, std::move(together), told);
  return told;
}

void small_executor::run_together(members all, indices waiting, results& told) {
  auto first = told;
  for (bool again = false; !waiting.empty(); again = true) {
    auto which = std::exchange(waiting, {});
    waiting = attempt(all, which, told);
    if (planted_ == flaw::keeps_results_of_first_run && again && waiting.empty())
      for (auto i : which)
        if (!told[i].failure) {
          auto seq = told[i].commit_seq;
          told[i] = first[i];
          told[i].commit_seq = seq;
        }
    if (!again)
      first = told;
    replays_ += waiting.empty() ? 0 : 1;
  }
}

small_executor::indices small_executor::attempt(members all, const indices& which, results& told) {
  auto full = false;
  for (auto i : which)
    full = full || all[i]->sync() == durability::full;
  indices kept;
  try {
    db().set_durability(full ? durability::full : durability::normal);
    transaction_control::begin_write(*db_);
    for (std::size_t n = 0; n < which.size(); ++n) {
      auto i = which[n];
      if (!run_member(*all[i], told[i])) {
        transaction_control::rollback(*db_);
        indices later(which.begin() + static_cast<std::ptrdiff_t>(n) + 1, which.end());
        if (planted_ == flaw::forgets_survivors) {
          for (auto survivor : kept)
            told[survivor].commit_seq = seq_ + 1;
          return later;
        }
        kept.insert(kept.end(), later.begin(), later.end());
        if (planted_ != flaw::commits_with_the_spoiler)
          return kept;
        transaction_control::begin_write(*db_);
        kept.resize(kept.size() - later.size());
        continue;
      }
      if (!told[i].failure)
        kept.push_back(i);
    }
  } catch (const storage::error& failure) {
    if (db_)
      transaction_control::rollback(*db_);
    fail_all(which, failure, told);
    return {};
  }
  if (kept.empty())
    transaction_control::rollback(*db_);
  else
    finish(kept, told);
  return {};
}

bool small_executor::run_member(storage::batch_member& one, storage::member_result& told) {
  told = {};
  auto savepoint = planted_ != flaw::uses_no_savepoints;
  auto before = db_->total_changes();
  storage::transaction tx{*db_};
  if (savepoint)
    transaction_control::savepoint(*db_);
  try {
    transaction_control::restriction no_control{*db_};
    one.run(tx);
    if (db_->deferred_constraint_violated())
      told.failure.emplace(errc::constraint, "a deferred foreign key is violated");
  } catch (const storage::error& failure) {
    told.failure = failure;
  } catch (const std::exception& failure) {
    told.failure.emplace(errc::function_failed, failure.what());
  }
  if (transaction_control::lost(*db_))
    return false;
  // Without a savepoint the key would stay violated, and nobody could commit.
  if (!savepoint && db_->deferred_constraint_violated())
    return false;
  if (savepoint && told.failure)
    transaction_control::rollback_to_savepoint(*db_);
  if (savepoint)
    transaction_control::release_savepoint(*db_);
  told.rows_changed = db_->total_changes() - before;
  told.last_rowid = db_->last_insert_rowid();
  told.events = tx.events();
  return true;
}

void small_executor::finish(const indices& kept, results& told) {
  try {
    if (planted_ != flaw::does_not_number)
      db_->prepare("UPDATE quire_commit SET seq = ?1")
        ->bind(static_cast<std::int64_t>(seq_ + 1))
        .run();
    commit_is_due_ = true;
    if (planted_ != flaw::acknowledges_before_commit)
      commit();
  } catch (const storage::error& failure) {
    transaction_control::rollback(*db_);
    db_.reset();
    return fail_all(kept, storage::error(errc::commit_outcome_unknown, failure.what()), told);
  }
  ++seq_;
  for (auto i : kept)
    told[i].commit_seq = seq_;
}

} // namespace quire::tests

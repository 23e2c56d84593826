#include "quire/storage/sqlite/task_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/id_list.hpp"
#include "quire/storage/sqlite/subtasks.hpp"
#include "quire/storage/sqlite/task_keys.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace quire::storage {

namespace {

// Of all that a task snoozed the last stays in its history: it may do so for ever.
constexpr std::string_view forget_snooze_sql =
  "DELETE FROM quire_task_attempt WHERE task_id = ?1 AND outcome = 'snoozed'";

constexpr std::string_view insert_attempt_sql = R"(
  INSERT INTO quire_task_attempt(task_id, epoch, attempt, started_at, ended_at, outcome, error,
                                 error_class, boot)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9))";

constexpr std::string_view put_result_sql = R"(
  INSERT INTO quire_task_result(id, epoch, output, detail, file) VALUES(?1, ?2, ?3, ?4, ?5)
  ON CONFLICT(id) DO UPDATE
  SET epoch = excluded.epoch, output = excluded.output, detail = excluded.detail,
      file = excluded.file)";

/// What becomes of an attempt.
struct attempt_end {
  task_state state = task_state::completed;
  bool given_back = false; ///< The attempt does not count.
  bool crashed = false;
  bool snoozed = false;
  std::string_view outcome; ///< As the history calls it.
  std::string error;
  std::optional<error_class> kind;
  std::optional<std::int64_t> run_at_ms;
};

/// Returns where the task stands then.
task_state end_attempt(transaction& tx, task_id task, const task_row& row, const attempt_end& end,
                       std::int64_t now_ms) {
  std::optional<std::int64_t> finished_at;
  std::optional<std::int64_t> kind;
  if (is_terminal(end.state))
    finished_at = now_ms;
  if (end.kind)
    kind = static_cast<std::int64_t>(*end.kind);
  tx.execute(task_sql::end_attempt, task.value, row.epoch, static_cast<int>(end.state),
             end.given_back ? row.attempt - 1 : row.attempt,
             end.crashed ? row.crashes + 1 : row.crashes, end.run_at_ms, finished_at, kind,
             end.snoozed);
  if (end.snoozed)
    tx.execute(forget_snooze_sql, task.value);
  // A success is what the row of the task says: see `attempts_of`.
  if (end.state != task_state::completed || !end.error.empty())
    tx.execute(insert_attempt_sql, task.value, row.epoch, row.attempt, row.claimed_at_ms, now_ms,
               end.outcome, end.error,
               static_cast<int>(end.kind.value_or(end.crashed ? error_class::lost : error_class::none)),
               row.boot);
  if (is_terminal(end.state)) {
    conclude_task(tx, task, row, end.state, now_ms);
  } else if (row.subtasks_open > 0) { // Some were started again while it ran.
    wait_for_subtasks(tx, task, row);
    return task_state::created;
  } else if (end.run_at_ms) {
    give_place(tx, row.gate);
    tx.announce({event::topic::task_ready, *end.run_at_ms});
  } else {
    announce_ready(tx);
  }
  // It waits again, and its time may be up meanwhile.
  if (!is_terminal(end.state) && row.end_by_ms)
    tx.announce({event::topic::task_ready, *row.end_by_ms});
  return end.state;
}

attempt_end end_of(const task_row& row, const task_outcome& outcome, std::int64_t retry_at_ms) {
  using verdict = task_outcome::verdict;
  attempt_end end;
  end.error = outcome.error;
  end.kind = outcome.error_kind;
  switch (outcome.what) {
    case verdict::completed: end.state = task_state::completed; break;
    case verdict::partial_success: end.state = task_state::partial_success; break;
    case verdict::cancelled: end.state = task_state::cancelled; break;
    case verdict::released:
      end.state = row.cancel_requested ? task_state::cancelled : task_state::ready;
      end.given_back = !row.cancel_requested;
      break;
    case verdict::snoozed:
      end.state = row.cancel_requested ? task_state::cancelled : task_state::scheduled;
      end.given_back = end.snoozed = !row.cancel_requested;
      break;
    case verdict::failed: {
      bool final = outcome.error_kind == error_class::permanent
                   || outcome.error_kind == error_class::poison || row.attempt >= row.attempts_max;
      if (!final && row.end_by_ms && retry_at_ms >= *row.end_by_ms) {
        final = true;
        end.error += "; its time is up before another attempt could begin";
      }
      end.state = row.cancel_requested ? task_state::cancelled
                  : final              ? task_state::failed
                                       : task_state::retryable;
      break;
    }
  }
  if (end.state == task_state::retryable || end.state == task_state::scheduled)
    end.run_at_ms = retry_at_ms;
  // The class says why a task is where it is: giving it back changes nothing.
  if (end.given_back)
    end.kind.reset();
  else if (end.state == task_state::cancelled)
    end.kind = error_class::cancelled;
  end.outcome = end.snoozed                          ? "snoozed"
                : end.given_back                     ? "released"
                : end.state == task_state::retryable ? to_string(task_state::failed)
                                                     : to_string(end.state);
  return end;
}

/// Returns whether there was anything to keep.
bool put_result(transaction& tx, task_id task, std::int64_t epoch, const task_outcome& outcome) {
  using verdict = task_outcome::verdict;
  bool useful = outcome.what == verdict::completed || outcome.what == verdict::partial_success;
  auto output = useful ? if_any(outcome.output) : std::nullopt;
  auto file = useful ? if_any(outcome.output_file) : std::nullopt;
  auto detail = if_any(outcome.detail);
  bool any = output || file || detail;
  if (any)
    tx.execute(put_result_sql, task.value, epoch, output, detail, file);
  return any;
}

/// Returns whether an error with `code` says no to what was asked for, or that it took too long.
bool is_refusal(errc code) {
  return code == errc::conflict || code == errc::not_found || code == errc::timeout
         || code == errc::precondition_failed;
}

/// Writes what the handler wanted to write with its success.
void have_effects(transaction& tx, const task_outcome& outcome) {
  using verdict = task_outcome::verdict;
  if (!outcome.effects
      || (outcome.what != verdict::completed && outcome.what != verdict::partial_success))
    return;
  try {
    outcome.effects(tx);
  } catch (const error& failure) {
    if (!is_refusal(failure.code()))
      throw;
    // Whoever wrote it is to blame, not the database: trying again would not help.
    throw error(errc::function_failed, failure.what());
  }
}

/// The first attempt simply succeeded, as the most frequent case is.
bool simply_completed(std::int64_t epoch, const task_outcome& outcome) {
  return epoch == 1 && outcome.what == task_outcome::verdict::completed && outcome.error.empty();
}

/// What is to be done for a task that has been completed alone.
void conclude_alone(transaction& tx, task_id task, std::int64_t epoch,
                    const task_outcome& outcome) {
  put_result(tx, task, epoch, outcome);
  tx.announce({event::topic::task_finished, task.value});
}

/// Ends one in one statement, if nobody but the task itself is concerned.
bool complete_at_once(transaction& tx, task_id task, std::int64_t epoch,
                      const task_outcome& outcome, std::int64_t now_ms) {
  if (!simply_completed(epoch, outcome)
      || tx.execute(task_sql::complete_at_once, task.value, now_ms,
                    static_cast<std::int64_t>(outcome.error_kind))
           == 0)
    return false;
  tx.count_end(task_state::completed, 1);
  conclude_alone(tx, task, epoch, outcome);
  return true;
}

/// Ends those that `complete_at_once` would end and have no effects, if they are many.
/// @returns which; nothing for those that were not looked at.
std::vector<std::optional<bool>> complete_many(transaction& tx,
                                               std::span<const ended_attempt> ended,
                                               std::int64_t now_ms) {
  std::vector<std::optional<bool>> done(ended.size());
  std::vector<std::size_t> candidates;
  std::unordered_set<std::int64_t> seen; // Of two ends of one task the second is refused.
  id_list ids;
  for (std::size_t i = 0; i < ended.size(); ++i) {
    auto& outcome = *ended[i].outcome;
    if (ended[i].crashed || !simply_completed(ended[i].epoch, outcome) || outcome.effects
        || outcome.error_kind != error_class::none || !seen.insert(ended[i].task.value).second)
      continue;
    candidates.push_back(i);
    ids.add(ended[i].task.value);
  }
  if (ids.size() < id_list::worthwhile)
    return done;
  for (auto i : candidates)
    done[i] = false;
  std::vector<std::size_t> alone;
  {
    auto stmt = tx.prepare(task_sql::ending_alone);
    stmt->bind(ids.json());
    while (stmt->step())
      alone.push_back(candidates[static_cast<std::size_t>(stmt->int64(0))]);
  }
  if (alone.empty())
    return done;
  id_list completed;
  for (auto i : alone)
    completed.add(ended[i].task.value);
  tx.execute(task_sql::complete_many, completed.json(), now_ms);
  tx.count_end(task_state::completed, static_cast<std::int64_t>(alone.size()));
  for (auto i : alone) {
    conclude_alone(tx, ended[i].task, ended[i].epoch, *ended[i].outcome);
    done[i] = true;
  }
  return done;
}

/// Ends one that `complete_at_once` does not.
finished_attempt finish_with_others(transaction& tx, task_id task, std::int64_t epoch,
                                    const task_outcome& outcome, std::int64_t retry_at_ms,
                                    std::int64_t now_ms) {
  auto row = read_task_row(tx, task);
  if (!row)
    return {false, task_state::cancelled};
  if (row->state != task_state::running || row->epoch != epoch)
    return {false, row->state};
  auto end = end_of(*row, outcome, retry_at_ms);
  if (!put_result(tx, task, epoch, outcome) && epoch > 1)
    tx.execute(task_sql::drop_result, task.value);
  auto state = end_attempt(tx, task, *row, end, now_ms);
  have_effects(tx, outcome);
  return {true, state};
}

} // namespace

finished_attempt finish_attempt(transaction& tx, task_id task, std::int64_t epoch,
                                const task_outcome& outcome, std::int64_t retry_at_ms,
                                std::int64_t now_ms) {
  if (complete_at_once(tx, task, epoch, outcome, now_ms)) {
    have_effects(tx, outcome);
    return {true, task_state::completed};
  }
  return finish_with_others(tx, task, epoch, outcome, retry_at_ms, now_ms);
}

finished_attempt crash_attempt(transaction& tx, task_id task, std::int64_t epoch,
                               const std::string& reason, std::int64_t now_ms) {
  auto row = read_task_row(tx, task);
  if (!row)
    return {false, task_state::cancelled};
  if (row->state != task_state::running || row->epoch != epoch)
    return {false, row->state};
  attempt_end end;
  end.crashed = true;
  end.outcome = "crashed";
  end.error = reason;
  if (row->cancel_requested) {
    end.state = task_state::cancelled;
    end.kind = error_class::cancelled;
  } else if (row->crashes_max > 0 && row->crashes + 1 >= row->crashes_max) {
    end.state = task_state::failed;
    end.kind = error_class::poison;
    end.error = "its process died " + std::to_string(row->crashes + 1)
                + " times while it ran; the last time: " + reason;
  } else {
    end.state = task_state::ready;
    end.given_back = true;
  }
  return {true, end_attempt(tx, task, *row, end, now_ms)};
}

std::vector<finished_attempt> finish_attempts(transaction& tx, std::span<const ended_attempt> ended,
                                              std::int64_t now_ms) {
  auto done = complete_many(tx, ended, now_ms);
  std::vector<finished_attempt> result;
  result.reserve(ended.size());
  for (std::size_t i = 0; i < ended.size(); ++i) {
    auto& [task, epoch, outcome, retry_at_ms, crashed] = ended[i];
    if (done[i] == true)
      result.push_back({true, task_state::completed});
    else if (crashed)
      result.push_back(crash_attempt(tx, task, epoch, outcome->error, now_ms));
    else if (done[i])
      result.push_back(finish_with_others(tx, task, epoch, *outcome, retry_at_ms, now_ms));
    else
      result.push_back(finish_attempt(tx, task, epoch, *outcome, retry_at_ms, now_ms));
  }
  return result;
}

} // namespace quire::storage

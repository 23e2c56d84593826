#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/transaction.hpp"
#include "quire/storage/tenant_shares.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// All SQL on the task tables, as typed functions. Times are Unix milliseconds
/// that the caller passes in. Functions that change something announce it
/// (`transaction::announce`) to those who wait for it.
///
/// Every exit of a task from {ready, running} gives its place in its gate to the
/// next one, and every entry into a terminal state moves the counters of its
/// stage, in the same transaction.
namespace quire::storage {

/// Puts a task into its queue: `scheduled` if its time is still to come,
/// `blocked` if its gate is full, `ready` otherwise.
/// @returns the task, or the one that has its unique key.
/// @throws error: `invalid_argument` if a field of `spec` is outside of its documented limits;
///         `conflict` if its unique key is taken and `spec` says to reject it then.
enqueued_task put_task(transaction& tx, const task_spec& spec, std::int64_t now_ms);

/// The same for several, in order; many at a time with few statements.
/// @returns one for each.
/// @throws error as above, `invalid_argument` before any is there.
std::vector<enqueued_task> put_tasks(transaction& tx, std::span<const task_spec> specs,
                                     std::int64_t now_ms);

/// The same, for who need not know whether the task is new.
task_id enqueue_task(transaction& tx, const task_spec& spec, std::int64_t now_ms);

/// The same for tasks of a stage, which have no unique key and no subtasks: the items of its list
/// from `first` on. Items that have their task already are left alone. Does not count them: see
/// `fan_out`.
void enqueue_stage_tasks(transaction& tx, std::span<const task_spec> specs, stage_id stage,
                         std::int64_t first, std::int64_t now_ms);

/// Claims up to `count` ready tasks whose kind is one of `kinds`, by age with the
/// head start of their priority (then by id), over all queues that are not paused. Limits of
/// queues, kinds and tenants, rates and breakers are kept to: tasks that may not start wait, and hold
/// up no others. Each claim takes a new epoch.
std::vector<task_assignment> claim_tasks(transaction& tx, std::span<const std::string> kinds,
                                         std::size_t count, std::int64_t boot, std::int64_t now_ms);

/// Tasks to be claimed before there is a worker for them. A task is quick if its kind is
/// said to be, and no process has died while it ran: one that crashed is claimed when it is
/// to run, so that its next crash is its own.
struct claim_ahead {
  std::size_t count = 0;                       ///< So many quick ones at most.
  std::chrono::nanoseconds time{0};            ///< No more than are expected to take this, together.
  std::vector<std::chrono::nanoseconds> quick; ///< What one of each kind is expected to take; 0:
                                               ///< the kind is not quick.
  std::size_t soon = 0;                        ///< So many others at most: for workers that are
                                               ///< about to be free.
};

struct claimed_tasks {
  std::vector<task_assignment> tasks;
  std::optional<std::int64_t> again_at_ms; ///< When a rate or a breaker may let more start.
  tenant_shares shares;                    ///< Whose turn it is now, once this is committed.
};

/// The same; of the tasks that come after these in order, more are claimed as `ahead` says,
/// but none ahead of kinds with limits of their own, and neither ahead nor soon what a breaker
/// guards or must start within some time. If tasks of several tenants wait, they are claimed
/// by turns: `shares` is what the claim before this one returned. Ends tasks whose breaker is
/// open and is not to hold them, some at a time.
claimed_tasks claim_tasks(transaction& tx, std::span<const std::string> kinds, std::size_t count,
                          const claim_ahead& ahead, std::int64_t boot, std::int64_t now_ms,
                          tenant_shares shares = {});

/// What `finish_attempt` made of an outcome.
struct finished_attempt {
  bool accepted = false;   ///< False: the claim had been taken away, nothing was written.
  task_state state = task_state::running;  ///< Where the task stands now.
};

/// Writes how the attempt `epoch` of `task` ended. A failed one becomes
/// `retryable` until `retry_at_ms` (it becomes `failed` when attempts are used
/// up, its error is permanent or poison, or its time is up before); one that is snoozed is
/// `scheduled` until `retry_at_ms` and its attempt is given back; a cancel request that arrived in
/// the meantime turns everything but a success into `cancelled`; a released one
/// goes back to `ready` (or `cancelled`) and its attempt is given back.
finished_attempt finish_attempt(transaction& tx, task_id task, std::int64_t epoch,
                                const task_outcome& outcome, std::int64_t retry_at_ms,
                                std::int64_t now_ms);

/// Puts back what an attempt held whose worker died under it, without spending
/// an attempt: `ready`, or `failed` as poison past the task's limit of crashes.
finished_attempt crash_attempt(transaction& tx, task_id task, std::int64_t epoch,
                               const std::string& reason, std::int64_t now_ms);

/// An attempt that ended.
struct ended_attempt {
  task_id task;
  std::int64_t epoch = 0;
  const task_outcome* outcome = nullptr; ///< Of a crash the error says why.
  std::int64_t retry_at_ms = 0;
  bool crashed = false;
};

/// Does as `finish_attempt` and `crash_attempt` for each of `ended`, those first that simply
/// succeeded: many of them with two statements.
/// @returns what came of each, in the order of `ended`.
std::vector<finished_attempt> finish_attempts(transaction& tx, std::span<const ended_attempt> ended,
                                              std::int64_t now_ms);

/// What `begin_boot` found.
struct boot_report {
  std::int64_t boot = 0;            ///< The number of this boot, from 1.
  std::int64_t recovered = 0;       ///< Tasks requeued that a dead process was running.
  std::int64_t poisoned = 0;        ///< Tasks failed because their process died too often.
};

/// Starts a new boot: takes the next number and gives up all claims of earlier
/// ones, as `crash_attempt` does. In one transaction, before anybody is served.
boot_report begin_boot(transaction& tx, std::int64_t now_ms);

/// Makes due tasks (`scheduled`, `retryable`) ready or blocked, up to `limit`.
/// @returns when to look again: the earliest time among those left, if any.
std::optional<std::int64_t> promote_due_tasks(transaction& tx, std::int64_t now_ms, int limit = 500);

/// Fails waiting tasks whose time is up (`start_within`, `end_within`), up to `limit`.
/// @returns when to look again: the earliest time among those left, if any.
std::optional<std::int64_t> expire_tasks(transaction& tx, std::int64_t now_ms, int limit = 500);

/// Returns the earliest time at which a task becomes due, if any.
std::optional<std::int64_t> next_due_time(snapshot& db);

/// Cancels a task: at once if it waits; a running one gets a request that its
/// worker is told of, and is returned as `running`.
/// @throws error: `not_found`; `conflict` if it has ended already.
task_state cancel_task(transaction& tx, task_id task, const std::string& reason, std::int64_t now_ms);

/// Starts a task again that ended as failed, cancelled or partial_success, with
/// all its attempts (earlier ones stay in its history). If its run has ended,
/// the run and its stage are open again, and stages after it start over.
/// @throws error: `not_found`; `conflict` if it has not ended, or succeeded.
task_state retry_task(transaction& tx, task_id task, std::int64_t now_ms);

/// A task that is running, and the fencing number of that claim.
struct task_claim {
  task_id task;
  std::int64_t epoch = 0;

  friend bool operator==(const task_claim&, const task_claim&) = default;
};

/// Returns the running tasks for which a cancel was requested.
std::vector<task_claim> cancel_requests(snapshot& db);

/// Returns the tasks that are running under a claim of `boot`.
std::vector<task_claim> running_claims(snapshot& db, std::int64_t boot);

/// Running tasks whose attempt began before `claimed_before_ms`, and which are 10
/// minutes over their own timeout if they have one, are failed as lost (or
/// repeated, as their policy says), up to `limit`.
/// @param judged_at_ms the time by which they are over it: a machine that slept, or
///        whose clock was set, must not fail what had no time to run.
/// @returns their ids.
std::vector<task_id> fail_stuck_tasks(transaction& tx, std::int64_t claimed_before_ms,
                                      std::int64_t judged_at_ms, std::int64_t now_ms,
                                      int limit = 500);

/// Deletes tasks of no run that ended before `ended_before_ms` with their subtasks, up to `limit`
/// (some more, if the last one has subtasks), and as many unique keys that have not counted since then.
/// @returns how many.
std::int64_t prune_tasks(transaction& tx, std::int64_t ended_before_ms, int limit = 500);

/// Returns the tasks that match, by id.
std::vector<task_record> list_tasks(snapshot& db, const task_filter& filter);

/// Returns one task with its payload, output and attempts.
std::optional<task_details> find_task(snapshot& db, task_id task);

/// Returns the attempts of a task that have ended, in order.
std::vector<attempt_record> attempts_of(snapshot& db, task_id task);

/// Returns one task without what hangs on it.
std::optional<task_record> find_task_record(snapshot& db, task_id task);

/// Returns how many tasks are in each state that has any, by state number. Those that have ended
/// are counted where they end, the others by their indexes: a tenth of a second for a million of
/// them. Where somebody else changed the tables it may be wrong, which `quire doctor` says.
std::vector<std::pair<task_state, std::int64_t>> count_tasks_by_state(snapshot& db);

} // namespace quire::storage

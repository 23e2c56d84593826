#pragma once

#include "quire/app/failure.hpp"
#include "quire/app/options.hpp"
#include "quire/app/row_stream.hpp"
#include "quire/messages/query.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/breaker.hpp"
#include "quire/messages/types/kind.hpp"
#include "quire/messages/types/queue.hpp"
#include "quire/messages/types/schedule.hpp"
#include "quire/messages/types/status.hpp"
#include "quire/messages/types/task.hpp"
#include "quire/messages/types/tenant.hpp"
#include "quire/messages/types/typed_rows.hpp"
#include "quire/messages/write.hpp"
#include "quire/storage/public_ids.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace quire {

/// What was recovered when a runtime opened its database.
struct opening {
  std::int64_t boot = 0; ///< How often this database was opened by an owner, this time included.
  std::int64_t recovered = 0; ///< Tasks requeued that a dead process was running.
  std::int64_t poisoned = 0;  ///< Tasks failed because their process died under them too often.
  int migrations = 0;         ///< Steps of Quire's schema that were applied.
  int own_migrations = 0;     ///< The same of the application's, see `options::migrations`.
  bool has_schema = true; ///< False if the file has no tables of Quire, and none were asked for.
};

/// One open database with its writer, its readers and its services.
///
/// All methods may be called from any thread, also by several threads at once,
/// but not by a function inside a write or a read: it would wait for itself.
/// Handlers of tasks may call all of them but `close`.
///
/// A call waits for its answer for at most `options::request_timeout`, and for the
/// lock of another process for `options::patience` and 2 s more; `wait` waits for the timeout
/// it is given, and an `_async` one not at all: its future is ready within that time.
/// Opening waits for the locks of other processes for up to `options::patience` each
/// time, and closing has limits of its own. What fails throws `failure`, and once
/// `close` began, that is `unavailable`.
///
/// A child of fork(2) must not use it: its calls throw `wrong_process` there, and destroying
/// it does nothing. The parent's goes on unharmed.
///
/// Destroying the runtime closes it. As with any object, no other thread may begin
/// a call then; on a thread that `close` refuses, it ends the program.
class runtime {
public:
  /// Opens or creates the database, brings Quire's tables up to date, requeues
  /// what a dead process was running and starts every service.
  /// @throws failure: `cannot_open`, `read_only`, `not_a_database`, `corrupt`,
  ///         `newer_schema`, `already_owned`, `busy`, `timeout`, `invalid_argument`.
  explicit runtime(options options);

  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// What opening found and did.
  const opening& opened() const noexcept;

  /// Runs `batch` as one atomic unit on the writer: all of its statements take
  /// effect, or none.
  /// @returns a receipt once the batch is committed, as sure as it asked for.
  /// @throws failure with the error of the statement that failed; `timeout`
  ///         leaves the outcome unknown.
  messages::receipt write(messages::write_batch batch);
  messages::receipt write(std::string sql, std::vector<value> params = {});
  std::future<messages::receipt> write_async(messages::write_batch batch);

  /// Runs `f(storage::transaction&)` on the writer, as one atomic unit, and
  /// returns what it returns once it is committed. `f` may be run again when a
  /// neighbour spoils the transaction: it touches nothing but the transaction.
  template <class F>
  requires std::is_invocable_v<F&, storage::transaction&>
  auto write(F f) -> std::invoke_result_t<F&, storage::transaction&> {
    using result = std::invoke_result_t<F&, storage::transaction&>;
    // Shared: after a timeout the writer may still be running it.
    if constexpr (std::is_void_v<result>) {
      write_call(std::move(f));
    } else {
      auto value = std::make_shared<std::optional<result>>();
      write_call(
        [f = std::move(f), value](storage::transaction& tx) mutable { value->emplace(f(tx)); });
      return std::move(**value);
    }
  }

  /// Runs a query on one of the readers. It sees every write whose receipt was
  /// there before.
  row_set query(messages::query query);
  row_set query(std::string sql, std::vector<value> params = {});
  std::future<messages::query_result> query_async(messages::query query);

  /// The same, with each row read as `T`: a scalar, a tuple or a plain struct, as
  /// `messages/types/typed_rows.hpp` says. Nothing is converted silently.
  /// @throws failure: `invalid_argument` if the columns do not fit `T`.
  template <class T>
  std::vector<T> query_as(std::string sql, std::vector<value> params = {}) {
    return typed([&] { return rows_as<T>(query(std::move(sql), std::move(params))); });
  }

  /// The same for exactly one row.
  /// @throws failure: `not_found` without a row, `conflict` with more.
  template <class T>
  T query_one(std::string sql, std::vector<value> params = {}) {
    return typed([&] { return only_row_as<T>(query(std::move(sql), std::move(params))); });
  }

  /// The same for one row or none.
  template <class T>
  std::optional<T> query_optional(std::string sql, std::vector<value> params = {}) {
    return typed([&] { return optional_row_as<T>(query(std::move(sql), std::move(params))); });
  }

  /// The same for exactly one row with one column.
  template <class T>
  T query_scalar(std::string sql, std::vector<value> params = {}) {
    return typed([&] { return scalar_as<T>(query(std::move(sql), std::move(params))); });
  }

  /// Runs `f(const storage::snapshot&)` on this thread, or on that of a reader: all it reads is
  /// of one moment. It may be run again.
  template <class F>
  requires std::is_invocable_v<F&, storage::snapshot&>
  auto read(F f) -> std::invoke_result_t<F&, storage::snapshot&> {
    using result = std::invoke_result_t<F&, storage::snapshot&>;
    if constexpr (std::is_void_v<result>) {
      read_call(std::move(f));
    } else {
      auto value = std::make_shared<std::optional<result>>();
      read_call(
        [f = std::move(f), value](storage::snapshot& db) mutable { value->emplace(f(db)); });
      return std::move(**value);
    }
  }

  /// Runs the functions at a time, each on a thread and a connection of its own, all on one
  /// identical snapshot, and returns when all have returned.
  /// @param runs 1 to 16 functions.
  /// @throws failure: `unavailable` when the snapshot could not be taken, in which case none
  ///         has run; otherwise what the first function threw that failed.
  void read_together(std::vector<std::function<void(const storage::snapshot&)>> runs);

  /// Opens a query whose rows are taken in portions of `rows_max`; nothing of it is kept in
  /// memory but two portions.
  /// @throws failure: as `query`; `overloaded` if 8 streams are open already.
  row_stream stream(std::string sql, std::vector<value> params = {}, std::uint64_t rows_max = 1000);

  /// Cancels the request with this number in its terms, of this client (see
  /// `request_terms`; 0: of the calling thread).
  messages::request_cancelled::stage cancel_request(std::uint64_t request,
                                                    std::uint64_t client = 0);

  /// Puts a task into its queue; it is durable when this returns, as sure as `options::sync`
  /// says. With `access_mode::visit` the owner, in another process, sees it within 5 s.
  /// @throws failure: `invalid_argument`, naming the field that is outside of its limits;
  ///         `conflict` if its unique key is taken and it says to reject it then; as `write`.
  ///         Then no task was created.
  /// One with a unique key that another task has is not created: see `unique_key`. One with
  /// subtasks is created with them: `task_spec::subtasks`.
  task_id enqueue(task_spec task);
  std::vector<task_id> enqueue(std::vector<task_spec> tasks);

  /// The same, and says whether the task is new, or the one that had its unique key.
  enqueued_task submit(task_spec task);

  /// Waits until the task has ended and returns it, for at most 10 years. What it
  /// returns was true after the call began.
  /// @throws failure with `errc::timeout`, which changes nothing about the task.
  task_record wait(task_id task, std::chrono::milliseconds timeout);

  task_state cancel(task_id task, std::string reason);
  task_state retry(task_id task);
  std::vector<task_record> tasks(const task_filter& filter = {});
  std::optional<task_details> find(task_id task);

  /// Returns the subtasks of a task, in the order in which they were given, with what came of
  /// each; empty if it has none. A handler may call it.
  /// @throws failure: `too_large` if their outputs are over 256 MiB together.
  std::vector<subtask_result> subtask_results(task_id task);

  /// How many tasks match, and with how many of them what can be done.
  task_counts count_tasks(const task_filter& filter = {});

  /// Cancels all tasks that match and have not ended, or starts those again that match and
  /// failed, were cancelled or succeeded in part: `filter.limit` of them at most, by id. Tasks
  /// that are created meanwhile are left alone. One that cannot be changed (another one has
  /// its unique key, its run is being deleted) is refused, and the others are changed. It is
  /// done in portions, each a write of its own in the lane `bulk`, so others write in between.
  /// @throws failure: as `write`. What was changed before stays changed; do it again for the rest.
  task_changes cancel_tasks(const task_filter& filter, std::string reason);
  task_changes retry_tasks(const task_filter& filter);

  /// No task of the queue is started until it is resumed, also not after a restart; those that
  /// were claimed go on. It may be a queue that no task was put into yet.
  /// @throws failure with `errc::invalid_argument`; as `write`. Then nothing was changed.
  queue_record pause_queue(const std::string& name);
  queue_record resume_queue(const std::string& name);

  /// At most `limit` (1 to 100,000) tasks of the queue run at a time from now on, in whatever
  /// process; if it is absent, any number. Is kept in the database.
  queue_record limit_queue(const std::string& name, std::optional<int> limit);

  /// What holds for tasks of a kind in whatever queue, from now on and after a restart: how many
  /// run at a time, how fast they are started, which breaker guards them. Replaces what was
  /// decided before. Tasks that may not start wait without losing an attempt, and hold up no
  /// others.
  /// @throws failure: `invalid_argument`, naming the field; `not_found` if there is no such breaker.
  kind_record set_kind_policy(const std::string& kind, const kind_policy& policy);

  /// All kinds by name, as `queues`.
  std::vector<kind_record> kinds();

  /// What holds for the tasks of a tenant, from now on and after a restart: its share of the
  /// workers, how many run at a time, whether any is started. Replaces what was decided before.
  /// It may be a tenant of which there was no task yet.
  /// @throws failure: `invalid_argument`, naming the field; as `write`.
  tenant_record set_tenant_policy(const std::string& tenant, const tenant_policy& policy);

  /// All tenants by name, as `queues`. The one without a name is that of the tasks without one.
  std::vector<tenant_record> tenants();

  /// Creates a circuit breaker, closed, or changes when the one of its name opens. It guards
  /// the kinds whose policy names it.
  /// @throws failure: `invalid_argument`, naming the field.
  breaker_record put_breaker(const std::string& name, const breaker_policy& policy);

  /// Opens a breaker until it is closed by hand; closes it and forgets what it has seen.
  /// @throws failure: `not_found`.
  breaker_record open_breaker(const std::string& name);
  breaker_record close_breaker(const std::string& name);

  /// Deletes a breaker; the kinds that it guarded have none then.
  /// @throws failure: `not_found`.
  void remove_breaker(const std::string& name);

  /// All breakers by name, as they are now.
  std::vector<breaker_record> breakers();

  /// Returns what makes the public ids of this database, for `of({task.id.value,
  /// task.created_at_ms})`: UUIDs of version 7, to be shown to those outside instead of
  /// numbers. They stay as they are for as long as the task, also in a copy of the database.
  storage::public_ids public_ids();

  /// Returns the task with this public id, if there is one.
  std::optional<task_id> find_public(std::string public_id);

  /// All queues by name. Counts their waiting tasks: a tenth of a second for a million.
  std::vector<queue_record> queues();

  /// Creates a schedule, or replaces the one of its name: from then on the owner of the database
  /// puts its task into the queue at each of its times, as `schedule_spec` says. A program may
  /// put its schedules each time it starts: if their times are as they were, they go on, and one
  /// that is paused stays paused. With `access_mode::visit` the owner sees it within 5 s.
  /// @throws failure: `invalid_argument`, naming what is wrong; `too_large` with 10,000
  ///         schedules; as `write`. Then nothing was changed.
  schedule_record put_schedule(schedule_spec schedule);

  /// Deletes a schedule; its tasks stay.
  /// @returns false if there is none of this name.
  bool remove_schedule(const std::string& name);

  /// It does not fire until it is resumed, also not after a restart. Then it goes on with the
  /// next time to come; what was due in the meantime is not made up for.
  /// @throws failure with `errc::not_found`; as `write`.
  schedule_record pause_schedule(const std::string& name);
  schedule_record resume_schedule(const std::string& name);

  /// All schedules by name, without their payloads.
  std::vector<schedule_record> schedules();

  /// One schedule with the last times it fired, the newest first.
  std::optional<schedule_details> find_schedule(const std::string& name);

  /// Starts a run of a pipeline; `params` go over the definition's defaults.
  run_id start(const pipeline_spec& pipeline,
               const std::map<std::string, std::string>& params = {});

  /// The same for a run. Waiting in portions is fine.
  run_record wait(run_id run, std::chrono::milliseconds timeout);

  run_state cancel(run_id run, std::string reason);
  std::vector<run_record> runs(const run_filter& filter = {});
  std::optional<run_record> find(run_id run);

  /// How the writer, the readers and the services are.
  runtime_status status();

  /// Runs all operations of maintenance now and returns when they are done.
  void maintain();

  /// Takes nothing new, lets running tasks finish for `options::drain_timeout`,
  /// gives back what is unfinished, checkpoints and closes. Who is inside another
  /// call gets its answer, or `failure` with `errc::unavailable`. All but the
  /// first call only wait for the end of the first.
  ///
  /// It may take `drain_timeout` and `options::stop_deadline` together; then it
  /// ends the process with status 75.
  /// @throws failure with `errc::conflict` on a thread of the runtime itself, for
  ///         which it would wait: in a handler, in a function inside a write or a
  ///         read, in `options::on_failed`. Nothing was done then.
  void close();

  /// For `app/actors.hpp`.
  struct impl;
  impl& internals() noexcept { return *impl_; }

private:
  template <class F>
  static std::invoke_result_t<F&> typed(F read) {
    try {
      return read();
    } catch (const row_error& wrong) {
      throw failure(wrong.code(), wrong.what());
    }
  }

  void write_call(std::function<void(storage::transaction&)> f);
  void read_call(std::function<void(storage::snapshot&)> f);
  std::unique_ptr<impl> impl_;
};

} // namespace quire

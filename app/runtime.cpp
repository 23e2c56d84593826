#include "quire/app/runtime.hpp"

#include "quire/actors/command_handler.hpp"
#include "quire/actors/guard.hpp"
#include "quire/app/actors.hpp"
#include "quire/app/bridge.hpp"
#include "quire/app/opening.hpp"
#include "quire/app/stop_deadline.hpp"
#include "quire/actors/service_tree.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <thread>

namespace quire {

namespace {

using namespace std::chrono_literals;

/// So much longer than the services wait callers do: a service that gives up says why.
constexpr auto answer_margin = 2s;

/// How long the supervisor has for its first answer.
constexpr auto start_timeout = 30s;

[[noreturn]] void raise(const caf::error& error) {
  throw failure(actors::code_of(error), actors::text_of(error));
}

/// CAF's own defaults read a file of the working directory and spin idle threads.
struct system_config : caf::actor_system_config {
  system_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::max<std::size_t>(2, std::thread::hardware_concurrency()));
    add_thread_hook<thread_mark>();
  }
};

options checked(options chosen) {
  chosen.validate();
  if (!chosen.clock)
    chosen.clock = std::make_shared<system_clock_source>();
  if (chosen.seed == 0)
    chosen.seed = std::random_device{}() | 1u;
  chosen.handlers["command"] = actors::command_handler();
  return chosen;
}

opened_database open_or_fail(const options& options) {
  try {
    return open_database(options);
  } catch (const storage::error& error) {
    throw failure(error.code(), error.what());
  }
}

actors::service_tree_options tree_options(const options& from, const opened_database& database) {
  actors::service_tree_options to;
  to.env.clock = from.clock;
  to.env.seed = from.seed;
  to.env.request_timeout = from.request_timeout + from.patience;
  to.database = database.connection;
  to.boot = database.report.boot;
  to.sync = from.sync;
  to.writes = from.mode != access_mode::look;
  to.checkpoints = from.mode == access_mode::own;
  to.services = from.mode == access_mode::own;
  to.readers = from.readers;
  to.batch_members_max = from.batch_members_max;
  to.waiting_max = from.waiting_max;
  to.waiting_bytes_max = from.waiting_bytes_max;
  to.workers = from.workers;
  to.handlers = from.handlers;
  to.query_limit = from.request_timeout;
  to.drain_timeout = from.drain_timeout;
  to.maintenance_interval = from.maintenance_interval;
  to.retention = from.retention;
  to.stuck_after = from.stuck_after;
  to.on_failed = from.on_failed;
  return to;
}

} // namespace

struct runtime::impl {
  explicit impl(options given)
    : chosen(checked(std::move(given))), database(open_or_fail(chosen)) {
    logger_guard clean;
    own_system = &system.emplace(config);
    try {
      tree = actors::spawn_service_tree(*system, tree_options(chosen, database));
    } catch (const storage::error& error) {
      throw failure(error.code(), error.what());
    }
    bridge = spawn_bridge(*system);
    if (auto error = await_start()) {
      close();
      raise(error);
    }
  }

  ~impl() { close(); }

  /// The gateway refuses everybody until the supervisor, as the first thing it
  /// does, has told it of the services: once the supervisor answers, that is in
  /// the gateway's mailbox, before anything that is sent to it from now on.
  caf::error await_start() {
    caf::scoped_actor self{*system};
    caf::error result;
    ask(self.ptr(), tree.supervisor, start_timeout, messages::status_request{})
      .receive([](const service_status&) {}, [&](caf::error& error) { result = std::move(error); });
    return result;
  }

  /// Longer than anything behind the gateway waits: who gives up says why.
  std::chrono::milliseconds answer_limit() const {
    return chosen.request_timeout + chosen.patience + answer_margin;
  }

  /// As long as the result lives, `close` takes nothing away.
  std::shared_lock<std::shared_mutex> enter() {
    // Looked at before, too: those who are refused must not keep `close` out.
    require_open();
    std::shared_lock inside(callers);
    require_open();
    return inside;
  }

  /// Sends `request` and waits for its reply.
  template <class Reply, class Request>
  Reply call(Request request) {
    auto inside = enter();
    logger_guard clean;
    caf::scoped_actor self{*system};
    std::optional<Reply> reply;
    caf::error error;
    ask(self.ptr(), tree.gateway, answer_limit(), std::move(request))
      .receive([&](Reply& answer) { reply = std::move(answer); },
               [&](caf::error& reason) { error = std::move(reason); });
    if (!reply)
      raise(error);
    return std::move(*reply);
  }

  /// Sends `request`; also that the runtime is closed is said by the future.
  template <class Reply, class Request>
  std::future<Reply> call_later(Request request) try {
    auto inside = enter();
    return ask_later<Reply>(bridge, tree.gateway, std::move(request), answer_limit());
  } catch (const failure&) {
    std::promise<Reply> refused;
    refused.set_exception(std::current_exception());
    return refused.get_future();
  }

  /// Waits for the end of what `request` awaits and `key` names.
  template <class Key, class Reply, class Request>
  Reply wait(pending_answers<Key, Reply>& awaited, Key key, Request request,
             std::chrono::milliseconds timeout) {
    auto inside = enter();
    auto send = [&] {
      require_open();
      return ask_later<Reply>(bridge, tree.gateway, request, std::nullopt);
    };
    return awaited.wait(key, timeout, send, [&](auto deadline) { settle(bridge, deadline); });
  }

  void close() {
    if (thread_mark::system_of_thread() == own_system)
      throw failure(errc::conflict, "the runtime cannot be closed on a thread of its own (a handler, a "
                                    "function inside a write or a read, on_failed), for which it would wait: "
                                    "nothing was done; close it on another thread");
    std::call_once(closing, [this] { shut_down(); });
  }

  void shut_down() {
    stop_deadline deadline(chosen.stop_deadline + chosen.drain_timeout);
    logger_guard clean;
    closed = true;
    {
      caf::scoped_actor self{*system};
      ask(self.ptr(), tree.supervisor, chosen.drain_timeout + chosen.stop_deadline, messages::drain{})
        .receive([](const messages::drained&) {},
                 [&](const caf::error&) {
                   self->send_exit(tree.supervisor, caf::exit_reason::kill);
                 });
      self->send_exit(bridge, caf::exit_reason::user_shutdown);
      self->send_exit(tree.gateway, caf::exit_reason::user_shutdown);
    }
    // Whoever is inside has been answered by the drain or by the end of the bridge.
    { std::unique_lock everybody_left(callers); }
    tree = {};
    bridge = nullptr;
    system.reset(); // Waits for every actor.
    database.lock.reset();
  }

  void require_open() const {
    if (closed)
      throw failure(errc::unavailable, "the runtime is closed");
  }

  void require_schema() const {
    if (!database.report.has_schema)
      throw failure(errc::not_found, "the database " + chosen.database + " has no tables of Quire: "
                                       "no pipeline or task has been run in it yet");
  }

  options chosen;
  opened_database database;
  system_config config;
  std::optional<caf::actor_system> system;
  actors::service_tree tree;
  caf::actor bridge;
  const caf::actor_system* own_system = nullptr; ///< To compare with, also when it is gone.
  std::atomic<bool> closed{false};
  std::once_flag closing;
  std::shared_mutex callers;                     ///< Shared by those inside.
  pending_answers<task_id, task_record> awaited_tasks;
  pending_answers<run_id, run_record> awaited_runs;
};

runtime::runtime(options options) : impl_(std::make_unique<impl>(std::move(options))) {}

runtime::~runtime() = default;

const opening& runtime::opened() const noexcept {
  return impl_->database.report;
}

messages::receipt runtime::write(messages::write_batch batch) {
  return impl_->call<messages::receipt>(std::move(batch));
}

messages::receipt runtime::write(std::string sql, std::vector<value> params) {
  return write(messages::write_batch{{{std::move(sql), std::move(params)}}, std::nullopt});
}

std::future<messages::receipt> runtime::write_async(messages::write_batch batch) {
  return impl_->call_later<messages::receipt>(std::move(batch));
}

row_set runtime::query(messages::query query) {
  auto answer = impl_->call<messages::query_result>(std::move(query));
  return answer.results.empty() ? row_set{} : std::move(answer.results.front());
}

row_set runtime::query(std::string sql, std::vector<value> params) {
  messages::query one;
  one.statements.push_back({std::move(sql), std::move(params)});
  return query(std::move(one));
}

std::future<messages::query_result> runtime::query_async(messages::query query) {
  return impl_->call_later<messages::query_result>(std::move(query));
}

void runtime::write_call(std::function<void(storage::transaction&)> f) {
  messages::write_call call;
  call.run = std::make_shared<const std::function<void(storage::transaction&)>>(std::move(f));
  impl_->call<messages::receipt>(std::move(call));
}

void runtime::read_call(std::function<void(storage::snapshot&)> f) {
  messages::read_call call;
  call.run = std::make_shared<const std::function<void(storage::snapshot&)>>(std::move(f));
  impl_->call<messages::read_done>(std::move(call));
}

task_id runtime::enqueue(task_spec task) {
  std::vector<task_spec> tasks;
  tasks.push_back(std::move(task));
  return enqueue(std::move(tasks)).front();
}

std::vector<task_id> runtime::enqueue(std::vector<task_spec> tasks) {
  return impl_->call<messages::tasks_enqueued>(messages::enqueue_tasks{std::move(tasks)}).ids;
}

task_record runtime::wait(task_id task, std::chrono::milliseconds timeout) {
  return impl_->wait(impl_->awaited_tasks, task, messages::await_task{task}, timeout);
}

task_state runtime::cancel(task_id task, std::string reason) {
  return impl_->call<messages::task_changed>(messages::cancel_task{task, std::move(reason)}).state;
}

task_state runtime::retry(task_id task) {
  return impl_->call<messages::task_changed>(messages::retry_task{task}).state;
}

std::vector<task_record> runtime::tasks(const task_filter& filter) {
  impl_->require_schema();
  return read([filter](storage::snapshot& db) { return storage::list_tasks(db, filter); });
}

std::optional<task_details> runtime::find(task_id task) {
  impl_->require_schema();
  return read([task](storage::snapshot& db) { return storage::find_task(db, task); });
}

run_id runtime::start(const pipeline_spec& pipeline, const std::map<std::string, std::string>& params) {
  return impl_->call<messages::run_started>(messages::start_run{pipeline.source, params}).run;
}

run_record runtime::wait(run_id run, std::chrono::milliseconds timeout) {
  return impl_->wait(impl_->awaited_runs, run, messages::await_run{run}, timeout);
}

run_state runtime::cancel(run_id run, std::string reason) {
  return impl_->call<messages::run_changed>(messages::cancel_run{run, std::move(reason)}).state;
}

std::vector<run_record> runtime::runs(const run_filter& filter) {
  impl_->require_schema();
  return read([filter](storage::snapshot& db) { return storage::list_runs(db, filter); });
}

std::optional<run_record> runtime::find(run_id run) {
  impl_->require_schema();
  return read([run](storage::snapshot& db) { return storage::find_run(db, run); });
}

runtime_status runtime::status() {
  return impl_->call<runtime_status>(messages::runtime_status_request{});
}

void runtime::maintain() {
  impl_->call<messages::maintenance_done>(messages::run_maintenance{});
}

void runtime::close() {
  impl_->close();
}

messages::gateway_actor gateway_of(runtime& running) {
  auto inside = running.internals().enter();
  return running.internals().tree.gateway;
}

caf::actor_system& system_of(runtime& running) {
  return *running.internals().system;
}

} // namespace quire

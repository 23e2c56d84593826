#pragma once

#include "quire/actors/bring.hpp"
#include "quire/actors/writer_requests.hpp"
#include "quire/app/bridge.hpp"
#include "quire/app/receivers.hpp"
#include "quire/app/runtime.hpp"
#include "quire/app/runtime_parts.hpp"
#include "quire/app/stop_deadline.hpp"
#include "quire/storage/process.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <type_traits>
#include <utility>

namespace quire {

/// How long the supervisor has for its first answer.
inline constexpr std::chrono::seconds start_timeout{30};

struct runtime::impl {
  explicit impl(options given) : chosen(checked(std::move(given))), database(open_or_fail(chosen)) {
    logger_guard clean;
    own_system = &system.emplace(config);
    try {
      tree = actors::spawn_service_tree(*system, tree_options(chosen, database));
    } catch (const storage::error& error) {
      throw failure(error.code(), error.what());
    }
    bridge = spawn_bridge(*system, limits);
    if (auto error = await_start()) {
      close();
      throw to_failure(error);
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
    return chosen.request_timeout + chosen.patience + actors::answer_margin;
  }

  /// While it lives, this thread may be executing a function of the program for a request
  /// of its own.
  class executing_here {
  public:
    explicit executing_here(const impl& self)
      : runtime_(&self), around_(std::exchange(innermost(), this)) {}
    executing_here(const executing_here&) = delete;
    executing_here& operator=(const executing_here&) = delete;
    ~executing_here() { innermost() = around_; }

    /// Whether this thread is inside of a call to `self`, in whatever other ones.
    static bool in(const impl& self) noexcept {
      for (auto* call = innermost(); call; call = call->around_)
        if (call->runtime_ == &self)
          return true;
      return false;
    }

  private:
    static const executing_here*& innermost() noexcept {
      thread_local const executing_here* call = nullptr;
      return call;
    }

    const impl* runtime_;
    const executing_here* around_;
  };

  /// As long as the result lives, `close` takes nothing away.
  std::shared_lock<std::shared_mutex> enter() {
    // Looked at before, too: those who are refused must not keep `close` out.
    require_open();
    if (executing_here::in(*this))
      return {}; // It is inside already.
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
      throw to_failure(error);
    return std::move(*reply);
  }

  /// Lets a request wait for the writer; `receiver` gets the answer.
  template <class Request, class Reply = messages::receipt, class Message>
  void submit_write(Message message,
                    std::shared_ptr<actors::receiver<std::type_identity_t<Reply>>> receiver,
                    actors::submitter who) {
    if (!tree.writes)
      throw failure(errc::unavailable, "this runtime was opened without a writer");
    actors::bring_write<Request>(*tree.writes, chosen.sync, std::move(message), thread_number(),
                                 who, actors::promise<Reply>{std::move(receiver)});
  }

  /// The same, and waits for it.
  template <class Request, class Reply = messages::receipt, class Message>
  Reply write(Message message) {
    auto inside = enter();
    auto deadline = deadline_after(limit_of(message.terms));
    auto waiting = std::make_shared<actors::waiting_thread<Reply>>();
    {
      executing_here here{*this};
      submit_write<Request, Reply>(std::move(message), waiting, actors::submitter::blocked);
    }
    return await_reply(*waiting, deadline);
  }

  /// Lets a request wait for a reader; `receiver` gets the answer.
  template <class Request, class Reply, class Message>
  void submit_read(Message message, std::shared_ptr<actors::receiver<Reply>> receiver,
                   actors::submitter who) {
    actors::bring_read<Request, Reply>(*tree.reads, std::move(message), thread_number(), who,
                                       actors::promise<Reply>{std::move(receiver)});
  }

  /// The same, and waits for it.
  template <class Request, class Reply, class Message>
  Reply read(Message message) {
    auto inside = enter();
    auto deadline = deadline_after(limit_of(message.terms));
    auto waiting = std::make_shared<actors::waiting_thread<Reply>>();
    {
      executing_here here{*this};
      submit_read<Request, Reply>(std::move(message), waiting, actors::submitter::blocked);
    }
    return await_reply(*waiting, deadline);
  }

  /// Returns how long whoever sends a request waits for its answer.
  std::chrono::milliseconds limit_of(const request_terms& terms) const {
    return terms.timeout ? std::min(*terms.timeout, longest_wait) + actors::answer_margin : answer_limit();
  }

  /// Calls `submit` with somebody to answer; also that the runtime is closed is said by
  /// the future.
  template <class Reply, class Submit>
  std::future<Reply> later(const request_terms& terms, Submit submit) {
    auto waiting = std::make_shared<waiting_future<Reply>>();
    auto result = waiting->future();
    try {
      auto inside = enter();
      auto deadline = deadline_after(limit_of(terms));
      submit(waiting);
      if (!waiting->answered() && limits->add(deadline, waiting))
        caf::anon_send(bridge, watch_job());
    } catch (const failure& refused) {
      waiting->fail(actors::make_failure(refused.code(), refused.what()));
    }
    return result;
  }

  /// Wakes the bridge, which then knows when to look for late answers.
  static shared_bridge_job watch_job() { return std::make_shared<bridge_job>(); }

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

  /// Whether this process is a child of the one that opened it.
  bool forked() const noexcept { return process != storage::process_number(); }

  void close() {
    if (forked())
      return;
    if (thread_mark::system_of_thread() == own_system || executing_here::in(*this))
      throw failure(errc::conflict,
                    "the runtime cannot be closed on a thread of its own (a handler, a "
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
      ask(self.ptr(), tree.supervisor, chosen.drain_timeout + chosen.stop_deadline,
          messages::drain{})
        .receive(
          [](const messages::drained&) {},
          [&](const caf::error&) { self->send_exit(tree.supervisor, caf::exit_reason::kill); });
      if (tree.writes)
        tree.writes->close("the runtime was closed before the request was executed");
      tree.reads->close("the runtime was closed before the request was answered");
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
    if (forked())
      throw failure(errc::wrong_process,
                    "this runtime belongs to the process that this one was forked from: its "
                    "threads are not here. Nothing was done; open a runtime after fork");
    if (closed)
      throw failure(errc::unavailable, "the runtime is closed");
  }

  void require_schema() const {
    if (!database.report.has_schema)
      throw failure(errc::not_found, "the database " + chosen.database
                                       + " has no tables of Quire: "
                                         "no pipeline or task has been run in it yet");
  }

  messages::tasks_enqueued enqueue(std::vector<task_spec> tasks) {
    require_open();
    require_schema();
    return write<actors::enqueue_request, messages::tasks_enqueued>(
      messages::enqueue_tasks{std::move(tasks)});
  }

  const std::uint64_t process = storage::process_number();
  options chosen;
  opened_database database;
  system_config config;
  std::optional<caf::actor_system> system;
  actors::service_tree tree;
  caf::actor bridge;
  const caf::actor_system* own_system = nullptr; ///< To compare with, also when it is gone.
  std::shared_ptr<answer_limits> limits = std::make_shared<answer_limits>();
  std::atomic<bool> closed{false};
  std::once_flag closing;
  std::shared_mutex callers; ///< Shared by those inside.
  pending_answers<task_id, task_record> awaited_tasks;
  pending_answers<run_id, run_record> awaited_runs;
};

} // namespace quire

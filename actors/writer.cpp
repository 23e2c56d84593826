#include "quire/actors/writer.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/wal_keeper.hpp"
#include "quire/actors/writer_requests.hpp"
#include "quire/storage/sqlite/batch_executor.hpp"
#include "quire/storage/sqlite/upkeep.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;

/// The port, and the writer itself, send it `timer`: something waits.
using writer_impl = writer_actor::extend<on<void(timer)>, on<void(wal_signal)>>;

constexpr auto service_name = "writer";

/// Between two looks whether another process still holds the write lock.
constexpr std::chrono::milliseconds lock_pause{1};

/// How long members of the next batch are waited for: a fraction of what a commit costs.
constexpr std::chrono::microseconds linger_normal{5};
constexpr std::chrono::microseconds linger_full{40};

/// Nobody keeps the writer from its work for longer.
constexpr std::chrono::milliseconds hold_max{200};

struct writer_state {
  writer_state() = default;
  static inline const char* name = service_name;

  writer_options options;
  std::shared_ptr<storage::batch_executor> executor;
  std::uint64_t attached = 0;                                        // To the port.
  std::vector<std::unique_ptr<write_request>> batch;                 // Taken, not answered.
  std::vector<storage::batch_member*> members;                       // The same, for the executor.
  std::optional<std::chrono::steady_clock::time_point> locked_since; // By another process.
  std::optional<wal_keeper> wal;
  std::size_t last_members = 0; // Of the last batch.
  bool last_full = false;       // Its durability.
  std::uint64_t holds = 0;      // The number of the last one.
  bool held = false;            // Nobody commits.
  std::vector<std::pair<upkeep_request, promise<upkeep_done>>>
    upkeep_waiting; // For the end of that.
  std::int64_t lock_waits = 0;
  std::int64_t locked_errors = 0;
  std::vector<caf::actor> subscribers;
  std::string note;

  ~writer_state() {
    if (options.port)
      options.port->detach(attached);
  }
};

using writer_pointer = writer_impl::stateful_pointer<writer_state>;

void publish(writer_pointer self, const std::vector<storage::member_result>& results) {
  committed news;
  for (auto& result : results) {
    if (result.failure)
      continue;
    news.commit_seq = std::max(news.commit_seq, result.commit_seq);
    news.events.insert(news.events.end(), result.events.begin(), result.events.end());
  }
  if (news.events.empty())
    return;
  for (auto& subscriber : state_of(self).subscribers)
    caf::anon_send(subscriber, news);
}

/// The same; what was committed is committed, whether it can be told or not.
void publish_if_possible(writer_pointer self, const std::vector<storage::member_result>& results) {
  try {
    publish(self, results);
  } catch (const std::exception& failure) {
    // Subscribers look from time to time although nobody told them.
    state_of(self).note = std::string{"a commit could not be published: "} + failure.what();
    log(log_level::warn, service_name, state_of(self).note);
  }
}

void wake(const writer_impl& writer) {
  caf::anon_send(writer, timer{});
}

/// Clients that were answered together send their next requests one after the other: who
/// began with the first one would commit it alone, and all others once more.
void linger(writer_state& state) {
  if (state.last_members > 1 && state.options.env.own_threads)
    state.options.port->linger(state.last_members, state.last_full ? linger_full : linger_normal);
}

/// Takes what is next, unless something is left that another process keeps from running.
bool have_batch(writer_state& state) {
  if (state.batch.empty()) {
    linger(state);
    state.batch = state.options.port->take(state.options.batch_members_max);
    state.last_members = state.batch.size();
  }
  state.members.clear();
  for (auto& request : state.batch)
    state.members.push_back(request.get());
  return !state.batch.empty();
}

/// Another process holds the write lock: looks again a little later. Meanwhile requests are
/// accepted, cancelled and given up when their time is over.
void wait_for_lock(writer_pointer self) {
  auto& state = state_of(self);
  auto now = state.options.env.clock->now();
  if (!state.locked_since) {
    state.locked_since = now;
    ++state.lock_waits;
  }
  auto patience_over = now - *state.locked_since >= state.options.patience;
  for (auto& request : state.batch) {
    auto why = request->stopped();
    if (!patience_over && !why)
      continue;
    // Before it goes: whoever cancels looks at those that the port knows.
    state.options.port->forget(*request);
    if (patience_over)
      request->fail(
        to_caf(storage::error(errc::busy, "another process kept the database locked for longer "
                                          "than our patience; nothing of the request was done")));
    else
      request->fail(
        make_failure(*why == errc::cancelled ? errc::cancelled : errc::expired,
                     "given up while another process kept the database locked; nothing of "
                     "the request was done"));
    state.locked_errors += patience_over ? 1 : 0;
    request.reset();
  }
  std::erase(state.batch, nullptr);
  if (patience_over)
    state.locked_since.reset();
  tell_after(self, lock_pause, writer_impl{self}, timer{});
}

/// Commits one batch of what waits, and answers. Returns whether more may wait. With
/// `patient` it waits itself for a lock of another process.
bool flush(writer_pointer self, bool patient = false) {
  auto& state = state_of(self);
  if (state.held || !have_batch(state))
    return false;
  auto& clock = *state.options.env.clock;
  auto began = clock.now();
  for (auto& request : state.batch)
    request->begin();
  state.last_full =
    std::ranges::any_of(state.members, [](auto* one) { return one->sync() == durability::full; });
  auto done = patient ? std::optional{state.executor->execute(state.members)}
                      : state.executor->execute_unless_locked(state.members);
  if (!done) {
    for (auto& request : state.batch)
      request->put_back();
    wait_for_lock(self);
    return false;
  }
  state.locked_since.reset();
  auto& results = *done;
  state.options.port->finished(results.size(), clock.now() - began);
  // Before the answers: whoever acts on an answer finds the services informed.
  publish_if_possible(self, results);
  for (std::size_t i = 0; i < results.size(); ++i)
    state.batch[i]->answer(results[i]);
  state.batch.clear();
  auto full = std::ranges::any_of(results, [](const storage::member_result& result) {
    return result.failure && result.failure->code() == errc::disk_full;
  });
  state.wal->after_batch(*state.executor, full);
  return true;
}

template <class Request, class Message>
caf::result<receipt> accept(writer_pointer self, Message& message) {
  auto& state = state_of(self);
  auto sync = message.sync.value_or(state.options.sync);
  if (message.terms.client == 0)
    message.terms.client = sender_number(self);
  state.options.port->submit_own(
    std::make_unique<Request>(std::move(message), sync, promise_to_sender<receipt>(self)));
  return caf::delegated<receipt>{};
}

caf::result<writes_held> hold(writer_pointer self) {
  auto& state = state_of(self);
  if (state.held)
    return make_failure(errc::unavailable, "the writes are held already");
  try {
    state.executor->hold();
  } catch (const storage::error& failure) {
    return to_caf(failure);
  }
  state.held = true;
  tell_after(self, hold_max, writer_impl{self}, release_writes{++state.holds});
  return writes_held{state.holds, state.executor->commit_seq()};
}

/// @throws storage::error
upkeep_done look_after(writer_state& state, const upkeep_request& request) {
  auto& db = state.executor->db();
  if (request.optimize)
    storage::optimize(db);
  if (!state.options.checkpoints)
    return {};
  auto result = db.checkpoint(request.truncate);
  state.wal->checkpointed();
  return {result.frames, result.moved};
}

caf::result<upkeep_done> accept_upkeep(writer_pointer self, const upkeep_request& request) {
  auto& state = state_of(self);
  if (state.held) {
    state.upkeep_waiting.emplace_back(request, promise_to_sender<upkeep_done>(self));
    return caf::delegated<upkeep_done>{};
  }
  try {
    return look_after(state, request);
  } catch (const storage::error& failure) {
    state.note = failure.what();
    return to_caf(failure);
  }
}

void release(writer_pointer self, std::uint64_t number) {
  auto& state = state_of(self);
  if (number != state.holds || !std::exchange(state.held, false))
    return;
  state.executor->release();
  for (auto& [request, answer] : std::exchange(state.upkeep_waiting, {})) {
    try {
      answer.deliver(look_after(state, request));
    } catch (const storage::error& failure) {
      answer.fail(to_caf(failure));
    }
  }
  wake(writer_impl{self}); // Who came meanwhile waits, whether it was told or not.
}

service_status report(writer_state& state) {
  auto& totals = state.executor->totals();
  service_status status{service_name, "running", 0, {}, state.note};
  status.counters = {
    {"commits", totals.commits},
    {"members", totals.members},
    {"batch_max", totals.batch_max},
    {"failed", totals.failed},
    {"replays", totals.replays},
    {"locked_errors", totals.locked_errors + state.locked_errors},
    {"lock_waits", state.lock_waits},
    {"commit_seq", static_cast<std::int64_t>(state.executor->commit_seq())},
    {"waiting", static_cast<std::int64_t>(state.options.port->waiting())},
  };
  try {
    auto& statements = state.executor->db().statements();
    status.counters.push_back({"statements_hit", static_cast<std::int64_t>(statements.hits())});
    status.counters.push_back(
      {"statements_missed", static_cast<std::int64_t>(statements.misses())});
  } catch (const storage::error& failure) {
    status.note = failure.what(); // The connection is lost; the next batch tries to open it again.
  }
  state.wal->add_counters(status, *state.executor);
  if (!state.wal->note().empty())
    status.note = state.wal->note();
  if (state.wal->disk_full()) {
    status.state = "degraded";
    status.counters.push_back({"trouble", static_cast<std::int64_t>(errc::disk_full)});
  }
  return status;
}

/// Takes what waits from now on, and looks after the log.
void attach_to_ports(writer_pointer self) {
  auto& state = state_of(self);
  // The handle is weak: the ports must not keep the writer.
  auto weak = caf::actor_cast<caf::actor_addr>(writer_impl{self});
  state.attached = state.options.port->attach([weak] {
    if (auto strong = caf::actor_cast<writer_impl>(weak))
      wake(strong);
  });
  wal_keeper::parts parts;
  parts.enabled = state.options.checkpoints;
  parts.limits = state.options.wal;
  parts.clock = state.options.env.clock;
  parts.writes = state.options.port;
  parts.reads = state.options.reads;
  parts.send_later = [self](wal_signal what, std::chrono::milliseconds delay) {
    tell_after(self, delay, writer_impl{self}, what);
  };
  parts.send = [weak](wal_signal what) {
    if (auto strong = caf::actor_cast<writer_impl>(weak))
      caf::anon_send(strong, what);
  };
  state.wal.emplace(std::move(parts));
}

drained finish(writer_pointer self) {
  auto& state = state_of(self);
  release(self, state.holds);
  while (flush(self, true)) {
  }
  state.options.port->detach(state.attached);
  // Here, and not with the state, which goes only after others were told: the next
  // writer must find this connection closed.
  state.executor.reset();
  self->quit();
  return {};
}

writer_impl::behavior_type writer(writer_pointer self, writer_options options,
                                  std::shared_ptr<storage::batch_executor> executor) {
  auto& initial = state_of(self);
  initial.options = std::move(options);
  initial.executor = std::move(executor);
  attach_to_ports(self);
  install_handlers(self, service_name, [self](const caf::down_msg& message) {
    std::erase_if(state_of(self).subscribers, [&](const caf::actor& subscriber) {
      return subscriber.address() == message.source;
    });
  });
  self->set_exit_handler([self](caf::exit_msg& message) {
    auto& state = state_of(self);
    state.options.port->detach(state.attached);
    state.batch.clear();
    state.executor.reset();
    self->quit(std::move(message.reason));
  });
  return {
    [self](status_request) { return report(state_of(self)); },
    [self](drain) { return finish(self); },
    [self](write_batch& batch) { return accept<batch_request>(self, batch); },
    [self](write_call& call) { return accept<call_request>(self, call); },
    [self](upkeep_request request) { return accept_upkeep(self, request); },
    [self](subscribe& request) {
      self->monitor(request.subscriber);
      state_of(self).subscribers.push_back(std::move(request.subscriber));
      return subscribed{};
    },
    [self](hold_writes) { return hold(self); },
    [self](release_writes done) {
      if (state_of(self).executor)
        release(self, done.hold);
    },
    [self](wal_signal what) {
      auto& state = state_of(self);
      if (state.held) // Checkpoints have to wait, too.
        tell_after(self, lock_pause, writer_impl{self}, what);
      else if (state.executor)
        state.wal->on_signal(what, *state.executor);
    },
    [self](timer) {
      // What else is in the mailbox comes before the next batch.
      if (flush(self))
        wake(writer_impl{self});
    },
  };
}

} // namespace

messages::writer_actor spawn_writer(caf::actor_system& system, writer_options options) {
  if (!options.port)
    options.port = std::make_shared<write_port>(write_limits{}, options.env.clock);
  auto deadline = std::make_shared<std::chrono::steady_clock::time_point>();
  storage::batch_executor::time_limit limit{
    [deadline, clock = options.env.clock, most = options.write_limit] {
      *deadline = clock->now() + most;
    },
    [deadline, clock = options.env.clock] { return clock->now() >= *deadline; }};
  auto executor = std::make_shared<storage::batch_executor>(options.open, std::move(limit));
  return system.spawn(writer, std::move(options), std::move(executor));
}

} // namespace quire::actors

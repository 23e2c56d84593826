#include "quire/actors/writer.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/write_worker.hpp"
#include "quire/actors/writer_requests.hpp"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;

/// The worker sends it `timer`: something waits.
using writer_impl = writer_actor::extend<on<void(timer)>, on<void(wal_signal)>>;

constexpr auto service_name = "writer";

/// Nobody keeps the writer from its work for longer.
constexpr std::chrono::milliseconds hold_max{200};

/// Those who are told of commits, by whatever thread commits.
class audience {
public:
  void add(caf::actor one) {
    std::lock_guard guard(mutex_);
    all_.push_back(std::move(one));
  }

  void remove(const caf::actor_addr& address) {
    std::lock_guard guard(mutex_);
    std::erase_if(all_, [&](const caf::actor& one) { return one.address() == address; });
  }

  void tell(const committed& news) {
    std::lock_guard guard(mutex_);
    for (auto& one : all_)
      caf::anon_send(one, news);
  }

private:
  std::mutex mutex_;
  std::vector<caf::actor> all_;
};

struct writer_state {
  writer_state() = default;
  static inline const char* name = service_name;

  std::shared_ptr<write_port> port;
  durability sync = durability::normal;
  std::shared_ptr<write_worker> worker;
  std::shared_ptr<audience> subscribers = std::make_shared<audience>();
  std::vector<std::pair<upkeep_request, promise<upkeep_done>>>
    upkeep_waiting; // For the end of a hold.

  ~writer_state() {
    if (worker)
      worker->close();
  }
};

using writer_pointer = writer_impl::stateful_pointer<writer_state>;

template <class Request, class Reply = receipt, class Message>
caf::result<Reply> accept(writer_pointer self, Message& message) {
  auto& state = state_of(self);
  auto sync = message.sync.value_or(state.sync);
  if (message.terms.client == 0)
    message.terms.client = sender_number(self);
  state.port->submit_own(
    std::make_unique<Request>(std::move(message), sync, promise_to_sender<Reply>(self)));
  return caf::delegated<Reply>{};
}

caf::result<writes_held> hold(writer_pointer self) {
  try {
    auto result = state_of(self).worker->hold();
    tell_after(self, hold_max, writer_impl{self}, release_writes{result.hold});
    return result;
  } catch (const storage::error& failure) {
    return to_caf(failure);
  }
}

caf::result<upkeep_done> accept_upkeep(writer_pointer self, const upkeep_request& request) {
  auto& state = state_of(self);
  if (state.worker->held()) {
    state.upkeep_waiting.emplace_back(request, promise_to_sender<upkeep_done>(self));
    return caf::delegated<upkeep_done>{};
  }
  try {
    return state.worker->look_after(request);
  } catch (const storage::error& failure) {
    return to_caf(failure);
  }
}

/// Ends a hold, the present one if `number` is 0, and does what waited for that.
void release(writer_pointer self, std::uint64_t number) {
  auto& state = state_of(self);
  state.worker->release(number);
  if (state.worker->held())
    return;
  for (auto& [request, answer] : std::exchange(state.upkeep_waiting, {})) {
    try {
      answer.deliver(state.worker->look_after(request));
    } catch (const storage::error& failure) {
      answer.fail(to_caf(failure));
    }
  }
}

/// How the worker calls the actor. The handle is weak: the ports must not keep the writer.
write_worker_hooks hooks_for(writer_pointer self) {
  auto weak = caf::actor_cast<caf::actor_addr>(writer_impl{self});
  write_worker_hooks hooks;
  hooks.wake = [weak] {
    if (auto strong = caf::actor_cast<writer_impl>(weak))
      caf::anon_send(strong, timer{});
  };
  hooks.wake_later = [weak](std::chrono::milliseconds delay) {
    if (auto strong = caf::actor_cast<writer_impl>(weak))
      anon_tell_after(delay, strong, timer{});
  };
  hooks.signal_later = [weak](wal_signal what, std::chrono::milliseconds delay) {
    auto strong = caf::actor_cast<writer_impl>(weak);
    if (strong && delay.count() > 0)
      anon_tell_after(delay, strong, what);
    else if (strong)
      caf::anon_send(strong, what);
  };
  hooks.publish = [subscribers = state_of(self).subscribers](const committed& news) {
    subscribers->tell(news);
  };
  return hooks;
}

writer_impl::behavior_type writer(writer_pointer self, const writer_options& options,
                                  std::shared_ptr<write_worker> worker) {
  auto& state = state_of(self);
  state.port = options.port;
  state.sync = options.sync;
  state.worker = std::move(worker);
  state.worker->attach(hooks_for(self));
  install_handlers(self, service_name, [&state](const caf::down_msg& message) {
    state.subscribers->remove(message.source);
  });
  // Not with the state, which goes only after others were told: the next writer must find
  // this connection closed.
  self->set_exit_handler([self, &state](caf::exit_msg& message) {
    state.worker->close();
    self->quit(std::move(message.reason));
  });
  return {
    [&state](status_request) { return state.worker->report(); },
    [self, &state](drain) {
      release(self, 0);
      state.worker->finish();
      self->quit();
      return drained{};
    },
    [self](write_batch& batch) { return accept<batch_request>(self, batch); },
    [self](write_call& call) { return accept<call_request>(self, call); },
    [self](enqueue_tasks& tasks) { return accept<enqueue_request, tasks_enqueued>(self, tasks); },
    [self](upkeep_request request) { return accept_upkeep(self, request); },
    [self, &state](subscribe& request) {
      self->monitor(request.subscriber);
      state.subscribers->add(std::move(request.subscriber));
      return subscribed{};
    },
    [self](hold_writes) { return hold(self); },
    [self](release_writes done) { release(self, done.hold); },
    [&state](wal_signal what) { state.worker->on_signal(what); },
    [self, &state](timer) {
      // What else is in the mailbox comes before the next batch.
      if (state.worker->flush())
        tell(self, writer_impl{self}, timer{});
    },
  };
}

} // namespace

messages::writer_actor spawn_writer(caf::actor_system& system, writer_options options) {
  if (!options.port)
    options.port = std::make_shared<write_port>(write_limits{}, options.env.clock);
  write_worker_options own;
  own.open = options.open;
  own.port = options.port;
  own.reads = options.reads;
  own.clock = options.env.clock;
  own.batch_members_max = options.batch_members_max;
  own.write_limit = options.write_limit;
  own.patience = options.patience;
  own.checkpoints = options.checkpoints;
  own.lingers = options.env.own_threads;
  own.wal = options.wal;
  auto worker = std::make_shared<write_worker>(std::move(own));
  return system.spawn(writer, std::move(options), std::move(worker));
}

} // namespace quire::actors

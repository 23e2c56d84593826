#include "quire/actors/gateway.hpp"

#include "quire/actors/admission.hpp"
#include "quire/actors/base.hpp"
#include "quire/actors/bring.hpp"
#include "quire/actors/writer_requests.hpp"

#include <string>
#include <utility>

namespace quire::actors {

namespace {

using namespace messages;

using gateway_impl = gateway_actor::extend<on<void(timer)>>;

constexpr auto service_name = "gateway";

/// Requests are given up so late at most after their deadline.
constexpr std::chrono::milliseconds deadline_tick{100};

/// The generation of a timer that only begins the watch.
constexpr std::uint64_t arming = 1;

struct gateway_state {
  gateway_state() = default;
  static inline const char* name = service_name;

  gateway_options options;
  reader_pool_actor readers;
  task_service_actor tasks;
  pipeline_service_actor pipelines;
  maintenance_service_actor maintenance;
  supervisor_actor supervisor;
  bool timer_runs = false;
  std::string unavailable = "the services are starting";
};

using gateway_pointer = gateway_impl::stateful_pointer<gateway_state>;

/// Passes `request` on to `service`, which answers the sender directly.
template <class Reply, class Service, class Request>
caf::result<Reply> pass_on(gateway_pointer self, Service& service, Request& request) {
  if (!service)
    return make_failure(errc::unavailable, state_of(self).unavailable);
  return hand_over(self, service, std::move(request));
}

/// Lets a request wait for the writer, which answers the sender directly.
template <class Request, class Reply = receipt, class Message>
caf::result<Reply> accept_write(gateway_pointer self, Message& message) {
  auto& state = state_of(self);
  if (!state.options.writes)
    return make_failure(errc::unavailable, state.unavailable);
  auto sender = sender_number(self); // The promise takes it away.
  bring_write<Request>(*state.options.writes, state.options.sync, std::move(message), sender,
                       submitter::busy, promise_to_sender<Reply>(self));
  return caf::delegated<Reply>{};
}

/// The same for the readers.
template <class Request, class Reply, class Message>
caf::result<Reply> accept_read(gateway_pointer self, Message& message) {
  auto& state = state_of(self);
  if (!state.options.reads)
    return make_failure(errc::unavailable, state.unavailable);
  auto sender = sender_number(self);
  bring_read<Request, Reply>(*state.options.reads, std::move(message), sender, submitter::busy,
                             promise_to_sender<Reply>(self));
  return caf::delegated<Reply>{};
}

request_cancelled cancel(gateway_pointer self, cancel_request request) {
  auto& options = state_of(self).options;
  if (request.client == 0)
    request.client = sender_number(self);
  request_cancelled result;
  if (options.writes)
    result = options.writes->cancel(request.client, request.request);
  if (result.found == request_cancelled::stage::unknown && options.reads)
    result = options.reads->cancel(request.client, request.request);
  return result;
}

/// Counts a request in until the last copy of its ticket goes.
bool admit(const write_port& writes, std::size_t bytes, admission_ticket& ticket) {
  // Not the port itself: what waits in it may hold the ticket.
  auto waiting = writes.shared_admission();
  if (!waiting->enter(bytes))
    return false;
  ticket =
    admission_ticket{waiting.get(), [waiting, bytes](const void*) { waiting->leave(bytes); }};
  return true;
}

/// The same for a request that a service makes a write of.
template <class Reply, class Service, class Request>
caf::result<Reply> pass_on_counted(gateway_pointer self, Service& service, Request& request) {
  auto& writes = state_of(self).options.writes;
  if (service && writes && !admit(*writes, bytes_of(request), request.ticket))
    return make_failure(errc::overloaded,
                        "too many requests wait already; nothing of this one was tried",
                        writes->retry_after());
  return pass_on<Reply>(self, service, request);
}

void adopt(gateway_state& state, services& news) {
  state.readers = caf::actor_cast<reader_pool_actor>(news.readers);
  state.tasks = caf::actor_cast<task_service_actor>(news.tasks);
  state.pipelines = caf::actor_cast<pipeline_service_actor>(news.pipelines);
  state.maintenance = caf::actor_cast<maintenance_service_actor>(news.maintenance);
  state.supervisor = caf::actor_cast<supervisor_actor>(news.supervisor);
  state.unavailable = news.unavailable.empty() ? "this runtime was opened without that service"
                                               : std::move(news.unavailable);
  if (state.options.reads && (news.ended || news.ending))
    state.options.reads->close(state.unavailable);
  if (state.options.writes && news.ended)
    state.options.writes->close(state.unavailable);
  else if (state.options.writes && news.ending)
    state.options.writes->close_to_clients(state.unavailable);
}

service_status report(const gateway_state& state) {
  service_status status{service_name, state.supervisor ? "running" : "waiting", 0, {}, {}};
  if (state.options.writes) {
    auto& admitted = state.options.writes->admitted();
    status.counters = {{"waiting", static_cast<std::int64_t>(admitted.waiting())},
                       {"waiting_bytes", static_cast<std::int64_t>(admitted.waiting_bytes())},
                       {"refused", static_cast<std::int64_t>(admitted.refused())}};
  }
  return status;
}

/// The weak handle is for ports, which outlive the gateway.
std::function<void()> arm(gateway_pointer self) {
  return [weak = caf::actor_cast<caf::actor_addr>(gateway_impl{self})] {
    if (auto strong = caf::actor_cast<gateway_impl>(weak))
      caf::anon_send(strong, timer{arming});
  };
}

void look_at_deadlines(gateway_pointer self, timer due) {
  auto& options = state_of(self).options;
  auto waits = due.generation == arming;
  if (!waits) {
    waits = options.writes && options.writes->expire();
    waits = (options.reads && options.reads->expire()) || waits;
  }
  if (waits && !std::exchange(state_of(self).timer_runs, true))
    tell_after(self, deadline_tick, gateway_impl{self}, timer{});
}

gateway_impl::behavior_type gateway(gateway_pointer self, gateway_options options) {
  install_handlers(self, service_name);
  auto& state = state_of(self);
  state.options = std::move(options);
  if (state.options.writes)
    state.options.writes->watch_deadlines(arm(self));
  if (state.options.reads)
    state.options.reads->watch_deadlines(arm(self));
  return {
    [&state](status_request) { return report(state); },
    [self](drain) {
      self->quit();
      return drained{};
    },
    [self](write_batch& x) { return accept_write<batch_request>(self, x); },
    [self](write_call& x) { return accept_write<call_request>(self, x); },
    [self](cancel_request x) { return cancel(self, x); },
    [self](query& x) { return accept_read<query_request, query_result>(self, x); },
    [self](read_call& x) { return accept_read<read_call_request, read_done>(self, x); },
    [self, &state](read_together& x) { return pass_on<read_done>(self, state.readers, x); },
    [self, &state](open_stream& x) { return pass_on<stream_opened>(self, state.readers, x); },
    [self](enqueue_tasks& x) { return accept_write<enqueue_request, tasks_enqueued>(self, x); },
    [self, &state](cancel_task& x) { return pass_on<task_changed>(self, state.tasks, x); },
    [self, &state](retry_task& x) { return pass_on<task_changed>(self, state.tasks, x); },
    [self, &state](await_task& x) { return pass_on<task_record>(self, state.tasks, x); },
    [self, &state](start_run& x) { return pass_on_counted<run_started>(self, state.pipelines, x); },
    [self, &state](cancel_run& x) { return pass_on<run_changed>(self, state.pipelines, x); },
    [self, &state](await_run& x) { return pass_on<run_record>(self, state.pipelines, x); },
    [self, &state](run_maintenance& x) {
      return pass_on<maintenance_done>(self, state.maintenance, x);
    },
    [self, &state](runtime_status_request& x) {
      return pass_on<runtime_status>(self, state.supervisor, x);
    },
    [&state](services& news) { adopt(state, news); },
    [self](timer due) {
      if (due.generation != arming)
        state_of(self).timer_runs = false;
      look_at_deadlines(self, due);
    },
  };
}

/// What the handle of clients does on their threads.
class front {
public:
  explicit front(const gateway_options& options) : options_(options) {}

  template <class Content, class MakeReply>
  bool operator()(Content& content, const front_sender& from, MakeReply reply) const {
    if (options_.writes) {
      // What comes next may be committed with it.
      auto who = from.idle ? submitter::idle : submitter::busy;
      if (auto* batch = content_as<write_batch>(content)) {
        bring_write<batch_request>(*options_.writes, options_.sync, std::move(*batch), from.number,
                                   who, promise<receipt>{reply()});
        return true;
      }
      if (auto* call = content_as<write_call>(content)) {
        bring_write<call_request>(*options_.writes, options_.sync, std::move(*call), from.number,
                                  who, promise<receipt>{reply()});
        return true;
      }
      if (auto* tasks = content_as<enqueue_tasks>(content)) {
        bring_write<enqueue_request>(*options_.writes, options_.sync, std::move(*tasks), from.number,
                                     who, promise<tasks_enqueued>{reply()});
        return true;
      }
    }
    if (options_.reads) {
      auto who = from.here ? submitter::idle : submitter::busy;
      if (auto* wanted = content_as<query>(content)) {
        bring_read<query_request, query_result>(*options_.reads, std::move(*wanted), from.number,
                                                who, promise<query_result>{reply()});
        return true;
      }
      if (auto* call = content_as<read_call>(content)) {
        bring_read<read_call_request, read_done>(*options_.reads, std::move(*call), from.number,
                                                 who, promise<read_done>{reply()});
        return true;
      }
    }
    return false;
  }

private:
  gateway_options options_;
};

} // namespace

messages::gateway_actor gateway_for_clients(caf::actor_system& system, const gateway_actor& gateway,
                                            const gateway_options& options) {
  return in_front_of(system, gateway, front{options});
}

messages::gateway_actor spawn_gateway(caf::actor_system& system, gateway_options options) {
  return system.spawn(gateway, std::move(options));
}

} // namespace quire::actors

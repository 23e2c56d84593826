#include "quire/actors/gateway.hpp"

#include "quire/actors/admission.hpp"
#include "quire/actors/base.hpp"
#include "quire/actors/writer_requests.hpp"

#include <string>

namespace quire::actors {

namespace {

using namespace messages;

constexpr auto service_name = "gateway";

struct gateway_state {
  gateway_state() = default;
  static inline const char* name = service_name;

  writer_actor writer;
  reader_pool_actor readers;
  task_service_actor tasks;
  pipeline_service_actor pipelines;
  maintenance_service_actor maintenance;
  supervisor_actor supervisor;
  std::shared_ptr<admission> waiting;
  std::string unavailable = "the services are starting";
};

using gateway_pointer = gateway_actor::stateful_pointer<gateway_state>;

/// Passes `request` on to `service`, which answers the sender directly.
template <class Reply, class Service, class Request>
caf::result<Reply> pass_on(gateway_pointer self, Service& service, Request& request) {
  if (!service)
    return make_failure(errc::unavailable, state_of(self).unavailable);
  return hand_over(self, service, std::move(request));
}

/// The same for a write, which is counted: the writer counts it out.
template <class Request>
caf::result<receipt> pass_on_write(gateway_pointer self, Request& request, std::size_t bytes) {
  auto& state = state_of(self);
  request.counted = state.writer && state.waiting;
  if (request.counted && !state.waiting->enter(bytes))
    return make_failure(errc::overloaded,
                        "too many writes wait already; nothing of this one was tried");
  return pass_on<receipt>(self, state.writer, request);
}

/// Counts a request in until the last copy of its ticket goes.
bool admit(const std::shared_ptr<admission>& waiting, std::size_t bytes, admission_ticket& ticket) {
  if (!waiting->enter(bytes))
    return false;
  ticket = admission_ticket{waiting.get(), [waiting, bytes](const void*) { waiting->leave(bytes); }};
  return true;
}

/// The same for a request that a service makes a write of.
template <class Reply, class Service, class Request>
caf::result<Reply> pass_on_counted(gateway_pointer self, Service& service, Request& request) {
  auto& waiting = state_of(self).waiting;
  if (service && waiting && !admit(waiting, bytes_of(request), request.ticket))
    return make_failure(errc::overloaded,
                        "too many requests wait already; nothing of this one was tried");
  return pass_on<Reply>(self, service, request);
}

void adopt(gateway_state& state, services& news) {
  state.writer = caf::actor_cast<writer_actor>(news.writer);
  state.readers = caf::actor_cast<reader_pool_actor>(news.readers);
  state.tasks = caf::actor_cast<task_service_actor>(news.tasks);
  state.pipelines = caf::actor_cast<pipeline_service_actor>(news.pipelines);
  state.maintenance = caf::actor_cast<maintenance_service_actor>(news.maintenance);
  state.supervisor = caf::actor_cast<supervisor_actor>(news.supervisor);
  state.waiting = std::move(news.waiting);
  state.unavailable = news.unavailable.empty() ? "this runtime was opened without that service"
                                               : std::move(news.unavailable);
}

service_status report(const gateway_state& state) {
  service_status status{service_name, state.writer ? "running" : "waiting", 0, {}, {}};
  if (state.waiting)
    status.counters = {{"waiting", static_cast<std::int64_t>(state.waiting->waiting())},
                       {"waiting_bytes", static_cast<std::int64_t>(state.waiting->waiting_bytes())},
                       {"refused", static_cast<std::int64_t>(state.waiting->refused())}};
  return status;
}

gateway_actor::behavior_type gateway(gateway_pointer self) {
  install_handlers(self, service_name);
  auto& state = state_of(self);
  return {
    [&state](status_request) { return report(state); },
    [self](drain) {
      self->quit();
      return drained{};
    },
    [self](write_batch& x) { return pass_on_write(self, x, bytes_of(x)); },
    [self](write_call& x) { return pass_on_write(self, x, call_request::bytes_counted); },
    [self, &state](query& x) { return pass_on<query_result>(self, state.readers, x); },
    [self, &state](read_call& x) { return pass_on<read_done>(self, state.readers, x); },
    [self, &state](enqueue_tasks& x) { return pass_on_counted<tasks_enqueued>(self, state.tasks, x); },
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
  };
}

} // namespace

messages::gateway_actor spawn_gateway(caf::actor_system& system) {
  return system.spawn(gateway);
}

} // namespace quire::actors

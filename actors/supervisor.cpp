#include "quire/actors/supervisor.hpp"

#include "quire/actors/base.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;
using namespace std::chrono_literals;

using supervisor_impl = supervisor_actor::extend<on<void(timer)>>;

constexpr auto service_name = "supervisor";
constexpr auto status_timeout = 1s;

struct child {
  child_spec spec;
  caf::actor handle;   // Null while it is not running.
  bool ending = false; // It was told to end; its end is awaited.
  std::int64_t restarts = 0;
};

struct supervisor_state {
  supervisor_state() = default;
  static inline const char* name = service_name;

  supervisor_options options;
  std::vector<child> children;
  services handles;
  restart_policy policy;
  std::uint64_t generation = 0; // Of the timer that is valid.
  bool stopping = false;
  std::string failed;
  std::string note;
  promise<drained> stopped;
};

using supervisor_pointer = supervisor_impl::stateful_pointer<supervisor_state>;

void tell_gateway(supervisor_pointer self, std::string unavailable) {
  auto& state = state_of(self);
  auto news = state.handles;
  news.unavailable = std::move(unavailable);
  news.supervisor = caf::actor_cast<caf::actor>(supervisor_actor{self});
  tell(self, state.options.gateway, std::move(news));
}

void give_up(supervisor_pointer self, const std::string& reason) {
  auto& state = state_of(self);
  state.failed = "the runtime has failed for good: " + reason;
  log(log_level::error, service_name, state.failed);
  for (auto& child : state.children)
    if (child.handle)
      caf::anon_send_exit(child.handle, caf::exit_reason::user_shutdown);
  state.handles = {};
  state.handles.ended = true;
  tell_gateway(self, state.failed);
  if (state.options.on_failed)
    state.options.on_failed(state.failed);
}

void restart_later(supervisor_pointer self, const std::string& reason) {
  auto& state = state_of(self);
  state.note = reason;
  auto delay = state.policy.ended(state.options.env.clock->now());
  if (!delay)
    return give_up(self, reason);
  log(log_level::warn, service_name,
      reason + "; starting again in " + std::to_string(delay->count()) + " ms");
  tell_gateway(self, "a service is being started again: " + reason);
  tell_after(self, *delay, supervisor_impl{self}, timer{++state.generation});
}

/// Starts in order whatever is not running.
void start_missing(supervisor_pointer self) {
  auto& state = state_of(self);
  for (auto& child : state.children) {
    if (child.handle)
      continue;
    try {
      child.handle = child.spec.start(self->system(), state.handles);
      child.ending = false;
      ++child.restarts;
      self->monitor(child.handle);
    } catch (const std::exception& failure) {
      return restart_later(self, child.spec.name + " could not be started: " + failure.what());
    }
  }
  tell_gateway(self, {});
}

bool any_ending(const supervisor_state& state) {
  return std::ranges::any_of(state.children, [](const child& x) { return x.ending && x.handle; });
}

/// Removes the handle of a service from what the services and the gateway use.
void forget(services& handles, const caf::actor& gone) {
  for (auto* handle : {&handles.writer, &handles.readers, &handles.tasks, &handles.pipelines,
                       &handles.maintenance})
    if (*handle == gone)
      *handle = nullptr;
}

void child_down(supervisor_pointer self, const caf::down_msg& message) {
  auto& state = state_of(self);
  auto found = std::ranges::find_if(state.children, [&](const child& x) {
    return x.handle && x.handle.address() == message.source;
  });
  if (found == state.children.end())
    return;
  forget(state.handles, found->handle);
  found->handle = nullptr;
  auto expected = std::exchange(found->ending, false);
  if (state.stopping || !state.failed.empty())
    return;
  if (!expected) {
    ++state.generation; // A restart that is under way waits for those that end now, too.
    state.note = found->spec.name + " ended: " + self->system().render(message.reason);
    // Everything after it relies on it.
    for (auto later = state.children.end(); --later != found;) {
      if (!later->handle || std::exchange(later->ending, true))
        continue;
      forget(state.handles, later->handle);
      self->send_exit(later->handle, caf::exit_reason::user_shutdown);
    }
  }
  if (!any_ending(state))
    restart_later(self, state.note);
  else if (!expected)
    tell_gateway(self, "a service is being started again: " + state.note);
}

/// Drains the last child that runs, then the one before it, and so on.
void stop_last(supervisor_pointer self) {
  auto& state = state_of(self);
  auto last = std::ranges::find_if(state.children.rbegin(), state.children.rend(),
                                   [](const child& x) { return static_cast<bool>(x.handle); });
  if (last == state.children.rend()) {
    state.stopped.deliver({});
    self->quit();
    return;
  }
  auto handle = std::exchange(last->handle, nullptr);
  auto name = last->spec.name;
  ask(self, caf::actor_cast<service_actor>(handle), last->spec.stop_timeout, drain{})
    .then([self](const drained&) { stop_last(self); },
          [self, handle, name](const caf::error& error) {
            log(log_level::warn, service_name, name + " did not drain: " + text_of(error));
            caf::anon_send_exit(handle, caf::exit_reason::kill);
            stop_last(self);
          });
}

struct status_collection {
  runtime_status status;
  std::size_t missing = 0;
  promise<runtime_status> answer;

  void add(service_status one, std::size_t place) {
    status.services[place] = std::move(one);
    if (--missing == 0)
      answer.deliver(std::move(status));
  }
};

caf::result<runtime_status> collect_status(supervisor_pointer self) {
  auto& state = state_of(self);
  auto collection = std::make_shared<status_collection>();
  collection->answer = promise_to_sender<runtime_status>(self);
  collection->status = {state.options.database, state.options.boot, {}};
  auto& services = collection->status.services;
  services.push_back(
    {service_name, state.failed.empty() ? "running" : "failed", 0, {}, state.note});
  services.resize(state.children.size() + 1);
  collection->missing = state.children.size();
  for (std::size_t i = 0; i < state.children.size(); ++i) {
    auto& child = state.children[i];
    auto restarts = std::max<std::int64_t>(0, child.restarts - 1);
    service_status silent{child.spec.name, child.handle ? "busy" : "restarting", restarts, {}, {}};
    if (!child.handle) {
      collection->add(std::move(silent), i + 1);
      continue;
    }
    ask(self, caf::actor_cast<service_actor>(child.handle), status_timeout, status_request{})
      .then(
        [=](service_status& answer) {
          answer.restarts = restarts;
          collection->add(std::move(answer), i + 1);
        },
        [=](const caf::error&) { collection->add(silent, i + 1); });
  }
  if (state.children.empty())
    collection->answer.deliver(std::move(collection->status));
  return caf::delegated<runtime_status>{};
}

supervisor_impl::behavior_type supervisor(supervisor_pointer self, supervisor_options options,
                                          std::vector<child> children, services handles) {
  auto& initial = state_of(self);
  initial.policy = restart_policy{options.limits};
  initial.options = std::move(options);
  initial.children = std::move(children);
  initial.handles = std::move(handles);
  for (auto& child : initial.children)
    self->monitor(child.handle);
  install_handlers(self, service_name,
                   [self](const caf::down_msg& message) { child_down(self, message); });
  tell_gateway(self, {});
  return {
    [self](status_request) {
      auto& state = state_of(self);
      return service_status{
        service_name, state.failed.empty() ? "running" : "failed", 0, {}, state.note};
    },
    [self](drain) -> caf::result<drained> {
      auto& state = state_of(self);
      state.stopped = promise_to_sender<drained>(self);
      if (!std::exchange(state.stopping, true)) {
        state.handles = {};
        state.handles.ending = true;
        tell_gateway(self, "the runtime is closing");
        stop_last(self);
      }
      return caf::delegated<drained>{};
    },
    [self](runtime_status_request) { return collect_status(self); },
    [self](timer due) {
      auto& state = state_of(self);
      if (due.generation == state.generation && !state.stopping && state.failed.empty())
        start_missing(self);
    },
  };
}

} // namespace

messages::supervisor_actor spawn_supervisor(caf::actor_system& system, supervisor_options options) {
  std::vector<child> children;
  services handles;
  try {
    for (auto& spec : options.children) {
      auto handle = spec.start(system, handles);
      children.push_back({spec, handle, false, 1});
    }
  } catch (...) {
    for (auto& child : children)
      caf::anon_send_exit(child.handle, caf::exit_reason::kill);
    throw;
  }
  return system.spawn(supervisor, std::move(options), std::move(children), std::move(handles));
}

} // namespace quire::actors

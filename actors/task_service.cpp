#include "quire/actors/task_service.hpp"

#include "quire/actors/task_work.hpp"
#include "quire/actors/timers.hpp"
#include "quire/actors/write_answer.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace quire::actors {

namespace {

using namespace messages;
using namespace std::chrono_literals;
using time_point = std::chrono::steady_clock::time_point;

// After a drain told the handlers to stop: until their tasks are given back
// without them, and until even that is not waited for any more.
constexpr auto drain_grace = 10s;
constexpr auto drain_end = 15s;
constexpr std::size_t rechecked_at_once = 512;

// The number of the timer that no wakeup has: a handler said something.
constexpr auto news_due = std::numeric_limits<std::uint64_t>::max();

// -- looking although nothing woke it --------------------------------------------

void look_up_tasks(task_pointer self) {
  auto& options = state_of(self).options;
  look_up(self, options.readers, options.env.request_timeout,
          [](auto* who) -> auto& { return state_of(who).tasks; });
}

void subscribe_to_writer(task_pointer self) {
  auto& options = state_of(self).options;
  subscribe_to(self, options.writer, caf::actor_cast<caf::actor>(task_impl{self}),
               options.env.request_timeout);
}

void look(task_pointer self) {
  auto& state = state_of(self);
  state.next_look = state.now() + state.options.safety_net;
  subscribe_to_writer(self);
  start_workers(self);
  state.rounds.look_again();
  look_at_running(self);
  state.tasks.waiting.recheck(rechecked_at_once);
  look_up_tasks(self);
}

// -- draining --------------------------------------------------------------------

void begin_drain(task_pointer self) {
  auto& state = state_of(self);
  if (!state.draining) {
    state.draining.emplace();
    state.draining->stop_at = state.now() + state.options.drain_timeout;
    state.rounds.stop();
  }
  state.draining->answers.push_back(promise_to_sender<drained>(self));
}

void continue_drain(task_pointer self) {
  auto& state = state_of(self);
  auto& drain = *state.draining;
  if (!drain.told && state.now() >= drain.stop_at) {
    drain.told = true;
    state.slots.stop_all(stop_cause::released, "the service stops", state.now());
  }
  if (state.now() >= drain.stop_at + drain_grace)
    for (auto number : state.slots.busy())
      abandon(self, number);
}

bool drain_is_over(const task_service_state& state) {
  if (!state.draining)
    return false;
  return (state.slots.busy().empty() && state.rounds.idle() && state.requests_open == 0)
         || state.now() >= state.draining->stop_at + drain_end;
}

void leave(task_pointer self) {
  for (auto& answer : state_of(self).draining->answers)
    answer.deliver({});
  self->quit();
}

// -- the service -----------------------------------------------------------------

time_point next_wakeup(task_service_state& state) {
  auto now = state.now();
  auto next = state.next_look;
  auto consider = [&](std::optional<time_point> when) {
    if (when)
      next = std::min(next, *when);
  };
  consider(state.slots.next_limit());
  consider(stock_limit(state));
  consider(state.rounds.retry_at());
  if (state.news_waiting)
    consider(state.next_news);
  if (auto due = state.rounds.due_ms())
    consider(now + std::chrono::milliseconds{std::clamp<std::int64_t>(
                     *due - state.unix_ms(), 1, state.options.safety_net.count() + 1)});
  if (state.draining)
    for (auto delay : {0s, drain_grace, drain_end})
      if (state.draining->stop_at + delay > now)
        consider(state.draining->stop_at + delay);
  return next;
}

void take_news(task_pointer self, const committed& news) {
  auto& state = state_of(self);
  for (auto& one : news.events) {
    task_id task{one.ref};
    if (one.what == event::topic::task_ready && one.ref == 0)
      state.rounds.wake();
    else if (one.what == event::topic::task_ready)
      state.rounds.due_at(one.ref);
    else if (one.what == event::topic::task_finished) {
      state.tasks.waiting.changed(task);
      // Its own attempt has ended before that was written: this one lost its claim.
      stop_attempt(state, task, std::nullopt, stop_cause::given_up, "its claim was taken away");
    } else if (one.what == event::topic::task_cancel) {
      auto known = state.cancel_reasons.find(task);
      auto reason = known == state.cancel_reasons.end() ? "cancelled on request" : known->second;
      if (!stop_attempt(state, task, std::nullopt, stop_cause::cancelled, reason))
        state.news_missed = true;
    }
  }
  look_up_tasks(self);
  proceed(self);
}

caf::result<task_changed> cancel(task_pointer self, const cancel_task& request) {
  auto& state = state_of(self);
  auto reason = request.reason.empty() ? "cancelled on request" : request.reason;
  auto task = request.task;
  // The news of the commit arrives before its receipt.
  state.cancel_reasons[task] = reason;
  return answer_with_write<task_changed>(
    self,
    [task, reason, now_ms = state.unix_ms()](storage::transaction& tx) {
      return task_changed{task, storage::cancel_task(tx, task, reason, now_ms)};
    },
    [self, task, reason](const task_changed* changed) {
      auto& now = state_of(self);
      now.cancel_reasons.erase(task);
      if (changed && changed->state == task_state::running)
        stop_attempt(now, task, std::nullopt, stop_cause::cancelled, reason);
    });
}

service_status report(const task_service_state& state) {
  auto number = [](auto count) { return static_cast<std::int64_t>(count); };
  service_status status{task_service_name, "running", 0, {}, state.note};
  if (state.draining)
    status.state = "draining";
  else if (state.rounds.degraded())
    status.state = "degraded";
  auto& counters = state.counters;
  status.counters = {
    {"workers", number(state.slots.workers())},
    {"running", number(state.slots.workers() - state.slots.free())},
    {"stock", number(state.stock.size())},
    {"claimed", counters.claimed},
    {"completed", counters.completed},
    {"failed_attempts", counters.failed_attempts},
    {"stale", counters.stale},
    {"released", counters.released},
    {"snoozed", counters.snoozed},
    {"workers_lost", counters.workers_lost},
    {"trouble", state.rounds.trouble() ? static_cast<std::int64_t>(*state.rounds.trouble()) : 0},
    {"waiting_outcomes", number(state.rounds.waiting())},
    {"awaited", number(state.tasks.waiting.size())},
  };
  return status;
}

void worker_down(task_pointer self, const caf::down_msg& message) {
  for (auto& [number, worker] : state_of(self).workers)
    if (worker.address() == message.source)
      return worker_lost(self, number, self->system().render(message.reason));
}

void set_up(task_pointer self, task_service_options options) {
  auto& state = state_of(self);
  for (auto& [kind, handler] : options.handlers)
    state.kinds.push_back(kind);
  state.handlers = std::make_shared<const task_handlers>(std::move(options.handlers));
  std::seed_seq seed{options.env.seed, std::uint64_t{0x7461736b}};
  state.random.seed(seed);
  state.options = std::move(options);
  // Handlers may outlive the service.
  state.on_news = std::make_shared<const std::function<void()>>(
    [service = caf::actor_cast<caf::actor_addr>(task_impl{self})] {
      if (auto strong = caf::actor_cast<task_impl>(service))
        caf::anon_send(strong, timer{news_due});
    });
  install_handlers(self, task_service_name,
                   [self](const caf::down_msg& message) { worker_down(self, message); });
}

task_impl::behavior_type task_service(task_pointer self, task_service_options options) {
  set_up(self, std::move(options));
  look(self);
  proceed(self);
  return {
    [self](status_request) { return report(state_of(self)); },
    [self](drain) -> caf::result<drained> {
      begin_drain(self);
      proceed(self);
      return caf::delegated<drained>{};
    },
    [self](const cancel_task& request) { return cancel(self, request); },
    [self](const retry_task& request) {
      return answer_with_write<task_changed>(
        self, [task = request.task, now_ms = state_of(self).unix_ms()](storage::transaction& tx) {
          return task_changed{task, storage::retry_task(tx, task, now_ms)};
        });
    },
    [self](const await_task& request) -> caf::result<task_record> {
      auto answer = state_of(self).tasks.add(self, request.task);
      look_up_tasks(self);
      return answer;
    },
    [self](const committed& news) { take_news(self, news); },
    [self](timer due) {
      auto& state = state_of(self);
      if (due.generation == news_due)
        state.news_waiting = true;
      else if (!state.timer.fired(due.generation))
        return;
      if (state.now() >= state.next_look)
        look(self);
      proceed(self);
    },
  };
}

} // namespace

// Other processes write into the database only.
void look_at_running(task_pointer self) {
  auto& state = state_of(self);
  auto ours = claims_here(state);
  if (ours.empty())
    return;
  struct found {
    std::vector<storage::task_claim> claims;
    std::vector<storage::task_claim> cancelled;
  };
  read_then(
    self, state.options.readers, state.options.env.request_timeout,
    [boot = state.options.boot](storage::snapshot& db) {
      return found{storage::running_claims(db, boot), storage::cancel_requests(db)};
    },
    [self, ours](const found& now_there) {
      auto& now = state_of(self);
      for (auto& claim : ours)
        if (std::ranges::find(now_there.claims, claim) == now_there.claims.end())
          stop_attempt(now, claim.task, claim.epoch, stop_cause::given_up,
                       "its claim was taken away");
      for (auto& claim : now_there.cancelled)
        stop_attempt(now, claim.task, claim.epoch, stop_cause::cancelled, "cancelled on request");
      proceed(self);
    },
    [](const caf::error&) {});
}

void proceed(task_pointer self) {
  auto& state = state_of(self);
  for (auto number : state.slots.expire(state.now()))
    abandon(self, number);
  if (state.draining)
    continue_drain(self);
  begin_attempts(self);
  take_words(state);
  if (auto round = next_round(state))
    write(self, std::move(*round));
  if (drain_is_over(state))
    return leave(self);
  wake_at<task_impl>(self, state.timer, state.now(), next_wakeup(state));
}

messages::task_service_actor spawn_task_service(caf::actor_system& system,
                                                task_service_options options) {
  return system.spawn(task_service, std::move(options));
}

} // namespace quire::actors

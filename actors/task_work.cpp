#include "quire/actors/task_work.hpp"

#include "quire/actors/round_writer.hpp"
#include "quire/actors/worker.hpp"
#include "quire/messages/worker.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

using namespace messages;

// Quick tasks that are claimed ahead of the workers: so many, and no more than keep all
// workers busy for so long. A round of writing takes less.
constexpr std::size_t ahead_max = 256;
constexpr auto ahead_time = std::chrono::milliseconds{5};

std::chrono::nanoseconds time_ahead(const task_service_state& state) {
  return ahead_time * state.slots.workers();
}

// What handlers say is written so often at most.
constexpr auto news_interval = std::chrono::milliseconds{250};

// What no worker took for so long goes back to its queue.
constexpr auto stock_age_max = std::chrono::seconds{1};

void add_words(task_service_state& state, const running_attempt& from) {
  if (from.report)
    state.rounds.add(attempt_words{from.task->id, from.task->epoch, from.report->take()});
}

// What is to be written about an attempt that ended with `outcome`.
attempt_result result_of(task_service_state& state, const task_assignment& task,
                         task_outcome outcome) {
  auto failed = outcome.what == task_outcome::verdict::failed;
  return actors::result_of(task, std::move(outcome), state.unix_ms(),
                           failed ? state.random_share() : 0);
}

std::chrono::nanoseconds quick(const task_service_state& state, const task_assignment& task) {
  return may_share_worker(task) ? state.pace.quick(task.kind) : std::chrono::nanoseconds{0};
}

void give_back(task_service_state& state, std::vector<attempt> some, const char* why) {
  for (auto& one : some)
    state.rounds.add(result_of(state, *one.task, task_outcome::released(why)));
}

// Keeps what a worker did, and what it did not begin for another.
void settle(task_service_state& state, slot_report& report) {
  for (auto& [attempt, result] : report.ended) {
    state.pace.saw(attempt.task->kind, result.took);
    add_words(state, attempt);
    state.rounds.add(
      result_of(state, *attempt.task, settled_outcome(attempt, std::move(result.outcome))));
  }
  if (state.draining)
    give_back(state, std::move(report.unbegun), "the service stops");
  else
    for (auto one = report.unbegun.rbegin(); one != report.unbegun.rend(); ++one)
      state.stock.put_back(*one, quick(state, *one->task), state.now());
}

void burst_ended(task_pointer self, task_slots::worker number) {
  auto& state = state_of(self);
  if (auto report = state.slots.finish(number))
    settle(state, *report);
  else
    ++state.counters.stale; // Of a handler that was given up before.
  proceed(self);
}

void take_claimed(task_service_state& state, std::vector<task_assignment> claimed) {
  for (auto& one : claimed) {
    // An older claim of it was taken away, or it could not have been claimed.
    stop_attempt(state, one.id, std::nullopt, stop_cause::given_up, "its claim was taken away");
    auto task = std::make_shared<const task_assignment>(std::move(one));
    state.stock.add({task, {}, std::make_shared<attempt_report>(state.on_news)},
                    quick(state, *task), state.now());
  }
}

// Takes a worker out, and returns what it was running.
std::optional<slot_report> dismiss(task_service_state& state, task_slots::worker number) {
  auto found = state.workers.extract(number);
  if (!found)
    return std::nullopt;
  ++state.counters.workers_lost;
  caf::anon_send_exit(found.mapped(), caf::exit_reason::user_shutdown);
  return state.slots.remove_worker(number);
}

void count(task_counters& counters, const task_round& round, const round_answer& answer) {
  using verdict = task_outcome::verdict;
  for (std::size_t i = 0; i < round.results.size(); ++i) {
    auto& result = round.results[i];
    if (!answer.finished[i].accepted)
      ++counters.stale;
    else if (result.outcome.what == verdict::released)
      ++counters.released;
    else if (result.outcome.what == verdict::snoozed)
      ++counters.snoozed;
    else if (result.outcome.what == verdict::failed)
      ++counters.failed_attempts;
    else if (result.outcome.what != verdict::cancelled)
      ++counters.completed;
  }
  counters.claimed += static_cast<std::int64_t>(answer.claimed.size());
}

void tell(const std::vector<storage::breaker_change>& breakers) {
  for (auto& [name, state] : breakers) {
    auto closed = state == breaker_state::closed;
    log(closed ? log_level::info : log_level::warn, task_service_name,
        "the circuit breaker '" + name
          + (closed ? "' closed: its tasks are started again"
                    : "' opened after failures of its tasks"));
  }
}

std::vector<storage::task_claim> known_claims(const task_service_state& state,
                                              const task_round& round) {
  auto known = claims_here(state);
  for (auto& result : round.results)
    known.push_back({result.task, result.epoch});
  return known;
}

} // namespace

void start_workers(task_pointer self) {
  auto& state = state_of(self);
  if (state.draining)
    return;
  try {
    while (state.slots.workers() < static_cast<std::size_t>(std::max(1, state.options.workers))) {
      auto worker = state.options.start_worker
                      ? state.options.start_worker(self->system())
                      : spawn_worker(self->system(),
                                     {state.options.env, state.handlers, state.options.steps,
                                      state.options.large});
      self->monitor(worker);
      state.workers.emplace(state.slots.add_worker(), std::move(worker));
    }
  } catch (const std::exception& failure) {
    state.note = std::string{"a worker could not be started: "} + failure.what();
    log(log_level::warn, task_service_name, state.note);
  }
}

void worker_lost(task_pointer self, task_slots::worker number, const std::string& why) {
  auto& state = state_of(self);
  if (!state.workers.contains(number))
    return;
  state.note = "a worker ended: " + why;
  log(log_level::warn, task_service_name, state.note);
  if (auto report = dismiss(state, number)) {
    settle(state, *report);
    if (auto& current = report->current) {
      add_words(state, *current);
      auto result =
        result_of(state, *current->task, task_outcome::failure("its worker ended: " + why));
      result.crashed = true;
      state.rounds.add(std::move(result));
    }
  }
  start_workers(self);
  proceed(self);
}

void abandon(task_pointer self, task_slots::worker number) {
  auto& state = state_of(self);
  auto report = dismiss(state, number);
  if (!report)
    return;
  settle(state, *report);
  if (auto& current = report->current) {
    state.note = "a handler of the kind '" + current->task->kind
                 + "' did not stop when asked to, and was given up with its thread";
    log(log_level::warn, task_service_name, state.note);
    add_words(state, *current);
    state.rounds.add(result_of(state, *current->task, abandoned_outcome(*current)));
  }
  start_workers(self);
}

std::vector<storage::task_claim> claims_here(const task_service_state& state) {
  std::vector<storage::task_claim> claims;
  for (auto* attempt : state.slots.running())
    claims.push_back({attempt->task->id, attempt->task->epoch});
  for (auto* task : state.stock.tasks())
    claims.push_back({task->id, task->epoch});
  return claims;
}

bool stop_attempt(task_service_state& state, task_id task, std::optional<std::int64_t> epoch,
                  stop_cause cause, const std::string& reason) {
  auto waiting = state.stock.remove(task, epoch);
  if (!waiting)
    return state.slots.stop(task, epoch, cause, reason, state.now());
  if (cause == stop_cause::cancelled)
    state.rounds.add(result_of(state, *waiting->task, task_outcome::cancelled(reason)));
  return true;
}

void begin_attempts(task_pointer self) {
  auto& state = state_of(self);
  for (auto& report : state.slots.relieve(state.now()))
    settle(state, report);
  if (state.draining)
    give_back(state, state.stock.clear(), "the service stops");
  // More results than these are not kept while none can be written.
  if (state.rounds.degraded())
    return;
  while (state.slots.free() > 0 && !state.stock.empty()) {
    auto [attempts, quick] = state.stock.next(state.slots.free());
    auto order = state.slots.start(std::move(attempts), quick, state.now());
    // Attempts are limited by their tasks. A worker that ends says so in two ways: its
    // mailbox answers, and it is watched.
    ask_without_limit(self, state.workers.at(order->who), run_burst{order->burst})
      .then([self, number = order->who](burst_done) { burst_ended(self, number); },
            [self, number = order->who](const caf::error& error) {
              worker_lost(self, number, text_of(error));
            });
  }
  give_back(state, state.stock.older_than(stock_age_max, state.now()), "no worker was free");
}

void take_words(task_service_state& state) {
  if (!state.news_waiting || state.now() < state.next_news)
    return;
  state.news_waiting = false;
  state.next_news = state.now() + news_interval;
  for (auto* attempt : state.slots.running())
    add_words(state, *attempt);
}

std::optional<task_round> next_round(task_service_state& state) {
  auto minus = [](std::size_t a, std::size_t b) { return a - std::min(a, b); };
  auto& slots = state.slots;
  claim_demand wanted;
  wanted.now = minus(slots.free(), state.stock.size());
  // Each of those that are not quick must find a worker.
  wanted.soon = minus(slots.soon_free() - wanted.now, state.stock.slow());
  if (slots.soon_free() > 0 && state.pace.any_quick() && state.stock.time() < time_ahead(state))
    wanted.ahead = minus(ahead_max, state.stock.size());
  return state.rounds.next(state.now(), state.unix_ms(), wanted);
}

std::optional<std::chrono::steady_clock::time_point> stock_limit(const task_service_state& state) {
  auto oldest = state.stock.oldest();
  if (!oldest || state.rounds.degraded())
    return std::nullopt;
  return *oldest + stock_age_max;
}

void write(task_pointer self, task_round round) {
  auto& state = state_of(self);
  auto order = std::make_shared<round_order>();
  order->kinds = state.kinds;
  order->boot = state.options.boot;
  order->now_ms = state.unix_ms();
  order->shares = state.shares;
  if (round.claims.ahead > 0) {
    order->ahead_time = time_ahead(state) - state.stock.time();
    for (auto& kind : state.kinds)
      order->quick.push_back(state.pace.quick(kind));
  }
  if (round.recovery != claim_recovery::none)
    order->known = known_claims(state, round);
  // A claim that a power cut takes back harms nobody: the task is ready again.
  std::optional<durability> sync;
  if (round.results.empty())
    sync = durability::normal;
  order->round = std::move(round);
  write_then(
    self, state.options.writer, state.options.env.request_timeout,
    [order = std::shared_ptr<const round_order>{order}](storage::transaction& tx) {
      return write_round(tx, *order);
    },
    [self, order](round_answer answer) {
      auto& now = state_of(self);
      now.rounds.succeeded(order->round, answer.claimed.size(), answer.next_due_ms);
      count(now.counters, order->round, answer);
      now.shares = std::move(answer.shares);
      tell(answer.breakers);
      take_claimed(now, std::move(answer.claimed));
      // News of the commit came before its answer: before there was anything to stop.
      if (std::exchange(now.news_missed, false))
        look_at_running(self);
      proceed(self);
    },
    [self, order](const caf::error& error) {
      auto& now = state_of(self);
      now.note = "tasks could not be written: " + text_of(error);
      log(log_level::warn, task_service_name, now.note);
      // A copy: a write that was only late may still read it.
      now.rounds.failed(order->round, code_of(error), text_of(error), now.now(),
                        now.random_share());
      proceed(self);
    },
    sync);
}

} // namespace quire::actors

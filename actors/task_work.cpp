#include "quire/actors/task_work.hpp"

#include "quire/actors/backoff.hpp"
#include "quire/actors/round_writer.hpp"
#include "quire/actors/worker.hpp"
#include "quire/messages/worker.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

using namespace messages;

// What is to be written about an attempt that ended with `outcome`.
attempt_result result_of(task_service_state& state, const task_assignment& task,
                         task_outcome outcome) {
  attempt_result result;
  result.task = task.id;
  result.epoch = task.epoch;
  result.outcome = std::move(outcome);
  auto delay = result.outcome.retry_after.value_or(
    backoff_delay(task.retry, task.attempt, state.random_share()));
  result.retry_at_ms = state.unix_ms() + delay.count();
  return result;
}

void attempt_ended(task_pointer self, task_slots::worker number, const task_outcome& outcome) {
  auto& state = state_of(self);
  auto attempt = state.slots.finish(number);
  if (!attempt)
    ++state.counters.stale; // Of a handler that was given up before.
  else
    state.rounds.add(result_of(state, *attempt->task, settled_outcome(*attempt, outcome)));
  proceed(self);
}

void dispatch(task_pointer self, task_assignment claimed) {
  auto& state = state_of(self);
  if (state.draining) {
    state.rounds.add(result_of(state, claimed, task_outcome::released("the service stops")));
    return;
  }
  auto task = std::make_shared<const task_assignment>(std::move(claimed));
  auto cancel = std::make_shared<const cancel_token>();
  auto number = state.slots.start(task, cancel, state.now());
  if (!number) {
    state.rounds.add(result_of(state, *task, task_outcome::released("no worker was free")));
    return;
  }
  // Attempts are limited by their tasks. A worker that ends says so in two ways: its
  // mailbox answers, and it is watched.
  ask_without_limit(self, state.workers.at(*number), attempt{task, cancel})
    .then(
      [self, number = *number](const attempt_report& report) {
        attempt_ended(self, number, *report.outcome);
      },
      [self, number = *number](const caf::error& error) {
        worker_lost(self, number, text_of(error));
      });
}

// Takes a worker out, and returns what it was running.
std::optional<running_attempt> dismiss(task_service_state& state, task_slots::worker number) {
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
    else if (result.outcome.what == verdict::failed)
      ++counters.failed_attempts;
    else if (result.outcome.what != verdict::cancelled)
      ++counters.completed;
  }
  counters.claimed += static_cast<std::int64_t>(answer.claimed.size());
}

std::vector<storage::task_claim> known_claims(const task_slots& slots, const task_round& round) {
  std::vector<storage::task_claim> known;
  for (auto* attempt : slots.running())
    known.push_back({attempt->task->id, attempt->task->epoch});
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
                      : spawn_worker(self->system(), {state.options.env, state.handlers});
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
  if (auto attempt = dismiss(state, number)) {
    auto result = result_of(state, *attempt->task, task_outcome::failure("its worker ended: " + why));
    result.crashed = true;
    state.rounds.add(std::move(result));
  }
  start_workers(self);
  proceed(self);
}

void abandon(task_pointer self, task_slots::worker number) {
  auto& state = state_of(self);
  auto attempt = dismiss(state, number);
  if (!attempt)
    return;
  state.note = "a handler of the kind '" + attempt->task->kind
               + "' did not stop when asked to, and was given up with its thread";
  log(log_level::warn, task_service_name, state.note);
  state.rounds.add(result_of(state, *attempt->task, abandoned_outcome(*attempt)));
  start_workers(self);
}

void write(task_pointer self, task_round round) {
  auto& state = state_of(self);
  auto order = std::make_shared<round_order>();
  order->kinds = state.kinds;
  order->boot = state.options.boot;
  order->now_ms = state.unix_ms();
  if (round.recovery != claim_recovery::none)
    order->known = known_claims(state.slots, round);
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
      for (auto& task : answer.claimed)
        dispatch(self, std::move(task));
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

#include "quire/actors/task_slots.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace quire::actors {

namespace {

// It has a timeout and a grace of its own, and kills what outlives them.
bool limits_itself(const task_assignment& task) {
  return task.kind == "command";
}

std::string timeout_text(const task_assignment& task) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g",
                static_cast<double>(task.timeout.count()) / 1000.0);
  return std::string{"it took longer than its "} + seconds + " s";
}

bool succeeded(const task_outcome& outcome) {
  using verdict = task_outcome::verdict;
  return outcome.what == verdict::completed || outcome.what == verdict::partial_success;
}

} // namespace

task_slots::worker task_slots::add_worker() {
  free_.push_back(++last_worker_);
  return last_worker_;
}

std::optional<running_attempt> task_slots::remove_worker(worker who) {
  std::erase(free_, who);
  auto found = running_.extract(who);
  if (!found)
    return std::nullopt;
  return std::move(found.mapped());
}

std::optional<task_slots::worker> task_slots::start(std::shared_ptr<const task_assignment> task,
                                                    std::shared_ptr<const cancel_token> cancel,
                                                    time_point now) {
  if (free_.empty())
    return std::nullopt;
  stop(task->id, stop_cause::given_up, "its claim was taken away", now);
  auto who = free_.back();
  free_.pop_back();
  running_attempt attempt;
  attempt.task = std::move(task);
  attempt.cancel = std::move(cancel);
  attempt.limited = attempt.task->timeout.count() > 0 && !limits_itself(*attempt.task);
  attempt.limit = now + attempt.task->timeout;
  running_.emplace(who, std::move(attempt));
  return who;
}

std::optional<running_attempt> task_slots::finish(worker who) {
  auto found = running_.extract(who);
  if (!found)
    return std::nullopt;
  free_.push_back(who);
  return std::move(found.mapped());
}

void task_slots::ask_to_stop(running_attempt& attempt, stop_cause cause, const std::string& reason,
                             time_point now) const {
  if (attempt.stopped != stop_cause::none)
    return;
  attempt.stopped = cause;
  attempt.limited = !limits_itself(*attempt.task);
  attempt.limit = now + grace_;
  attempt.cancel->cancel(reason, cause == stop_cause::released);
}

bool task_slots::stop(task_id task, std::int64_t epoch, stop_cause cause, const std::string& reason,
                      time_point now) {
  for (auto& [who, attempt] : running_)
    if (attempt.task->id == task && attempt.task->epoch == epoch) {
      ask_to_stop(attempt, cause, reason, now);
      return true;
    }
  return false;
}

bool task_slots::stop(task_id task, stop_cause cause, const std::string& reason, time_point now) {
  bool found = false;
  for (auto& [who, attempt] : running_)
    if (attempt.task->id == task) {
      found = true;
      ask_to_stop(attempt, cause, reason, now);
    }
  return found;
}

void task_slots::stop_all(stop_cause cause, const std::string& reason, time_point now) {
  for (auto& [who, attempt] : running_) {
    attempt.cancel->hurry();
    ask_to_stop(attempt, cause, reason, now);
  }
}

std::vector<task_slots::worker> task_slots::expire(time_point now) {
  std::vector<worker> abandoned;
  for (auto& [who, attempt] : running_) {
    if (!attempt.limited || now < attempt.limit)
      continue;
    if (attempt.stopped != stop_cause::none)
      abandoned.push_back(who);
    else
      ask_to_stop(attempt, stop_cause::timed_out, timeout_text(*attempt.task), now);
  }
  return abandoned;
}

std::optional<task_slots::time_point> task_slots::next_limit() const {
  std::optional<time_point> next;
  for (auto& [who, attempt] : running_)
    if (attempt.limited)
      next = next ? std::min(*next, attempt.limit) : attempt.limit;
  return next;
}

std::vector<task_slots::worker> task_slots::busy() const {
  std::vector<worker> result;
  for (auto& [who, attempt] : running_)
    result.push_back(who);
  return result;
}

std::vector<const running_attempt*> task_slots::running() const {
  std::vector<const running_attempt*> result;
  for (auto& [who, attempt] : running_)
    result.push_back(&attempt);
  return result;
}

task_outcome settled_outcome(const running_attempt& attempt, task_outcome outcome) {
  if (succeeded(outcome))
    return outcome;
  if (attempt.stopped == stop_cause::released)
    return task_outcome::released("the service stopped");
  if (attempt.stopped == stop_cause::timed_out) {
    outcome.what = task_outcome::verdict::failed;
    outcome.error = timeout_text(*attempt.task);
    outcome.error_kind = error_class::timeout;
  }
  return outcome;
}

task_outcome abandoned_outcome(const running_attempt& attempt) {
  constexpr auto still_running = ", and its handler did not stop when it was asked to";
  switch (attempt.stopped) {
    case stop_cause::released:
      return task_outcome::released("the service stopped");
    case stop_cause::cancelled: {
      task_outcome outcome;
      outcome.what = task_outcome::verdict::cancelled;
      outcome.error = "it was cancelled" + std::string{still_running};
      outcome.error_kind = error_class::cancelled;
      return outcome;
    }
    case stop_cause::none:
    case stop_cause::timed_out:
    case stop_cause::given_up:
      break;
  }
  return task_outcome::failure(timeout_text(*attempt.task) + still_running, error_class::timeout);
}

} // namespace quire::actors

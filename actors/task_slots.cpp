#include "quire/actors/task_slots.hpp"

#include "quire/actors/attempt_report.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace quire::actors {

namespace {

// It has a timeout and a grace of its own, and kills what outlives them.
bool limits_itself(const task_assignment& task) {
  return task.kind == "command";
}

std::string seconds_text(std::chrono::milliseconds time) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g s", static_cast<double>(time.count()) / 1000.0);
  return seconds;
}

std::string limit_text(const task_assignment& task, stop_cause cause) {
  if (cause == stop_cause::silent && limits_itself(task))
    return "its program gave no sign of life on descriptor 3 for its "
           + seconds_text(task.heartbeat) + ": it was ended";
  if (cause == stop_cause::silent)
    return "its handler gave no sign of life for its " + seconds_text(task.heartbeat);
  if (task.is_last_call)
    return "it had not ended when its time was up";
  return "it took longer than its " + seconds_text(task.timeout);
}

/// When an attempt is to be asked to stop, or, once that is done, to be given up.
struct next_step {
  std::chrono::steady_clock::time_point when;
  stop_cause cause = stop_cause::timed_out;
};

std::optional<next_step> next_step_of(const running_attempt& one) {
  std::optional<next_step> next;
  if (one.limited)
    next = {one.limit, stop_cause::timed_out};
  auto heartbeat = one.task->heartbeat;
  if (one.stopped != stop_cause::none || heartbeat.count() == 0)
    return next;
  auto sign = one.report ? one.report->last_sign().value_or(one.begun) : one.begun;
  auto silent_at = std::max(sign, one.begun) + heartbeat;
  if (!next || silent_at < next->when)
    next = {silent_at, stop_cause::silent};
  return next;
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

slot_report task_slots::remove_worker(worker who) {
  std::erase(free_, who);
  auto found = running_.find(who);
  if (found == running_.end())
    return {};
  auto report = take(found->second, who, true);
  running_.erase(found);
  return report;
}

running_attempt task_slots::with_limit(const attempt& one, time_point now) const {
  running_attempt result;
  result.task = one.task;
  result.cancel = one.cancel;
  result.limited = one.task->timeout.count() > 0 && !limits_itself(*one.task);
  result.limit = now + one.task->timeout;
  result.begun = now;
  result.report = one.report;
  return result;
}

std::optional<task_slots::start_order> task_slots::start(std::vector<attempt> attempts, bool quick,
                                                         time_point now) {
  if (free_.empty())
    return std::nullopt;
  auto who = free_.back();
  free_.pop_back();
  running_burst entry;
  for (auto& one : attempts) {
    entry.attempts.push_back(with_limit(one, now));
    where_.emplace(one.task->id.value, who);
  }
  entry.quick = quick;
  entry.relieve_at = now + burst_limit;
  entry.burst = std::make_shared<attempt_burst>(std::move(attempts));
  quick_ += entry.quick;
  auto burst = entry.burst;
  running_.emplace(who, std::move(entry));
  return start_order{who, std::move(burst)};
}

std::optional<slot_report> task_slots::finish(worker who) {
  auto found = running_.find(who);
  if (found == running_.end())
    return std::nullopt;
  auto report = take(found->second, who, true);
  running_.erase(found);
  free_.push_back(who);
  return report;
}

std::vector<slot_report> task_slots::relieve(time_point now) {
  std::vector<slot_report> reports;
  if (quick_ == 0)
    return reports;
  for (auto& [who, entry] : running_)
    if (entry.quick && now >= entry.relieve_at)
      reports.push_back(take(entry, who, false));
  return reports;
}

// Nothing of it begins any more. Unless `all` is asked for, what runs stays.
slot_report task_slots::take(running_burst& from, worker who, bool all) {
  auto begun = from.burst->close();
  auto ended = from.burst->ended();
  slot_report report;
  for (auto i = from.reported; i < from.attempts.size(); ++i) {
    auto& one = from.attempts[i];
    bool runs = i >= ended && i < begun;
    if (runs && !all)
      continue;
    forget(*one.task, who);
    if (i < ended)
      report.ended.push_back({std::move(one), from.burst->take(i)});
    else if (runs)
      report.current = std::move(one);
    else
      report.unbegun.push_back(from.burst->attempts()[i]);
  }
  from.reported = ended;
  from.attempts.resize(begun);
  quick_ -= std::exchange(from.quick, false);
  return report;
}

void task_slots::forget(const task_assignment& task, worker who) {
  auto [begin, end] = where_.equal_range(task.id.value);
  for (auto place = begin; place != end; ++place)
    if (place->second == who) {
      where_.erase(place);
      return;
    }
}

void task_slots::ask_to_stop(running_attempt& one, stop_cause cause, const std::string& reason,
                             time_point now) const {
  if (one.stopped != stop_cause::none)
    return;
  one.stopped = cause;
  one.limited = !limits_itself(*one.task);
  one.limit = now + grace_;
  one.cancel.cancel(reason, cause == stop_cause::released);
}

bool task_slots::stop(task_id task, std::optional<std::int64_t> epoch, stop_cause cause,
                      const std::string& reason, time_point now) {
  bool found = false;
  auto [begin, end] = where_.equal_range(task.value);
  for (auto place = begin; place != end; ++place) {
    auto& entry = running_.at(place->second);
    for (auto i = entry.reported; i < entry.attempts.size(); ++i) {
      auto& one = entry.attempts[i];
      if (one.task->id != task || (epoch && one.task->epoch != *epoch))
        continue;
      found = true;
      ask_to_stop(one, cause, reason, now);
    }
  }
  return found;
}

void task_slots::stop_all(stop_cause cause, const std::string& reason, time_point now) {
  for (auto& [who, entry] : running_)
    for (auto i = entry.reported; i < entry.attempts.size(); ++i) {
      entry.attempts[i].cancel.hurry();
      ask_to_stop(entry.attempts[i], cause, reason, now);
    }
}

// Which attempt of several runs is not known before it is alone; it is limited then.
running_attempt* task_slots::single_attempt(running_burst& entry) {
  if (entry.quick || entry.reported >= entry.attempts.size())
    return nullptr;
  return &entry.attempts[entry.reported];
}

std::vector<task_slots::worker> task_slots::expire(time_point now) {
  std::vector<worker> abandoned;
  for (auto& [who, entry] : running_) {
    auto* one = single_attempt(entry);
    auto next = one ? next_step_of(*one) : std::nullopt;
    if (!next || now < next->when)
      continue;
    if (one->stopped != stop_cause::none)
      abandoned.push_back(who);
    else
      ask_to_stop(*one, next->cause, limit_text(*one->task, next->cause), now);
  }
  return abandoned;
}

std::optional<task_slots::time_point> task_slots::next_limit() {
  std::optional<time_point> next;
  auto consider = [&](time_point when) { next = next ? std::min(*next, when) : when; };
  for (auto& [who, entry] : running_)
    if (entry.quick)
      consider(entry.relieve_at);
    else if (auto* one = single_attempt(entry))
      if (auto limit = next_step_of(*one))
        consider(limit->when);
  return next;
}

std::vector<task_slots::worker> task_slots::busy() const {
  std::vector<worker> result;
  for (auto& [who, entry] : running_)
    result.push_back(who);
  return result;
}

std::vector<const running_attempt*> task_slots::running() const {
  std::vector<const running_attempt*> result;
  for (auto& [who, entry] : running_)
    for (auto i = entry.reported; i < entry.attempts.size(); ++i)
      result.push_back(&entry.attempts[i]);
  return result;
}

bool may_share_worker(const task_assignment& task) {
  return task.heartbeat.count() == 0
         && (task.timeout.count() == 0 || task.timeout >= task_slots::shortest_shared_limit);
}

task_outcome settled_outcome(const running_attempt& attempt, task_outcome outcome) {
  if (succeeded(outcome))
    return outcome;
  if (attempt.stopped == stop_cause::released)
    return task_outcome::released("the service stopped");
  if (attempt.stopped == stop_cause::timed_out || attempt.stopped == stop_cause::silent) {
    if (outcome.what == task_outcome::verdict::snoozed)
      outcome.retry_after.reset(); // It is repeated as its policy says.
    outcome.what = task_outcome::verdict::failed;
    outcome.error = limit_text(*attempt.task, attempt.stopped);
    outcome.error_kind = error_class::timeout;
  }
  return outcome;
}

task_outcome abandoned_outcome(const running_attempt& attempt) {
  constexpr auto still_running = ", and its handler did not stop when it was asked to";
  switch (attempt.stopped) {
    case stop_cause::released: return task_outcome::released("the service stopped");
    case stop_cause::cancelled:
      return task_outcome::cancelled(std::string{"it was cancelled"} + still_running);
    case stop_cause::none:
    case stop_cause::timed_out:
    case stop_cause::silent:
    case stop_cause::given_up: break;
  }
  return task_outcome::failure(limit_text(*attempt.task, attempt.stopped) + still_running,
                               error_class::timeout);
}

} // namespace quire::actors

#include "quire/actors/task_stock.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

void task_stock::add(attempt one, duration quick, time_point now) {
  count_in(one, quick);
  waiting_.push_back({std::move(one), quick, now});
}

void task_stock::put_back(attempt one, duration quick, time_point now) {
  count_in(one, quick);
  waiting_.push_front({std::move(one), quick, now});
}

void task_stock::count_in(const attempt& one, duration quick) {
  ids_.insert(one.task->id.value);
  slow_ += quick == duration::zero();
  time_ += quick;
}

attempt task_stock::extract(std::deque<entry>::iterator where) {
  auto one = std::move(where->one);
  slow_ -= where->quick == duration::zero();
  time_ -= where->quick;
  ids_.erase(one.task->id.value);
  waiting_.erase(where);
  return one;
}

task_stock::portion task_stock::next(std::size_t workers) {
  portion burst;
  if (waiting_.empty())
    return burst;
  auto share = (waiting_.size() + workers - 1) / std::max<std::size_t>(workers, 1);
  auto most = std::clamp<std::size_t>(share, 1, burst_max);
  auto time = waiting_.front().quick;
  burst.quick = time > duration::zero();
  burst.attempts.push_back(extract(waiting_.begin()));
  if (!burst.quick)
    return burst;
  // What is taken from the front costs nothing; what needs a worker for itself stays.
  for (std::size_t i = 0; i < waiting_.size() && burst.attempts.size() < most;) {
    auto quick = waiting_[i].quick;
    if (quick == duration::zero()) {
      ++i;
      continue;
    }
    time += quick;
    if (time > burst_time)
      break;
    burst.attempts.push_back(extract(waiting_.begin() + static_cast<std::ptrdiff_t>(i)));
  }
  return burst;
}

std::optional<attempt> task_stock::remove(task_id task, std::optional<std::int64_t> epoch) {
  if (!ids_.contains(task.value))
    return std::nullopt;
  auto found = std::ranges::find_if(waiting_, [&](const entry& x) {
    return x.one.task->id == task && (!epoch || x.one.task->epoch == *epoch);
  });
  if (found == waiting_.end())
    return std::nullopt;
  return extract(found);
}

std::vector<attempt> task_stock::older_than(duration age, time_point now) {
  std::vector<attempt> old;
  for (std::size_t i = 0; i < waiting_.size();)
    if (now - waiting_[i].since >= age)
      old.push_back(extract(waiting_.begin() + static_cast<std::ptrdiff_t>(i)));
    else
      ++i;
  return old;
}

std::vector<attempt> task_stock::clear() {
  std::vector<attempt> all;
  for (auto& one : waiting_)
    all.push_back(std::move(one.one));
  waiting_.clear();
  ids_.clear();
  slow_ = 0;
  time_ = duration::zero();
  return all;
}

std::vector<const task_assignment*> task_stock::tasks() const {
  std::vector<const task_assignment*> all;
  for (auto& one : waiting_)
    all.push_back(one.one.task.get());
  return all;
}

std::optional<task_stock::time_point> task_stock::oldest() const {
  if (waiting_.empty())
    return std::nullopt;
  return std::ranges::min(waiting_, {}, &entry::since).since;
}

} // namespace quire::actors

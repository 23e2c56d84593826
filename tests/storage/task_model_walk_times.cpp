// The part of the walk that has to do with time, and with what is said meanwhile.

#include "quire/storage/sqlite/task_progress.hpp"
#include "quire/tests/storage/task_model_walk.hpp"

#include <algorithm>

namespace quire::tests {

// As a round does it.
void task_walk::promote(transaction& tx, int limit) {
  storage::expire_tasks(tx, now, limit);
  expired += model_.expire(now, static_cast<std::size_t>(limit));
  storage::promote_due_tasks(tx, now, limit);
  model_.promote(now, static_cast<std::size_t>(limit));
}

void task_walk::give_up_stuck(transaction& tx) {
  during(tx, task_mutant::moment::loss, [&] {
    auto lost = storage::fail_stuck_tasks(tx, now - 100, now, now, 5);
    auto expected = model_.give_up_stuck(now - 100, now, 5);
    auto same = [](task_id x, std::int64_t y) { return x.value == y; };
    require(std::ranges::equal(lost, expected, same), "others were taken for stuck");
    claims_lost += static_cast<std::int64_t>(lost.size());
  });
}

// Of a claim that holds, or of one that is over.
void task_walk::say_something(transaction& tx) {
  if (claims_.empty())
    return;
  auto claim = choose_.one_of(claims_);
  auto held = is_held(claim);
  attempt_news news;
  if (chance(60))
    news.percent = static_cast<int>(below(101));
  std::string line = chance(60) ? "line " + std::to_string(below(1000)) : "";
  if (!line.empty())
    news.lines.push_back({now, line});
  auto epoch = held ? claim.epoch : forged(tx, claim, task_mutant::speaker::words);
  auto heard = storage::write_news(tx, claim.task, epoch, news);
  model_.say(claim.task.value, claim.epoch, news.percent, line);
  require(heard == held, name_of("was heard, or not: a word of task", claim.task.value));
  unheard += !held;
}

} // namespace quire::tests

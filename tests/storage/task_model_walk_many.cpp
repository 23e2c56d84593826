// The part of the walk that does to many tasks at once what others do to one.

#include "quire/tests/storage/task_model_walk.hpp"

namespace quire::tests {

void task_walk::enqueue_many(transaction& tx) {
  std::vector<task_spec> specs(1 + below(chance(20) ? 50 : 12));
  for (auto& spec : specs) {
    spec = random_spec();
    if (chance(70))
      spec.gate.clear();
    if (chance(10))
      draw_key(spec);
    else if (chance(5))
      draw_subtasks(spec, 1);
    if (spec.unique.found == on_duplicate::reject) // It would refuse them all.
      spec.unique.found = on_duplicate::existing;
  }
  during(tx, task_mutant::moment::enqueue, [&] {
    auto put = storage::put_tasks(tx, specs, now);
    require(put.size() == specs.size(), "there is not one answer for each task");
    for (std::size_t i = 0; i < specs.size(); ++i)
      note_put(put[i], specs[i]);
  });
  together += static_cast<std::int64_t>(specs.size());
}

void task_walk::note_put(const enqueued_task& put, const task_spec& spec) {
  auto found = model_.settle_duplicate(spec, now);
  duplicates += found.has_value();
  require(put.is_new == !found && (!found || put.id.value == *found),
          name_of("has a key that another one has, or is not taken for new: task", put.id.value));
  if (found)
    return;
  require(!model_.tasks.contains(put.id.value),
          name_of("an old number was given to task", put.id.value));
  model_.enqueue(put.id.value, spec, now);
}

// Some that run, some of claims that are over, and some twice.
void task_walk::finish_many(transaction& tx) {
  std::vector<claim_of> claims;
  for (auto& [id, task] : model_.tasks)
    if (task.state == task_state::running && chance(60))
      claims.push_back({task_id{id}, task.epoch});
  for (auto& one : claims_)
    if (!is_held(one) && chance(5))
      claims.push_back(one);
  choose_.shuffle(claims);
  auto first = claims.size(); // Then come those that end again.
  std::vector<task_outcome> outcomes;
  for (std::size_t i = 0; i < first; ++i) {
    outcomes.push_back(chance(60) ? task_outcome::success("1") : random_outcome(false));
    bool succeeded = outcomes.back().what == task_outcome::verdict::completed;
    if (is_held(claims[i]) && succeeded && chance(10))
      claims.push_back(claims[i]);
  }
  outcomes.resize(claims.size(), task_outcome::success("again"));
  auto retry_at_ms = now + static_cast<std::int64_t>(below(10));
  std::vector<storage::ended_attempt> ended;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    auto held = is_held(claims[i]);
    auto epoch = held ? claims[i].epoch : forged(tx, claims[i], task_mutant::speaker::finish);
    bool crashed = i < first && outcomes[i].what != task_outcome::verdict::completed && chance(20);
    ended.push_back({claims[i].task, epoch, &outcomes[i], retry_at_ms, crashed});
    zombies_refused += !held;
  }
  auto ends = storage::finish_attempts(tx, ended, now);
  require(ends.size() == ended.size(), "there is not one answer for each end");
  storage::breaker_results results(tx, now);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    auto& [task, epoch] = claims[i];
    auto expected = ended[i].crashed
                      ? model_.crash(task.value, epoch, now)
                      : model_.finish(task.value, epoch, outcomes[i], retry_at_ms, now);
    require(ends[i].accepted == expected.accepted && ends[i].state == expected.state,
            name_of("one of many ended otherwise: task", task.value));
    if (!ended[i].crashed)
      tell_breaker(results, task, ends[i], outcomes[i]);
  }
  results.save();
  together += static_cast<std::int64_t>(claims.size());
}

} // namespace quire::tests

// The part of the walk that has to do with queues and unique keys.

#include "quire/storage/sqlite/queue_store.hpp"
#include "quire/storage/sqlite/tenant_store.hpp"
#include "quire/tests/storage/task_model_walk.hpp"

#include <array>

namespace quire::tests {

namespace {

constexpr std::array queue_names{"default", "q", "r"};

} // namespace

void task_walk::draw_key(task_spec& spec) {
  spec.unique.key = "k" + std::to_string(below(6));
  spec.unique.found = static_cast<on_duplicate>(below(3));
  if (spec.unique.found != on_duplicate::replace && chance(40))
    spec.unique.kept_for = std::chrono::milliseconds{1 + below(200)};
}

void task_walk::draw_subtasks(task_spec& spec, int levels) {
  for (std::size_t i = 0; i < 1 + below(3); ++i) {
    auto& one = spec.subtasks.emplace_back(random_spec());
    if (levels > 1 && chance(20))
      draw_subtasks(one, levels - 1);
  }
  ++families;
}

void task_walk::enqueue_one(transaction& tx) {
  auto spec = random_spec();
  if (chance(30))
    draw_key(spec);
  else if (chance(20))
    draw_subtasks(spec, 2);
  if (spec.unique.found == on_duplicate::reject
      && model_.holder_of(spec.kind, spec.unique.key, now))
    return reject_duplicate(tx, spec);
  during(tx, task_mutant::moment::enqueue, [&] {
    note_put(storage::put_task(tx, spec, now), spec);
  });
}

void task_walk::reject_duplicate(transaction& tx, const task_spec& spec) {
  auto failure = failure_of([&] { storage::put_task(tx, spec, now); });
  require(failure && failure->code() == errc::conflict, "a duplicate was not rejected");
  ++duplicates;
}

void task_walk::decide_on_queue(transaction& tx) {
  std::string queue = queue_names[below(queue_names.size())];
  auto what = below(100);
  if (what < 10) {
    storage::pause_queue(tx, queue, now);
    model_.pause(queue);
  } else if (what < 50) {
    storage::resume_queue(tx, queue);
    model_.resume(queue);
  } else {
    auto limit = what < 65 ? std::optional{1 + static_cast<int>(below(8))} : std::nullopt;
    storage::limit_queue(tx, queue, limit);
    model_.limit(queue, limit);
  }
}

void task_walk::decide_on_tenant(transaction& tx) {
  std::string tenant = chance(50) ? "a" : "b";
  tenant_policy policy;
  policy.weight = 1 + static_cast<int>(below(5));
  if (chance(30))
    policy.limit = 1 + static_cast<int>(below(4));
  policy.paused = chance(20);
  storage::set_tenant_policy(tx, tenant, policy);
  model_.tenants[tenant] = {policy.weight, policy.limit, policy.paused};
  model_.events.ready = true;
}

void task_walk::resume_all(transaction& tx) {
  for (std::string queue : queue_names) {
    storage::resume_queue(tx, queue);
    model_.resume(queue);
  }
  for (std::string tenant : {"a", "b"})
    storage::set_tenant_policy(tx, tenant, {});
  model_.tenants.clear();
  free_kinds(tx);
}

// What is claimed is of no paused queue, and of no full one: by the tables alone.
void task_walk::check_claim(transaction& tx, const std::vector<task_assignment>& claimed) {
  constexpr std::string_view queue_of = R"(
    SELECT l.queue
    FROM quire_task t JOIN quire_lane l ON l.id = t.lane
    WHERE t.id = ?1)";
  constexpr std::string_view decided = R"(
    SELECT paused_at IS NOT NULL, ifnull(capacity, 1000000),
           (SELECT count(*) FROM quire_task t JOIN quire_lane l ON l.id = t.lane
            WHERE t.state = 3 AND l.queue = q.queue)
    FROM quire_queue q WHERE queue = ?1)";
  using row = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
  for (auto& one : claimed) {
    auto queue = tx.query_optional<std::string>(queue_of, one.id.value).value();
    for (auto& [paused, limit, running] : tx.query_as<row>(decided, queue)) {
      require(paused == 0, name_of("was claimed from a paused queue: task", one.id.value));
      require(running <= limit, name_of("was claimed from a full queue: task", one.id.value));
    }
  }
  constexpr std::string_view any_ready = "SELECT EXISTS(SELECT 1 FROM quire_task WHERE state = 1)";
  held_back += claimed.empty() && tx.query_scalar<std::int64_t>(any_ready) != 0;
}

} // namespace quire::tests

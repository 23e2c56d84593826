#include "quire/tests/simulation/audit.hpp"

#include "quire/storage/sqlite/invariants.hpp"

namespace quire::tests {

namespace {

using verdict = task_outcome::verdict;

std::map<std::int64_t, int> numbers(storage::connection& db, const char* sql) {
  std::map<std::int64_t, int> found;
  auto stmt = db.prepare(sql);
  while (stmt->step())
    ++found[stmt->int64(0)];
  return found;
}

/// `sql` returns a text for each thing that is wrong.
void must_be_empty(storage::connection& db, outside_world& world, const char* sql) {
  auto stmt = db.prepare(sql);
  while (stmt->step())
    world.violations.push_back(stmt->text(0));
}

void audit_file(storage::connection& db, outside_world& world) {
  auto stmt = db.prepare("PRAGMA integrity_check");
  while (stmt->step())
    if (auto finding = stmt->text(0); finding != "ok")
      world.violations.push_back("the file is damaged: " + finding);
}

/// What `quire doctor` would say.
void audit_invariants(storage::connection& db, outside_world& world) {
  storage::snapshot snapshot{db};
  for (auto& rule : storage::invariants())
    for (auto& example : storage::find_violations(snapshot, rule).examples)
      world.violations.push_back("invariant " + std::string{rule.name} + ": " + example);
}

/// Each accepted result is one that a handler returned for that very claim.
void audit_results(storage::connection& db, outside_world& world) {
  auto stmt = db.prepare("SELECT t.id, t.state, r.epoch, r.output FROM quire_task t "
                         "JOIN quire_task_result r ON r.id = t.id WHERE t.state IN (10, 11)");
  while (stmt->step()) {
    auto task = "task " + std::to_string(stmt->int64(0));
    auto known = world.results.find(stmt->text(3));
    if (known == world.results.end()) {
      world.violations.push_back(task + " has a result that no handler returned: " + stmt->text(3));
      continue;
    }
    auto expected = known->second.what == verdict::completed ? 10 : 11;
    if (known->second.task.value != stmt->int64(0) || known->second.epoch != stmt->int64(2)
        || expected != stmt->int64(1))
      world.violations.push_back(task + " has the result of another claim");
  }
}

constexpr auto unfinished_tasks = R"(
SELECT 'task ' || id || ' is left in state ' || state FROM quire_task WHERE state < 10)";

constexpr auto unfinished_runs = R"(
SELECT 'run ' || id || ' is left in state ' || state FROM quire_run WHERE state < 10
UNION ALL
SELECT 'stage ' || id || ' is left in state ' || state FROM quire_stage WHERE state < 10)";

constexpr auto tasks_without_result = R"(
SELECT 'task ' || id || ' succeeded without a result' FROM quire_task
WHERE state IN (10, 11) AND id NOT IN (SELECT id FROM quire_task_result))";

constexpr auto failures_without_reason = R"(
SELECT 'task ' || id || ' failed for no reason' FROM quire_task
WHERE state = 12 AND error_class = 0)";

constexpr auto attempts_beyond_limit = R"(
SELECT 'task ' || id || ' had ' || attempt || ' attempts of ' || attempts_max FROM quire_task
WHERE attempt > attempts_max)";

constexpr auto wrong_counters = R"(
SELECT 'the counters of stage ' || s.id || ' are wrong' FROM quire_stage s
LEFT JOIN (SELECT stage_id, count(*) AS total, sum(state = 10) AS completed,
                  sum(state = 11) AS partial, sum(state = 12) AS failed,
                  sum(state = 13) AS cancelled, sum(state = 14) AS skipped
           FROM quire_task WHERE stage_id IS NOT NULL GROUP BY stage_id) t ON t.stage_id = s.id
WHERE s.total <> ifnull(t.total, 0) OR s.completed <> ifnull(t.completed, 0)
   OR s.partial <> ifnull(t.partial, 0) OR s.failed <> ifnull(t.failed, 0)
   OR s.cancelled <> ifnull(t.cancelled, 0) OR s.skipped <> ifnull(t.skipped, 0))";

constexpr auto leaking_gates = R"(
SELECT 'gate ' || gate || ' has ' || used || ' places in use' FROM quire_gate WHERE used <> 0)";

} // namespace

void audit_promises(storage::connection& db, outside_world& world, ending how) {
  auto compare = [&](ledger& things, const char* sql) {
    auto wrong = things.compare(numbers(db, sql), how);
    world.violations.insert(world.violations.end(), wrong.begin(), wrong.end());
  };
  compare(world.rows, "SELECT id FROM sim_row ORDER BY id");
  compare(world.tasks, "SELECT json_extract(payload, '$.number') AS number FROM quire_task_body "
                       "JOIN quire_task USING(id) "
                       "WHERE stage_id IS NULL AND number IS NOT NULL ORDER BY number");
  compare(world.runs, "SELECT CAST(substr(pipeline, 4) AS INTEGER) FROM quire_run ORDER BY id");
  audit_file(db, world);
  audit_invariants(db, world);
}

bool has_open_work(storage::connection& db) {
  auto stmt = db.prepare("SELECT EXISTS(SELECT 1 FROM quire_task WHERE state < 10) "
                         "OR EXISTS(SELECT 1 FROM quire_run WHERE state < 10)");
  stmt->step();
  return stmt->int64(0) != 0;
}

void audit_rest(storage::connection& db, outside_world& world) {
  for (auto* sql : {unfinished_tasks, unfinished_runs, tasks_without_result,
                    failures_without_reason, attempts_beyond_limit, wrong_counters, leaking_gates})
    must_be_empty(db, world, sql);
  audit_results(db, world);
  audit_file(db, world);
  audit_invariants(db, world);
}

} // namespace quire::tests

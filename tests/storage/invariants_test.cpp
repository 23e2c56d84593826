// What quire doctor checks is broken on purpose, one invariant at a time, found by its
// name, repaired where that is possible, and found well again.

#include "quire/storage/sqlite/invariants.hpp"

#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace quire;

namespace {

/// How to break an invariant, and what of it is found then.
struct breakage {
  const char* invariant;
  const char* sql;
  const char* example;
};

// In the database of `sick_fixture`.
const std::vector<breakage> breakages{
  {"boot_number", "DELETE FROM quire_meta WHERE key = 'boot'", "row boot of quire_meta"},
  {"boot_number", "UPDATE quire_meta SET value = 'one' WHERE key = 'boot'", "row boot of quire_meta"},
  {"boot_number", "UPDATE quire_meta SET value = 0 WHERE key = 'boot'", "row boot of quire_meta"},
  {"public_key", "DELETE FROM quire_meta WHERE key = 'public_key'", "row public_key of quire_meta"},
  {"public_key", "UPDATE quire_meta SET value = 'x' WHERE key = 'public_key'", "row public_key of quire_meta"},
  {"commit_number", "DELETE FROM quire_commit", "row 1 of quire_commit"},
  {"known_states", "UPDATE quire_task SET state = 7 WHERE id = 2", "task 2"},
  {"known_states", "UPDATE quire_stage SET state = 2 WHERE id = 2", "stage 2"},
  {"known_states", "UPDATE quire_run SET state = 1", "run 1"},
  {"lanes", "UPDATE quire_task SET lane = 99 WHERE id = 2", "task 2"},
  {"lanes", "UPDATE quire_lane SET kind = '' WHERE id = 1", "lane 1"},
  {"waiting_payloads", "DELETE FROM quire_task_body WHERE id = 2", "task 2"},
  {"other_payloads", "DELETE FROM quire_task_body WHERE id = 5", "task 5"},
  {"task_stages", "UPDATE quire_task SET stage_id = 99 WHERE id = 7", "task 7"},
  {"task_numbers", "UPDATE quire_task SET attempt = attempts_max + 1 WHERE id = 5", "task 5"},
  {"task_numbers", "UPDATE quire_task SET crashes = 3 WHERE id = 2", "task 2"},
  {"claim_times", "UPDATE quire_task SET claimed_at = NULL WHERE id = 1", "task 1"},
  {"epochs", "UPDATE quire_task SET epoch = 0 WHERE id = 5", "task 5"},
  {"epochs", "UPDATE quire_task SET epoch = 0 WHERE id = 1", "task 1"},
  {"epochs", "INSERT INTO quire_task_attempt VALUES(1, 1, 1, 0, 0, 'failed', '', 0, 1)", "task 1"},
  {"epochs", "UPDATE quire_task_result SET epoch = 9 WHERE id = 6", "task 6"},
  {"epochs", "INSERT INTO quire_task_step VALUES(1, 'x', 1, 9, 7, 0, '')", "task 1"},
  {"claim_boots", "UPDATE quire_task SET boot = NULL WHERE id = 1", "task 1"},
  {"claim_boots", "UPDATE quire_task SET boot = 77 WHERE id = 1", "task 1"},
  {"claim_boots", "UPDATE quire_meta SET value = 2 WHERE key = 'boot'", "task 1"},
  {"idle_boots", "UPDATE quire_task SET boot = 1 WHERE id = 2", "task 2"},
  {"end_times", "UPDATE quire_task SET finished_at = NULL WHERE id = 5", "task 5"},
  {"end_times", "UPDATE quire_task SET finished_at = 7 WHERE id = 2", "task 2"},
  {"end_times", "UPDATE quire_stage SET finished_at = NULL WHERE id = 1", "stage 1"},
  {"end_times", "UPDATE quire_run SET finished_at = 7", "run 1"},
  {"gate_capacities", "UPDATE quire_gate SET capacity = 0", "gate g"},
  {"queue_limits", "INSERT INTO quire_queue VALUES('q', NULL, 0)", "queue q"},
  {"kind_limits", "INSERT INTO quire_kind(kind, capacity) VALUES('k', 0)", "kind k"},
  {"kind_limits", "INSERT INTO quire_kind(kind) VALUES('k')", "kind k"},
  {"tenant_limits", "INSERT INTO quire_tenant VALUES('t', 0, NULL, 0)", "tenant t"},
  {"tenant_limits", "INSERT INTO quire_tenant VALUES('t', 1, 0, 0)", "tenant t"},
  {"subtask_counts", "UPDATE quire_task SET state = 0 WHERE id = 2", "task 2"},
  {"subtask_counts", "UPDATE quire_task SET subtasks_open = 1 WHERE id = 2", "task 2"},
  {"subtask_counts", "UPDATE quire_task SET parent_id = 5 WHERE id = 2", "task 5"},
  {"stray_subtasks", "UPDATE quire_task SET parent_id = 99 WHERE id = 2", "task 2"},
  {"kind_breakers", "INSERT INTO quire_kind(kind, breaker) VALUES('k', 'gone')", "kind k"},
  {"gate_places", "UPDATE quire_gate SET used = used + 1", "gate g"},
  {"gate_places", "UPDATE quire_gate SET used = -1", "gate g"},
  {"gate_places", "DELETE FROM quire_gate", "gate g"},
  {"free_places", "UPDATE quire_gate SET capacity = 2", "task 2"},
  {"free_places", "UPDATE quire_task SET gate = NULL WHERE id = 2", "task 2"},
  {"task_counts", "UPDATE quire_commit SET failed = failed + 1", "state 12"},
  {"task_counts", "UPDATE quire_task SET state = 13 WHERE id = 5", "state 12"},
  {"task_counts", "UPDATE quire_commit SET partial = -1, skipped = 1", "state 14"},
  {"stray_payloads", "DELETE FROM quire_task WHERE id = 4", "payload 4"},
  {"stray_results", "DELETE FROM quire_task WHERE id = 6", "result 6"},
  {"stray_attempts", "DELETE FROM quire_task WHERE id = 5", "attempt 5/1"},
  {"stray_words", "INSERT INTO quire_task_progress VALUES(99, 1, 50, 'x')", "progress 99"},
  {"stray_words", "INSERT INTO quire_task_log VALUES(99, 1, 1, 7, 'x')", "line 99/1"},
  {"stray_words", "INSERT INTO quire_task_step VALUES(99, 'x', 1, 1, 7, 0, '')", "step 99/x"},
  {"stray_keys", "INSERT INTO quire_task_key VALUES('work', 'k', 99, 0)", "key work/k"},
  {"stray_keys", "INSERT INTO quire_task_key VALUES('work', 'k', 5, 0)", "key work/k"},
  {"outputs", "INSERT INTO quire_task_result VALUES(5, 1, '7', NULL, NULL)", "task 5"},
  {"outputs", "INSERT INTO quire_task_result VALUES(5, 1, NULL, NULL, '5-1')", "task 5"},
  {"edges", "INSERT INTO quire_edge VALUES(98, 99, 0)", "edge 98 to 99"},
  {"stage_runs", "UPDATE quire_stage SET run_id = 99 WHERE id = 4", "stage 4"},
  {"stage_items", "UPDATE quire_task SET item = 5 WHERE id = 9", "stage 2"},
  {"stage_items", "DROP INDEX quire_task_stage; UPDATE quire_task SET item = 0 WHERE id = 9",
   "stage 2"},
  {"stage_counters", "UPDATE quire_stage SET total = 3 WHERE id = 2", "stage 2"},
  {"stage_counters", "UPDATE quire_stage SET completed = 0, failed = 1 WHERE id = 2", "stage 2"},
  {"stage_counters", "UPDATE quire_stage SET skipped = -1 WHERE id = 1", "stage 1"},
  {"stage_counters", "DELETE FROM quire_task_body WHERE id = 9; DELETE FROM quire_task WHERE id = 9",
   "stage 2"},
  {"open_tasks", "UPDATE quire_task SET state = 1, finished_at = NULL WHERE id = 7", "task 7"},
  {"stage_seals", "UPDATE quire_stage SET sealed = 0 WHERE id = 2", "stage 2"},
  {"stage_seals", "UPDATE quire_stage SET sealed = 1 WHERE id = 3", "stage 3"},
  {"stage_seals", "UPDATE quire_stage SET sealed = 1 WHERE id = 4", "stage 4"},
  {"stage_ends", "UPDATE quire_task SET state = 10, finished_at = 7 WHERE id = 9; "
                 "UPDATE quire_stage SET completed = 2 WHERE id = 2", "stage 2"},
  {"cancelled_runs", "UPDATE quire_run SET cancel_req = 1", "run 1"},
  {"dependencies", "UPDATE quire_stage SET deps_left = 1 WHERE id = 4", "stage 4"},
  {"dependencies", "UPDATE quire_stage SET doomed = 1 WHERE id = 4", "stage 4"},
  {"dependencies", "DELETE FROM quire_edge WHERE target = 4", "stage 4"},
  {"dependencies", "UPDATE quire_edge SET source = 1, condition = 2 WHERE source = 2", "stage 4"},
  {"run_ends", "UPDATE quire_run SET state = 10, finished_at = 7", "run 1"},
  {"run_ends", "UPDATE quire_stage SET state = 13, sealed = 1, finished_at = 7 WHERE state < 10",
   "run 1"},
  {"requests", "INSERT INTO quire_request VALUES(1, 'k', 0, 0, 99, 0, 0, NULL)", "request 1"},
  {"requests", "INSERT INTO quire_request VALUES(1, '', 0, 0, 0, 0, 0, NULL)", "request 1"},
  {"foreign_keys", "UPDATE quire_task SET lane = 99 WHERE id = 2", "quire_task 2"},
};

/// Tasks in all states that matter, and a run that is under way.
struct sick_fixture : tests::run_fixture {
  sick_fixture() {
    enqueue(gated("g"));                                     // 1 runs in the only place,
    enqueue(gated("g"));                                     // 2 waits for it.
    auto later = work();
    later.run_at_ms = now + 1000;
    enqueue(later);                                          // 3 is scheduled,
    enqueue(work("other"));                                  // 4 ready,
    enqueue(work("bad"));                                    // 5 failed,
    enqueue(work("good"));                                   // 6 completed with an output.
    claim(1);
    finish(claim(1, {"bad"}).at(0), bad);
    finish(claim(1, {"good"}).at(0), good);
    auto run = start(pipeline({stage_after("done"), stage_after("half", {}), stage_after("fanning"),
                               stage_after("waiting", {{"half"}, {"fanning"}})}));
    fan_out(run, "done", 0, 1, true, work("stage"));         // 7,
    finish(claim(1, {"stage"}).at(0), good);
    fan_out(run, "half", 0, 2, true, work("stage"));         // 8 completed, 9 ready,
    finish(claim(1, {"stage"}).at(0), good);
    fan_out(run, "fanning", 0, 1, false, work("stage"));     // 10 ready.
    db.execute("PRAGMA foreign_keys = OFF");
  }

  storage::violations violations_of(const storage::invariant& rule) {
    return storage::find_violations(view(), rule);
  }

  /// What quire doctor --repair does.
  void repair_all() {
    for (int round = 0; round < 3; ++round)
      for (auto& name : wrong())
        if (auto* rule = storage::find_invariant(name); rule->repair)
          write([&](auto& tx) { rule->repair(tx, now); });
  }

  void repair(const char* name) {
    write([&](auto& tx) { storage::find_invariant(name)->repair(tx, now); });
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(invariants, sick_fixture)

BOOST_AUTO_TEST_CASE(a_database_that_works_violates_none_and_is_left_alone) {
  BOOST_TEST(wrong() == std::set<std::string>{});
  auto before = db.total_changes();
  for (auto& rule : storage::invariants()) {
    if (rule.repair)
      write([&](auto& tx) { rule.repair(tx, now); });
    BOOST_TEST(events.empty(), rule.name);
  }
  BOOST_TEST(db.total_changes() == before);
}

BOOST_AUTO_TEST_CASE(every_invariant_is_described_and_broken_by_a_case) {
  std::set<std::string_view> names;
  for (auto& rule : storage::invariants()) {
    BOOST_TEST(names.insert(rule.name).second, rule.name);
    BOOST_TEST((!rule.meaning.empty() && !rule.remedy.empty()), rule.name);
    auto breaks_it = [&](auto& x) { return x.invariant == rule.name; };
    BOOST_TEST(std::ranges::any_of(breakages, breaks_it), rule.name);
  }
  for (auto& x : breakages)
    BOOST_TEST(names.contains(x.invariant), x.invariant);
}

BOOST_AUTO_TEST_CASE(a_gate_is_made_again_as_its_oldest_task_would_make_it) {
  db.execute("DELETE FROM quire_gate; UPDATE quire_task_body SET gate_capacity = 2 WHERE id = 1");
  repair("gate_places");
  BOOST_TEST(number("SELECT capacity FROM quire_gate") == 2);
  BOOST_TEST(number("SELECT used FROM quire_gate") == 2);
  BOOST_TEST((state(task_id{2}) == task_state::ready));
  BOOST_TEST(was_announced(event::topic::task_ready, 0));
}

BOOST_AUTO_TEST_CASE(a_claim_of_somebody_who_is_dead_is_given_back_and_fenced) {
  db.execute("UPDATE quire_task SET boot = 77, started_at = NULL WHERE id = 1");
  repair("claim_boots");
  BOOST_TEST((state(task_id{1}) == task_state::ready));
  BOOST_TEST(record(task_id{1}).crashes == 1);
  BOOST_TEST(was_announced(event::topic::task_ready, 0));
  task_assignment old;
  old.id = task_id{1};
  old.epoch = 1;
  BOOST_TEST(!finish(old, good).accepted);
}

BOOST_AUTO_TEST_CASE(who_works_on_an_old_incarnation_of_a_stage_is_refused) {
  auto old = storage::stage_incarnation{stage_id{2}};
  db.execute("UPDATE quire_stage SET sealed = 0 WHERE id = 2");
  repair("stage_seals");
  BOOST_TEST(was_announced(event::topic::stage_ready, 2));
  BOOST_TEST(!fan_out(old, 2, 0, true));
  BOOST_TEST(fan_out({stage_id{2}, 1}, 2, 0, true));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_CASE(what_follows_a_repaired_stage_begins) {
  db.execute("UPDATE quire_task SET state = 10, finished_at = 7 WHERE id IN (9, 10);"
             "UPDATE quire_commit SET completed = completed + 2;"
             "UPDATE quire_stage SET completed = 2 WHERE id = 2;"
             "UPDATE quire_stage SET state = 3, sealed = 1, completed = 1 WHERE id = 3");
  repair("stage_ends");
  BOOST_TEST(was_announced(event::topic::stage_ready, 4));
  BOOST_TEST((state_of(run_id{1}, "waiting") == stage_state::fanning));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_SUITE_END()

// What is broken in each of the cases is found in a database of its own.
BOOST_AUTO_TEST_SUITE(invariants)

BOOST_AUTO_TEST_CASE(what_is_broken_is_found_by_its_name_and_well_after_its_repair) {
  for (auto& x : breakages) {
    BOOST_TEST_CONTEXT(x.invariant << ": " << x.sql) {
      sick_fixture patient;
      patient.db.execute(x.sql);
      auto& rule = *storage::find_invariant(x.invariant);
      auto found = patient.violations_of(rule);
      BOOST_TEST(found.count >= 1);
      BOOST_TEST(std::ranges::count(found.examples, x.example) == 1);
      if (!rule.repair)
        continue;
      auto payloads = patient.number("SELECT count(*) FROM quire_task_body");
      auto outputs = patient.number("SELECT count(output) FROM quire_task_result");
      patient.repair(x.invariant);
      BOOST_TEST(patient.violations_of(rule).count == 0);
      patient.repair_all();
      for (auto& name : patient.wrong())
        BOOST_TEST(!storage::find_invariant(name)->repair, name);
      BOOST_TEST(patient.number("SELECT count(*) FROM quire_task_body") == payloads);
      BOOST_TEST(patient.number("SELECT count(output) FROM quire_task_result") == outputs);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

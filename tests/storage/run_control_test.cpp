#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using topic = event::topic;
using condition = edge_condition;

// What happens to runs from outside: cancel, retry, boots, retention.
BOOST_FIXTURE_TEST_SUITE(run_control, tests::run_fixture)

BOOST_AUTO_TEST_CASE(a_cancelled_run_ends_with_its_last_running_task) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a", condition::any}})}));
  fan_out(id, "a", 3);
  auto task = claim_one();
  BOOST_TEST((cancel_run(id) == run_state::running));
  BOOST_TEST(was_announced(topic::task_cancel, task.id.value));
  BOOST_TEST(run(id).cancel_requested);
  BOOST_TEST(claim(5).empty());
  BOOST_TEST((state_of(id, "b") == stage_state::cancelled));
  finish(task, task_outcome::released("cancelled"));
  BOOST_TEST((state_of(id, "a") == stage_state::cancelled));
  BOOST_TEST((run(id).state == run_state::cancelled));
  BOOST_TEST(was_announced(topic::run_finished, id.value));
  BOOST_TEST(record(task_of(id, "a", 2)).error == "not needed");
}

BOOST_AUTO_TEST_CASE(a_run_of_which_nothing_runs_is_cancelled_at_once) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a"}}), stage_after("c")}));
  fan_out(id, "a", 0, 3, true, gated("g"));
  BOOST_TEST((cancel_run(id) == run_state::cancelled));
  for (auto& stage : run(id).stages)
    BOOST_TEST((stage.state == stage_state::cancelled));
  BOOST_TEST(announced(topic::run_finished).size() == 1u);
  BOOST_TEST(announced(topic::stage_ready).empty());
  BOOST_TEST(number("SELECT used FROM quire_gate") == 0);
  BOOST_TEST(fanning().empty());
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { cancel_run(id); }));
  BOOST_TEST(tests::fails_with(errc::not_found, [&] { cancel_run(run_id{99}); }));
}

// It would look complete otherwise: all the tasks it has succeeded.
BOOST_AUTO_TEST_CASE(a_stage_cancelled_before_all_its_tasks_existed_is_not_completed) {
  auto id = start(pipeline({stage_after("a")}));
  fan_out(id, "a", 0, 2, false);
  end_tasks({good, good});
  cancel_run(id);
  BOOST_TEST((state_of(id, "a") == stage_state::cancelled));
  fan_out(id, "a", 2, 2, true);
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 2);
}

BOOST_AUTO_TEST_CASE(a_run_that_succeeds_in_spite_of_its_cancelling_is_completed) {
  auto id = start(pipeline({stage_after("a")}));
  fan_out(id, "a", 1);
  auto task = claim_one();
  cancel_run(id);
  finish(task, good);
  BOOST_TEST((run(id).state == run_state::completed));
}

BOOST_AUTO_TEST_CASE(a_retried_task_opens_its_stage_and_run_again) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a"}}), stage_after("c", {{"b"}})}));
  fan_out(id, "a", 2);
  end_tasks({good, bad});
  BOOST_TEST((state_of(id, "a") == stage_state::partial_success));
  BOOST_TEST((state_of(id, "c") == stage_state::skipped));
  BOOST_TEST((run(id).state == run_state::partial_success));
  BOOST_TEST((retry(task_of(id, "a", 1)) == task_state::ready));
  auto open = run(id);
  BOOST_TEST((open.state == run_state::running));
  BOOST_TEST(!open.finished_at_ms);
  BOOST_TEST((open.stages[0].state == stage_state::running));
  BOOST_TEST(open.stages[0].failed == 0);
  BOOST_TEST(!open.stages[0].finished_at_ms);
  BOOST_TEST((open.stages[1].state == stage_state::waiting));
  BOOST_TEST((open.stages[2].state == stage_state::waiting));
  end_tasks({good});
  BOOST_TEST((state_of(id, "a") == stage_state::completed));
  end_stage(id, "b", good);
  end_stage(id, "c", good);
  BOOST_TEST((run(id).state == run_state::completed));
}

BOOST_AUTO_TEST_CASE(what_came_after_a_retried_task_starts_over_from_nothing) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a", condition::any}}),
                            stage_after("c", {{"b", condition::any}})}));
  end_stage(id, "a", bad);
  fan_out(id, "b", 0, 2, true, gated("g"));
  end_tasks({good});
  auto running = claim_one();
  retry(task_of(id, "a"));
  BOOST_TEST(was_announced(topic::task_cancel, running.id.value));
  auto b = stage(id, "b");
  BOOST_TEST((b.state == stage_state::waiting));
  BOOST_TEST(b.total == 0);
  BOOST_TEST(b.completed == 0);
  BOOST_TEST(!b.sealed);
  BOOST_TEST(!b.started_at_ms);
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 1);
  BOOST_TEST(number("SELECT count(*) FROM quire_task_result") == 0);
  BOOST_TEST(number("SELECT used FROM quire_gate") == 0);
  BOOST_TEST(!finish(running, good).accepted);
  end_tasks({good});
  end_stage(id, "b", good);
  end_stage(id, "c", good);
  BOOST_TEST((run(id).state == run_state::completed));
}

// A service goes on with a list that it made from outputs which are gone. Its next
// portion would fit in, and its last one would seal a list with a hole.
BOOST_AUTO_TEST_CASE(a_fan_out_does_not_go_on_in_a_stage_that_started_over) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a", condition::not_failed}})}));
  fan_out(id, "a", 2);
  end_tasks({good, bad});
  auto old = fanning().at(0).stage;
  BOOST_TEST(fan_out(old, 0, 2, false));
  retry(task_of(id, "a", 1));
  BOOST_TEST(!fan_out(old, 2, 2, false));
  BOOST_TEST(!fail_stage(old, "no list"));
  BOOST_TEST((state_of(id, "b") == stage_state::waiting));
  end_tasks({good});
  auto found = fanning().at(0);
  BOOST_TEST(found.created == 0);
  BOOST_TEST(found.stage.generation > old.generation);
  BOOST_TEST(!fan_out(old, 0, 2, false));
  BOOST_TEST(!fan_out(old, 2, 2, true));
  BOOST_TEST(!fail_stage(old, "no list"));
  BOOST_TEST(fan_out(found.stage, 0, 2, false));
  BOOST_TEST(!fan_out(old, 2, 1, true));
  BOOST_TEST(stage(id, "b").total == 2);
  // After a crash the next service goes on where it stopped.
  reboot();
  found = fanning().at(0);
  BOOST_TEST(found.created == 2);
  BOOST_TEST(fan_out(found.stage, 2, 1, true));
  end_tasks({good, good, good});
  BOOST_TEST((run(id).state == run_state::completed));
}

BOOST_AUTO_TEST_CASE(a_fan_out_does_not_go_on_in_a_stage_that_was_cancelled_and_opened_again) {
  auto id = start(pipeline({stage_after("a")}));
  auto old = fanning().at(0).stage;
  fan_out(old, 0, 2, false);
  cancel_run(id);
  BOOST_TEST(!fan_out(old, 2, 1, true));
  retry(task_of(id, "a", 1));
  BOOST_TEST(!fan_out(old, 2, 1, true));
  auto found = fanning().at(0);
  BOOST_TEST(found.created == 2);
  BOOST_TEST(fan_out(found.stage, 2, 1, true));
  BOOST_TEST(stage(id, "a").total == 3);
}

BOOST_AUTO_TEST_CASE(a_retry_in_a_stage_that_still_fans_out_does_not_disturb_it) {
  auto id = start(pipeline({stage_after("a")}));
  auto target = fanning().at(0).stage;
  fan_out(target, 0, 1, false);
  end_tasks({bad});
  retry(task_of(id, "a"));
  BOOST_TEST(fan_out(target, 1, 1, true));
  end_tasks({good, good});
  BOOST_TEST((run(id).state == run_state::completed));
}

// "c" waits for both; a retry of "a" must not make it forget that "b" failed.
BOOST_AUTO_TEST_CASE(a_retry_does_not_forget_conditions_that_others_left_unmet) {
  auto id = start(pipeline({stage_after("a"), stage_after("b"), stage_after("c", {{"a"}, {"b"}})}));
  end_stage(id, "a", bad);
  end_stage(id, "b", bad);
  BOOST_TEST((run(id).state == run_state::failed));
  retry(task_of(id, "a"));
  end_tasks({good});
  BOOST_TEST((state_of(id, "c") == stage_state::skipped));
  BOOST_TEST((run(id).state == run_state::failed));
  retry(task_of(id, "b"));
  end_tasks({good});
  end_stage(id, "c", good);
  BOOST_TEST((run(id).state == run_state::completed));
}

BOOST_AUTO_TEST_CASE(a_retry_in_a_stage_that_still_runs_moves_its_counter_only) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a"}})}));
  fan_out(id, "a", 2);
  end_tasks({bad});
  retry(task_of(id, "a", 0));
  BOOST_TEST(stage(id, "a").failed == 0);
  BOOST_TEST((state_of(id, "a") == stage_state::running));
  end_tasks({good, good});
  BOOST_TEST((state_of(id, "b") == stage_state::fanning));
}

BOOST_AUTO_TEST_CASE(a_retry_in_a_cancelled_run_creates_the_tasks_that_were_missing) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a"}})}));
  fan_out(id, "a", 0, 1, false);
  cancel_run(id);
  retry(task_of(id, "a"));
  BOOST_TEST((state_of(id, "a") == stage_state::fanning));
  BOOST_TEST(was_announced(topic::stage_ready, stage(id, "a").id.value));
  BOOST_TEST(!run(id).cancel_requested);
  fan_out(id, "a", 1, 1, true);
  end_tasks({good, good});
  BOOST_TEST((state_of(id, "b") == stage_state::fanning));
}

BOOST_AUTO_TEST_CASE(nothing_starts_again_while_its_run_is_being_cancelled) {
  auto id = start(pipeline({stage_after("a")}));
  fan_out(id, "a", 2);
  auto task = claim_one();
  cancel_run(id);
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { retry(task_of(id, "a", 1)); }));
  finish(task, task_outcome::released("cancelled"));
  BOOST_TEST((retry(task_of(id, "a", 1)) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(a_boot_joins_the_open_runs_and_counts_what_it_recovers) {
  auto ended = start(pipeline({stage_after("a")}));
  end_stage(ended, "a", good);
  auto open = start(pipeline({stage_after("a"), stage_after("b")}));
  fan_out(open, "a", 2);
  fan_out(open, "b", 1);
  auto spec = work();
  spec.crashes_max = 1;
  auto poisoned = start(pipeline({stage_after("a")}));
  fan_out(poisoned, "a", 0, 1, true, spec);
  claim(10);
  BOOST_TEST(boot == 1);
  BOOST_TEST(run(open).recovered == 0);
  reboot();
  BOOST_TEST(boot == 2);
  BOOST_TEST(run(open).recovered == 3);
  BOOST_TEST(run(open).boots == 2);
  BOOST_TEST(run(ended).boots == 1);
  BOOST_TEST(run(poisoned).recovered == 0);
  BOOST_TEST((run(poisoned).state == run_state::failed));
  BOOST_TEST(record(task_of(poisoned, "a")).crashes == 1);
  claim(1);
  reboot();
  BOOST_TEST(run(open).recovered == 4);
  BOOST_TEST(run(open).boots == 3);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_being_deleted_does_not_start_again) {
  auto old = start(pipeline({stage_after("a")}));
  fan_out(old, "a", 0, 3, true);
  end_tasks({good, good, task_outcome::failure("x", error_class::permanent)});
  now += 100;
  auto failed = task_id{number("SELECT max(id) FROM quire_task")};
  write([&](auto& tx) { return storage::prune_runs(tx, now, 1); });
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { retry(failed); }));
  write([&](auto& tx) { return storage::prune_runs(tx, now, 500); });
  BOOST_TEST(number("SELECT count(*) FROM quire_run") == 0);
}

BOOST_AUTO_TEST_CASE(ended_runs_are_deleted_whole_in_portions) {
  auto old = start(pipeline({stage_after("a"), stage_after("b", {{"a"}})}));
  fan_out(old, "a", 0, 3, true, gated("g", 5));
  end_tasks({good, good, good});
  end_stage(old, "b", good);
  now += 100;
  auto young = start(pipeline({stage_after("a")}));
  end_stage(young, "a", good);
  auto open = start(pipeline({stage_after("a")}));
  auto single = enqueue(work());
  finish(claim_one(), good);
  auto prune = [&](std::int64_t before, int tasks) {
    return write([&](auto& tx) { return storage::prune_runs(tx, before, tasks); });
  };
  BOOST_TEST(prune(now, 3) == 3);
  BOOST_TEST((run(old).state == run_state::completed));
  BOOST_TEST(prune(now, 3) == 2); // The last task, and the run.
  BOOST_TEST(prune(now, 3) == 0);
  auto snapshot = view();
  BOOST_TEST(!storage::find_run(snapshot, old));
  BOOST_TEST(number("SELECT count(*) FROM quire_stage") == 2);
  BOOST_TEST(number("SELECT count(*) FROM quire_edge") == 0);
  BOOST_TEST(number("SELECT count(*) FROM quire_gate") == 0);
  BOOST_TEST(number("SELECT count(*) FROM quire_task_body") == 2);
  BOOST_TEST((state(single) == task_state::completed));
  BOOST_TEST(prune(now + 1, 500) == 2);
  BOOST_TEST((run(open).state == run_state::running));
  // Tasks of runs are no business of prune_tasks.
  fan_out(open, "a", 0, 1, false);
  end_tasks({good});
  BOOST_TEST(write([&](auto& tx) { return storage::prune_tasks(tx, now + 1); }) == 1);
  BOOST_TEST(stage(open, "a").total == number("SELECT count(*) FROM quire_task"));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;
using topic = event::topic;

// What happens to tasks from outside: cancel, retry, crashes, boots, retention.
BOOST_FIXTURE_TEST_SUITE(task_control, tests::store_fixture)

BOOST_AUTO_TEST_CASE(a_waiting_task_is_cancelled_at_once) {
  auto later = work();
  later.run_at_ms = now + 100;
  for (auto& spec : {work(), later}) {
    auto id = enqueue(spec);
    BOOST_TEST((cancel(id) == task_state::cancelled));
    BOOST_TEST(was_announced(topic::task_finished, id.value));
    BOOST_TEST(record(id).error == "not needed");
    BOOST_TEST((record(id).error_kind == error_class::cancelled));
    BOOST_TEST(record(id).finished_at_ms.value() == now);
  }
  BOOST_TEST(claim(5).empty());
}

BOOST_AUTO_TEST_CASE(a_running_task_gets_a_request_that_ends_everything_but_a_success) {
  auto outcomes = {std::pair{task_outcome::failure("x"), task_state::cancelled},
                   std::pair{task_outcome::failure("x", error_class::permanent), task_state::cancelled},
                   std::pair{task_outcome::released("x"), task_state::cancelled},
                   std::pair{task_outcome::partial("[]", "x"), task_state::partial_success},
                   std::pair{task_outcome::success(), task_state::completed}};
  for (auto& [outcome, expected] : outcomes) {
    auto id = enqueue(work());
    auto task = claim_one();
    BOOST_TEST((cancel(id) == task_state::running));
    BOOST_TEST(was_announced(topic::task_cancel, id.value));
    BOOST_TEST(record(id).cancel_requested);
    auto snapshot = view();
    BOOST_TEST((storage::cancel_requests(snapshot) == std::vector{storage::task_claim{id, task.epoch}}));
    BOOST_TEST((finish(task, outcome, now + 10).state == expected));
    BOOST_TEST(was_announced(topic::task_finished, id.value));
    BOOST_TEST(storage::cancel_requests(snapshot).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_gives_its_place_away) {
  auto first = enqueue(gated("g"));
  auto second = enqueue(gated("g"));
  auto third = enqueue(gated("g"));
  cancel(second);
  BOOST_TEST(number("SELECT used FROM quire_gate") == 1);
  cancel(first);
  BOOST_TEST((state(third) == task_state::ready));
  BOOST_TEST(number("SELECT used FROM quire_gate") == 1);
}

BOOST_AUTO_TEST_CASE(what_has_ended_or_is_missing_cannot_be_cancelled) {
  auto id = enqueue(work());
  finish(claim_one(), task_outcome::success());
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { cancel(id); }));
  BOOST_TEST(tests::fails_with(errc::not_found, [&] { cancel(task_id{99}); }));
}

BOOST_AUTO_TEST_CASE(a_failed_task_can_start_again_with_all_its_attempts) {
  auto id = enqueue(work());
  auto outcome = task_outcome::failure("x", error_class::permanent);
  outcome.detail = "{}";
  finish(claim_one(), outcome);
  BOOST_TEST((retry(id) == task_state::ready));
  BOOST_TEST(was_announced(topic::task_ready, 0));
  auto task = record(id);
  BOOST_TEST(task.attempt == 0);
  BOOST_TEST(!task.finished_at_ms);
  BOOST_TEST((task.error_kind == error_class::none));
  BOOST_TEST(details(id).detail.empty());
  auto again = claim_one();
  BOOST_TEST(again.attempt == 1);
  BOOST_TEST(again.epoch == 2); // Epochs never come back.
  finish(again, task_outcome::success());
  BOOST_TEST(details(id).attempts.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_that_starts_again_forgets_the_request) {
  auto id = enqueue(work());
  cancel(id);
  retry(id);
  BOOST_TEST(!record(id).cancel_requested);
  BOOST_TEST(record(id).error.empty());
  BOOST_TEST((finish(claim_one(), task_outcome::failure("x"), now + 5).state
              == task_state::retryable));
}

BOOST_AUTO_TEST_CASE(a_task_that_starts_again_waits_at_its_gate) {
  auto id = enqueue(gated("g"));
  cancel(id);
  enqueue(gated("g"));
  BOOST_TEST((retry(id) == task_state::blocked));
  finish(claim_one(), task_outcome::success());
  BOOST_TEST((state(id) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(only_what_ended_without_success_can_start_again) {
  auto id = enqueue(work());
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { retry(id); }));
  finish(claim_one(), task_outcome::success());
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { retry(id); }));
  BOOST_TEST(tests::fails_with(errc::not_found, [&] { retry(task_id{99}); }));
}

// It would be ready, and every claim of its kind would stumble over it.
BOOST_AUTO_TEST_CASE(what_has_lost_its_payload_cannot_start_again) {
  auto id = enqueue(work());
  cancel(id);
  db.execute("DELETE FROM quire_task_body WHERE id = " + std::to_string(id.value));
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { retry(id); }));
  BOOST_TEST((state(id) == task_state::cancelled));
}

BOOST_AUTO_TEST_CASE(a_crash_costs_no_attempt_until_the_task_counts_as_poison) {
  auto spec = gated("g");
  spec.crashes_max = 2;
  spec.retry.attempts_max = 1;
  auto id = enqueue(spec);
  auto waits = enqueue(gated("g"));
  auto crash = [&](const task_assignment& task) {
    return write([&](auto& tx) {
      return storage::crash_attempt(tx, task.id, task.epoch, "the actor died", now);
    });
  };
  auto first = claim_one();
  BOOST_TEST((crash(first).state == task_state::ready));
  BOOST_TEST(was_announced(topic::task_ready, 0));
  BOOST_TEST(record(id).attempt == 0);
  BOOST_TEST(record(id).crashes == 1);
  BOOST_TEST((state(waits) == task_state::blocked)); // The place is kept.
  BOOST_TEST(!crash(first).accepted);
  BOOST_TEST((crash(claim_one()).state == task_state::failed));
  auto all = details(id);
  BOOST_TEST((all.task.error_kind == error_class::poison));
  BOOST_TEST(tests::contains(all.task.error, "its process died 2 times while it ran"));
  BOOST_TEST(all.attempts.at(1).outcome == "crashed");
  BOOST_TEST((state(waits) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(without_a_limit_of_crashes_nothing_is_poison) {
  auto spec = work();
  spec.crashes_max = 0;
  enqueue(spec);
  for (int i = 0; i < 10; ++i) {
    BOOST_REQUIRE(claim(1).size() == 1u);
    auto report = reboot();
    BOOST_TEST(report.recovered == 1);
    BOOST_TEST(report.poisoned == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_boot_gives_up_the_claims_of_dead_ones) {
  auto requeued = enqueue(gated("g"));
  auto waits = enqueue(gated("g"));
  auto cancelled = enqueue(work());
  auto spec = work();
  spec.crashes_max = 1;
  auto poison = enqueue(spec);
  BOOST_REQUIRE(claim(5).size() == 3u);
  cancel(cancelled);
  now += 5;
  auto report = reboot();
  BOOST_TEST(report.boot == 2);
  BOOST_TEST(report.recovered == 1);
  BOOST_TEST(report.poisoned == 1);
  BOOST_TEST((state(requeued) == task_state::ready));
  BOOST_TEST((state(waits) == task_state::blocked));
  BOOST_TEST((state(cancelled) == task_state::cancelled));
  BOOST_TEST((state(poison) == task_state::failed));
  BOOST_TEST(was_announced(topic::task_finished, cancelled.value));
  BOOST_TEST(record(requeued).crashes == 1);
  BOOST_TEST(record(requeued).attempt == 0);
  BOOST_TEST(record(requeued).error.empty());
  BOOST_TEST(tests::contains(record(poison).error, "its process died 1 times while it ran"));
  auto attempts = details(requeued).attempts;
  BOOST_REQUIRE(attempts.size() == 1u);
  BOOST_TEST(attempts[0].outcome == "crashed");
  BOOST_TEST(attempts[0].ended_at_ms == now);
  BOOST_TEST(reboot().boot == 3);
}

BOOST_AUTO_TEST_CASE(a_boot_leaves_what_nobody_was_running_alone) {
  auto id = enqueue(work());
  auto report = reboot();
  BOOST_TEST(report.recovered == 0);
  BOOST_TEST(record(id).crashes == 0);
  BOOST_TEST(details(id).attempts.empty());
}

BOOST_AUTO_TEST_CASE(a_boot_requeues_thousands_at_once) {
  write([&](auto& tx) {
    for (int i = 0; i < 3000; ++i)
      storage::enqueue_task(tx, work(), now);
  });
  BOOST_REQUIRE(claim(3000).size() == 3000u);
  BOOST_TEST(reboot().recovered == 3000);
  BOOST_TEST(claim(3001).size() == 3000u);
}

BOOST_AUTO_TEST_CASE(a_stuck_task_is_repeated_or_failed_as_lost) {
  auto stuck = [&](std::int64_t before, int limit = 500) {
    return write([&](auto& tx) { return storage::fail_stuck_tasks(tx, before, now, now, limit); });
  };
  auto spec = work();
  spec.timeout = 0ms;
  auto endless = spec;
  spec.retry.attempts_max = 1;
  auto last = enqueue(spec);
  auto repeated = enqueue(endless);
  claim(2);
  now += 100;
  auto young = enqueue(endless);
  claim(1);
  BOOST_TEST((stuck(now, 1) == std::vector{last}));
  BOOST_TEST((stuck(now) == std::vector{repeated}));
  BOOST_TEST((state(last) == task_state::failed));
  BOOST_TEST((record(last).error_kind == error_class::lost));
  BOOST_TEST((state(repeated) == task_state::retryable));
  BOOST_TEST((state(young) == task_state::running));
  BOOST_TEST(was_announced(topic::task_cancel, repeated.value)); // In case its worker lives.
}

BOOST_AUTO_TEST_CASE(a_task_that_may_run_longer_is_not_stuck) {
  auto spec = work();
  spec.timeout = 3h;
  auto slow = enqueue(spec);
  claim(1);
  auto give_up = [&](std::chrono::milliseconds later) {
    return write([&](auto& tx) {
      auto then = now + later.count();
      return storage::fail_stuck_tasks(tx, then - 1000, then, then, 500);
    });
  };
  BOOST_TEST(give_up(3h + 10min).empty());
  BOOST_TEST((give_up(3h + 10min + 1ms) == std::vector{slow}));
}

BOOST_AUTO_TEST_CASE(ended_tasks_are_deleted_with_all_that_hangs_on_them) {
  auto old = enqueue(gated("g"));
  finish(claim_one(), task_outcome::partial("[1]", "most of it"));
  now += 100;
  auto young = enqueue(work());
  finish(claim_one(), task_outcome::partial("", "some of it"));
  auto open = enqueue(work());
  auto prune = [&](std::int64_t before, int limit = 500) {
    return write([&](auto& tx) { return storage::prune_tasks(tx, before, limit); });
  };
  BOOST_TEST(prune(now) == 1);
  auto snapshot = view();
  BOOST_TEST(!storage::find_task(snapshot, old));
  BOOST_TEST(number("SELECT count(*) FROM quire_task_body") == 2);
  BOOST_TEST(number("SELECT count(*) FROM quire_task_result") == 0);
  BOOST_TEST(number("SELECT count(*) FROM quire_task_attempt") == 1);
  BOOST_TEST(number("SELECT count(*) FROM quire_gate") == 0);
  BOOST_TEST((state(young) == task_state::partial_success));
  BOOST_TEST(prune(now + 1) == 1);
  BOOST_TEST(prune(now + 1) == 0);
  BOOST_TEST((state(open) == task_state::ready));
}

// Otherwise a task whose gate was tidied away meanwhile would have none.
BOOST_AUTO_TEST_CASE(a_gate_that_was_deleted_comes_back_with_its_capacity) {
  auto spec = gated("g", 2);
  spec.run_at_ms = now + 10;
  enqueue(spec);
  enqueue(spec);
  enqueue(spec);
  finish((enqueue(gated("g", 2)), claim_one()), task_outcome::success());
  write([&](auto& tx) { return storage::prune_tasks(tx, now + 1); });
  BOOST_REQUIRE(number("SELECT count(*) FROM quire_gate") == 0);
  now += 10;
  write([&](auto& tx) { return storage::promote_due_tasks(tx, now); });
  BOOST_TEST(claim(5).size() == 2u);
}

BOOST_AUTO_TEST_CASE(pruning_stops_at_its_limit) {
  for (int i = 0; i < 3; ++i) {
    enqueue(work());
    finish(claim_one(), task_outcome::success());
  }
  auto prune = [&] { return write([&](auto& tx) { return storage::prune_tasks(tx, now + 1, 2); }); };
  BOOST_TEST(prune() == 2);
  BOOST_TEST(prune() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

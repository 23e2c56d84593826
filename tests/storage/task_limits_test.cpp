#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;
using topic = event::topic;

namespace {

struct limits_fixture : tests::store_fixture {
  static task_spec limited(std::chrono::milliseconds start_within,
                           std::chrono::milliseconds end_within = 0ms) {
    auto spec = work();
    spec.start_within = start_within;
    spec.end_within = end_within;
    return spec;
  }

  std::optional<std::int64_t> expire(int limit = 500) {
    return write([&](auto& tx) { return storage::expire_tasks(tx, now, limit); });
  }
};

} // namespace

/// How long tasks may take, and what gives them back.
BOOST_FIXTURE_TEST_SUITE(task_limits, limits_fixture)

BOOST_AUTO_TEST_CASE(a_task_that_was_not_started_in_time_fails) {
  auto id = enqueue(limited(100ms));
  BOOST_TEST(was_announced(topic::task_ready, now + 100));
  BOOST_TEST(record(id).expires_at_ms.value() == now + 100);
  now += 99;
  BOOST_TEST(expire().value() == now + 1);
  now += 1;
  BOOST_TEST(claim(1).empty()); // Also if nobody has looked yet.
  BOOST_TEST(!expire());
  auto task = record(id);
  BOOST_TEST((task.state == task_state::failed));
  BOOST_TEST((task.error_kind == error_class::timeout));
  BOOST_TEST(task.error == "it had not started when its time was up");
  BOOST_TEST(task.attempt == 0);
  BOOST_TEST(!task.expires_at_ms);
}

BOOST_AUTO_TEST_CASE(once_it_has_started_it_may_wait_again) {
  auto id = enqueue(limited(100ms));
  auto task = claim_one();
  BOOST_TEST(!task.is_last_call);
  now += 200;
  finish(task, task_outcome::released("a shutdown"));
  BOOST_TEST(!expire());
  BOOST_TEST((state(id) == task_state::ready));
}

// Or it would lose its time to start while it waits for that worker.
BOOST_AUTO_TEST_CASE(a_task_that_must_start_in_time_is_claimed_for_a_free_worker_only) {
  auto id = enqueue(limited(100ms));
  std::vector<std::string> kinds{"work"};
  auto claim_with = [&](std::size_t count) {
    return write([&](auto& tx) {
             return storage::claim_tasks(tx, kinds, count, {5, 1s, {1us}, 5}, boot, now);
           })
      .tasks.size();
  };
  BOOST_TEST(claim_with(0) == 0u);
  BOOST_TEST(claim_with(1) == 1u);
  BOOST_TEST((state(id) == task_state::running));
}

BOOST_AUTO_TEST_CASE(its_time_begins_when_it_may_start) {
  auto later = limited(100ms);
  later.run_at_ms = now + 1000;
  auto id = enqueue(later);
  BOOST_TEST(record(id).expires_at_ms.value() == now + 1100);
}

BOOST_AUTO_TEST_CASE(an_attempt_has_no_more_time_than_the_whole_task) {
  auto spec = limited(0ms, 5000ms);
  spec.timeout = 10s;
  enqueue(spec);
  now += 2000;
  auto task = claim_one();
  BOOST_TEST((task.timeout == 3000ms));
  BOOST_TEST(task.is_last_call);
  spec.timeout = 1s;
  enqueue(spec);
  auto quicker = claim_one();
  BOOST_TEST((quicker.timeout == 1s));
  BOOST_TEST(!quicker.is_last_call);
  spec.timeout = 0ms;
  enqueue(spec);
  BOOST_TEST((claim_one().timeout == 5000ms));
}

BOOST_AUTO_TEST_CASE(no_attempt_is_waited_for_that_would_come_too_late) {
  auto id = enqueue(limited(0ms, 5000ms));
  finish(claim_one(), task_outcome::failure("no luck"), now + 4999);
  BOOST_TEST((state(id) == task_state::retryable));
  auto other = enqueue(limited(0ms, 5000ms));
  finish(claim_one(), task_outcome::failure("no luck"), now + 5000);
  BOOST_TEST((state(other) == task_state::failed));
  BOOST_TEST(record(other).error == "no luck; its time is up before another attempt could begin");
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_again_says_when_its_time_is_up) {
  for (auto& outcome : {task_outcome::snoozed(1h), task_outcome::released("a shutdown")}) {
    auto end = now + 5000;
    enqueue(limited(0ms, 5000ms));
    finish(claim_one(), outcome, now + 3'600'000);
    BOOST_TEST(was_announced(topic::task_ready, end));
    now += 10'000;
    expire();
  }
}

BOOST_AUTO_TEST_CASE(what_waits_when_its_whole_time_is_up_fails_wherever_it_waits) {
  auto spec = limited(0ms, 1000ms);
  auto ready = enqueue(spec);
  spec.gate = "g";
  auto runs = enqueue(spec);
  auto blocked = enqueue(spec);
  spec.gate = "";
  auto retryable = enqueue(spec);
  for (auto& task : claim(3))
    if (task.id == retryable)
      finish(task, task_outcome::failure("no luck"), now + 900);
    else if (task.id == ready)
      finish(task, task_outcome::released("a shutdown"));
  BOOST_TEST((state(blocked) == task_state::blocked));
  now += 1000;
  expire();
  for (auto id : {ready, blocked, retryable}) {
    BOOST_TEST((state(id) == task_state::failed));
    BOOST_TEST(record(id).error == "it had not ended when its time was up");
  }
  BOOST_TEST((state(runs) == task_state::running)); // Its attempt has a limit of its own.
}

BOOST_AUTO_TEST_CASE(many_end_in_portions) {
  for (int i = 0; i < 5; ++i)
    enqueue(limited(100ms));
  now += 200;
  BOOST_TEST(expire(3).value() == now - 100);
  BOOST_TEST(!expire(3));
}

BOOST_AUTO_TEST_CASE(a_task_that_is_started_again_has_all_its_time_again) {
  auto id = enqueue(limited(100ms, 500ms));
  now += 200;
  expire();
  now += 1000;
  BOOST_TEST((retry(id) == task_state::ready));
  BOOST_TEST(was_announced(topic::task_ready, now + 100));
  BOOST_TEST(record(id).expires_at_ms.value() == now + 100);
  BOOST_TEST((claim_one().timeout == 500ms));
}

BOOST_AUTO_TEST_CASE(a_snoozed_task_is_tried_again_and_loses_no_attempt) {
  auto id = enqueue(gated("g"));
  auto next = enqueue(gated("g"));
  auto task = claim_one();
  BOOST_TEST((finish(task, task_outcome::snoozed(5s, "not yet"), now + 5000).state
              == task_state::scheduled));
  BOOST_TEST(was_announced(topic::task_ready, now + 5000));
  BOOST_TEST((state(next) == task_state::ready)); // It has given its place away.
  auto snoozed = record(id);
  BOOST_TEST(snoozed.attempt == 0);
  BOOST_TEST(snoozed.snoozes == 1);
  BOOST_TEST(snoozed.error.empty());
  auto attempts = details(id).attempts;
  BOOST_REQUIRE(attempts.size() == 1u);
  BOOST_TEST(attempts.front().outcome == "snoozed");
  BOOST_TEST(attempts.front().error == "not yet");
  finish(claim_one(), task_outcome::success());
  now += 5000;
  write([&](auto& tx) { storage::promote_due_tasks(tx, now); });
  auto again = claim_one();
  BOOST_TEST((again.id == id));
  BOOST_TEST(again.attempt == 1);
  BOOST_TEST(again.epoch == 2);
  finish(again, task_outcome::snoozed(5s), now);
  write([&](auto& tx) { storage::promote_due_tasks(tx, now); });
  again = claim_one();
  BOOST_TEST(details(id).attempts.size() == 1u); // It may snooze for ever.
  BOOST_TEST(record(id).snoozes == 2);
  cancel(id);
  BOOST_TEST((finish(again, task_outcome::snoozed(5s), now + 5000).state == task_state::cancelled));
}

// What a handler writes is there with its success, or not at all.
BOOST_AUTO_TEST_CASE(what_a_success_writes_is_written_once_and_only_under_its_claim) {
  db.execute("CREATE TABLE paid(task)");
  auto paying = [](task_outcome outcome, task_id task) {
    outcome.effects = [task](storage::transaction& tx) {
      tx.execute("INSERT INTO paid VALUES(?1)", task.value);
      storage::enqueue_task(tx, work("receipt"), 5);
    };
    return outcome;
  };
  auto paid = [&] { return number("SELECT count(*) FROM paid"); };
  enqueue(work());
  auto stale = claim_one();
  reboot();
  auto task = claim_one();
  BOOST_TEST(!finish(stale, paying(task_outcome::success(), stale.id)).accepted);
  BOOST_TEST(paid() == 0);
  BOOST_TEST(finish(task, paying(task_outcome::success(), task.id)).accepted);
  BOOST_TEST(!finish(task, paying(task_outcome::success(), task.id)).accepted);
  BOOST_TEST(paid() == 1);
  BOOST_TEST(claim(9, {"receipt"}).size() == 1u);
  enqueue(work());
  auto first_claim = claim_one(); // The case that is ended in one statement.
  finish(first_claim, paying(task_outcome::success(), first_claim.id));
  BOOST_TEST(paid() == 2);
  enqueue(work());
  auto failing = claim_one();
  finish(failing, paying(task_outcome::failure("no"), failing.id), now + 5);
  BOOST_TEST(paid() == 2);
}

// Nothing that an effect throws looks as if trying it again would help.
BOOST_AUTO_TEST_CASE(an_effect_that_fails_undoes_the_success) {
  auto id = enqueue(work());
  auto task = claim_one();
  auto outcome = task_outcome::success();
  outcome.effects = [](storage::transaction& tx) { tx.execute("INSERT INTO missing VALUES(1)"); };
  BOOST_TEST(tests::fails_with(errc::sql, [&] { finish(task, outcome); }));
  outcome.effects = [](storage::transaction& tx) { storage::cancel_task(tx, task_id{99}, "", 1); };
  BOOST_TEST(tests::fails_with(errc::function_failed, [&] { finish(task, outcome); }));
  BOOST_TEST((state(id) == task_state::running));
}

BOOST_AUTO_TEST_CASE(limits_outside_of_their_limits_are_refused) {
  auto refused = [&](auto spoil) {
    auto wrong = work();
    spoil(wrong);
    return tests::fails_with(errc::invalid_argument, [&] { enqueue(wrong); });
  };
  BOOST_TEST(refused([](auto& x) { x.start_within = -1ms; }));
  BOOST_TEST(refused([](auto& x) { x.end_within = std::chrono::hours{24 * 366 * 11}; }));
  BOOST_TEST(refused([](auto& x) { x.heartbeat = -1ms; }));
}

BOOST_AUTO_TEST_SUITE_END()

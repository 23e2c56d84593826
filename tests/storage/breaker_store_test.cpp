#include "quire/storage/sqlite/breaker_store.hpp"

#include "quire/storage/sqlite/invariants.hpp"
#include "quire/storage/sqlite/kind_store.hpp"
#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;
using topic = event::topic;

namespace {

struct breaker_fixture : tests::store_fixture {
  breaker_fixture() {
    policy.failures = 2;
    policy.open_for = 1000ms;
  }

  breaker_record put(breaker_mode mode = breaker_mode::hold) {
    policy.mode = mode;
    return write([&](auto& tx) { return storage::put_breaker(tx, "api", policy, now); });
  }

  void guard(const std::string& kind) {
    write([&](auto& tx) { storage::set_kind_policy(tx, kind, {{}, {}, "api"}, now); });
  }

  /// One that opens after two failures, of tasks of the kinds `work` and `other`.
  void put_with_kinds(breaker_mode mode = breaker_mode::hold) {
    put(mode);
    guard("work");
    guard("other");
  }

  breaker_record breaker() {
    auto snapshot = view();
    return storage::list_breakers(snapshot, now).at(0);
  }

  std::string state_now() { return std::string{to_string(breaker().state)}; }

  /// Ends an attempt, and returns which breakers changed with it.
  std::vector<storage::breaker_change> end(const task_assignment& task,
                                           const task_outcome& outcome) {
    return write([&](auto& tx) {
      storage::breaker_results results(tx, now);
      auto ended = storage::finish_attempt(tx, task.id, task.epoch, outcome, now + 1'000'000, now);
      if (ended.accepted)
        results.saw(task.id, outcome);
      return results.save();
    });
  }

  storage::claimed_tasks claim_more(std::size_t count) {
    std::vector<std::string> names{"work", "other", "free"};
    return write([&](auto& tx) { return storage::claim_tasks(tx, names, count, {}, boot, now); });
  }

  void trip() {
    enqueue(work());
    enqueue(work("other"));
    for (auto& task : claim_more(2).tasks)
      end(task, task_outcome::failure("refused"));
    BOOST_REQUIRE(state_now() == "open");
  }

  breaker_policy policy;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(breaker_store, breaker_fixture)

BOOST_AUTO_TEST_CASE(failures_of_all_its_kinds_open_it_and_their_tasks_wait) {
  put_with_kinds();
  trip();
  auto waiting = enqueue(work());
  enqueue(work("free"));
  auto claimed = claim_more(9);
  BOOST_REQUIRE(claimed.tasks.size() == 1u);
  BOOST_TEST(claimed.tasks.front().kind == "free");
  BOOST_TEST(claimed.again_at_ms.value() == now + 1000);
  BOOST_TEST((state(waiting) == task_state::ready));
  BOOST_TEST(record(waiting).attempt == 0);
}

// It may open before they begin.
BOOST_AUTO_TEST_CASE(its_tasks_are_claimed_for_free_workers_only) {
  put_with_kinds();
  for (int i = 0; i < 3; ++i)
    enqueue(work());
  std::vector<std::string> names{"work"};
  auto claimed = write([&](auto& tx) {
    return storage::claim_tasks(tx, names, 1, {5, 1s, {1us}, 5}, boot, now);
  });
  BOOST_TEST(claimed.tasks.size() == 1u);
}

BOOST_AUTO_TEST_CASE(one_probe_runs_at_a_time_and_closes_it) {
  put_with_kinds();
  trip();
  for (int i = 0; i < 4; ++i)
    enqueue(work(i % 2 == 0 ? "work" : "other"));
  now += 1000;
  auto probe = claim_more(9).tasks;
  BOOST_REQUIRE(probe.size() == 1u);
  BOOST_TEST(claim_more(9).tasks.empty());
  BOOST_TEST(state_now() == "half_open");
  auto changes = end(probe.front(), task_outcome::success());
  BOOST_REQUIRE(changes.size() == 1u);
  BOOST_TEST(changes.front().name == "api");
  BOOST_TEST((changes.front().state == breaker_state::closed));
  BOOST_TEST(claim_more(9).tasks.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_probe_that_fails_opens_it_again) {
  put_with_kinds();
  trip();
  enqueue(work());
  enqueue(work());
  now += 1000;
  auto changes = end(claim_more(9).tasks.at(0), task_outcome::failure("refused"));
  BOOST_REQUIRE(changes.size() == 1u);
  BOOST_TEST((changes.front().state == breaker_state::open));
  BOOST_TEST(claim_more(9).tasks.empty());
  BOOST_TEST(breaker().probe_at_ms.value() == now + 1000);
}

// A probe that comes to nothing makes room for another.
BOOST_AUTO_TEST_CASE(a_probe_that_was_given_back_or_crashed_decides_nothing) {
  put_with_kinds();
  trip();
  auto id = enqueue(work());
  now += 1000;
  end(claim_more(9).tasks.at(0), task_outcome::released("a shutdown"));
  BOOST_TEST(state_now() == "half_open");
  claim_more(9);
  reboot();
  BOOST_TEST(state_now() == "half_open");
  auto again = claim_more(9).tasks;
  BOOST_REQUIRE(again.size() == 1u);
  BOOST_TEST((again.front().id == id));
}

BOOST_AUTO_TEST_CASE(only_errors_of_the_service_count) {
  put_with_kinds();
  auto outcomes = {task_outcome::failure("bad request", error_class::permanent),
                   task_outcome::cancelled("not needed"), task_outcome::released("a shutdown"),
                   task_outcome::snoozed(1s), task_outcome::partial("[]", "half of it")};
  for (auto& outcome : outcomes) {
    for (int i = 0; i < 3; ++i) {
      enqueue(work());
      end(claim_more(1).tasks.at(0), outcome);
    }
    BOOST_TEST(state_now() == "closed");
    BOOST_TEST(breaker().failures == 0);
  }
  for (auto kind : {error_class::timeout, error_class::dependency_down}) {
    enqueue(work());
    end(claim_more(1).tasks.at(0), task_outcome::failure("down", kind));
  }
  BOOST_TEST(state_now() == "open");
}

BOOST_AUTO_TEST_CASE(a_result_that_is_not_accepted_says_nothing) {
  put_with_kinds();
  enqueue(work());
  auto stale = claim_more(1).tasks.at(0);
  reboot();
  end(stale, task_outcome::failure("refused"));
  BOOST_TEST(breaker().failures == 0);
}

BOOST_AUTO_TEST_CASE(tasks_fail_while_it_is_open_if_it_says_so) {
  put_with_kinds(breaker_mode::fail);
  trip();
  auto id = enqueue(work());
  claim_more(1);
  auto task = record(id);
  BOOST_TEST((task.state == task_state::failed));
  BOOST_TEST((task.error_kind == error_class::dependency_down));
  BOOST_TEST(task.error == "the circuit breaker 'api' was open");
  BOOST_TEST(task.attempt == 0);
  BOOST_TEST(was_announced(topic::task_finished, id.value));
  BOOST_TEST(details(id).attempts.size() == 1u);
  BOOST_TEST((retry(id) == task_state::ready));
  now += 1000; // Half open: it is a probe.
  BOOST_TEST(claim_more(1).tasks.size() == 1u);
}

BOOST_AUTO_TEST_CASE(many_tasks_end_in_portions) {
  put_with_kinds(breaker_mode::skip);
  trip();
  for (int i = 0; i < 250; ++i)
    enqueue(work());
  BOOST_TEST(claim_more(1).again_at_ms.value() == now);
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 14") == 200);
  BOOST_TEST(claim_more(1).again_at_ms.value() == now + 1000);
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 14") == 250);
}

// A place in a gate goes to the next one, and the invariants hold.
BOOST_AUTO_TEST_CASE(tasks_that_are_skipped_leave_nothing_behind) {
  put_with_kinds(breaker_mode::skip);
  trip();
  auto first = enqueue(gated("g"));
  auto second = enqueue(gated("g"));
  claim_more(1);
  claim_more(1);
  BOOST_TEST((state(first) == task_state::skipped));
  BOOST_TEST((state(second) == task_state::skipped));
  BOOST_TEST(record(first).error == "the circuit breaker 'api' was open");
  auto snapshot = view();
  for (auto& rule : storage::invariants())
    BOOST_TEST(storage::find_violations(snapshot, rule, 1).count == 0, rule.name);
}

BOOST_AUTO_TEST_CASE(it_is_opened_and_closed_by_hand) {
  put_with_kinds();
  enqueue(work());
  auto opened = write([&](auto& tx) { return storage::open_breaker(tx, "api", now); });
  BOOST_TEST(opened.forced);
  BOOST_TEST((opened.state == breaker_state::open));
  now += 100'000'000;
  auto claimed = claim_more(9);
  BOOST_TEST(claimed.tasks.empty());
  BOOST_TEST(!claimed.again_at_ms);
  auto closed = write([&](auto& tx) { return storage::close_breaker(tx, "api", now); });
  BOOST_TEST(was_announced(topic::task_ready, 0));
  BOOST_TEST(!closed.forced);
  BOOST_TEST(claim_more(9).tasks.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_it_knows_survives_a_change_of_its_policy) {
  put_with_kinds();
  enqueue(work());
  end(claim_more(1).tasks.at(0), task_outcome::failure("refused"));
  policy.failures = 7;
  auto changed = put();
  BOOST_TEST(changed.failures == 1);
  BOOST_TEST((changed.policy == policy));
  BOOST_TEST(changed.kinds == (std::vector<std::string>{"other", "work"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(its_kinds_are_free_once_it_is_removed) {
  put_with_kinds();
  write([&](auto& tx) { storage::set_kind_policy(tx, "work", {3, {}, "api"}, now); });
  trip();
  enqueue(work());
  enqueue(work("other"));
  write([](auto& tx) { storage::remove_breaker(tx, "api"); });
  BOOST_TEST(claim_more(9).tasks.size() == 2u);
  BOOST_TEST(number("SELECT count(*) FROM quire_kind") == 1);
  auto snapshot = view();
  BOOST_TEST(storage::list_kinds(snapshot, now).back().policy.limit.value() == 3);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  auto refused = [&](auto spoil) {
    auto wrong = policy;
    spoil(wrong);
    return tests::fails_with(errc::invalid_argument, [&] {
      write([&](auto& tx) { storage::put_breaker(tx, "api", wrong, now); });
    });
  };
  BOOST_TEST(refused([](auto& x) { x.failures = -1; }));
  BOOST_TEST(refused([](auto& x) { x.failures = 0; })); // And no window.
  BOOST_TEST(refused([](auto& x) { x.window = 65; }));
  BOOST_TEST(refused([](auto& x) { x.window_percent = 0; }));
  BOOST_TEST(refused([](auto& x) { x.open_for = 0ms; }));
  BOOST_TEST(refused([](auto& x) { x.open_max = 25h; }));
  BOOST_TEST(refused([](auto& x) { x.factor = 0.5; }));
  BOOST_TEST(refused([](auto& x) { x.probes = 0; }));
  BOOST_TEST(refused([](auto& x) { x.successes = 0; }));
  BOOST_TEST(refused([](auto& x) { x.mode = static_cast<breaker_mode>(3); }));
  BOOST_TEST(tests::fails_with(
    errc::not_found, [&] { write([&](auto& tx) { storage::close_breaker(tx, "api", now); }); }));
  BOOST_TEST(tests::fails_with(errc::invalid_argument, [&] {
    write([&](auto& tx) { storage::put_breaker(tx, "", policy, now); });
  }));
}

// Whoever wrote them: they must not end the process of each owner.
BOOST_AUTO_TEST_CASE(damaged_numbers_are_taken_for_the_nearest_that_are_none) {
  put_with_kinds();
  for (int i = 0; i < 40; ++i)
    enqueue(work());
  for (std::string column : {"failures_max", "window", "window_percent", "open_ms", "factor",
                             "open_max_ms", "probes", "successes_min", "mode", "failures", "recent",
                             "recent_count", "openings", "successes", "opened_at", "probe_at"})
    for (auto* damage : {"-9223372036854775808", "-1", "0", "65", "9223372036854775807"}) {
      db.execute("UPDATE quire_breaker SET " + column + " = " + damage);
      for (auto& task : claim_more(1).tasks)
        end(task, task_outcome::failure("not now"));
      BOOST_TEST(breaker().policy.window <= 64, column << " = " << damage);
      put();
      write([&](auto& tx) { storage::close_breaker(tx, "api", now); });
    }
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/task_rounds.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::actors;
using namespace std::chrono_literals;

namespace {

struct rounds_fixture {
  std::optional<task_round> next(std::size_t free = 2) { return rounds.next(now, now_ms, {free, 0, 0}); }

  void add(std::int64_t task) {
    attempt_result result;
    result.task = task_id{task};
    result.outcome = task_outcome::success(std::to_string(task));
    rounds.add(std::move(result));
  }

  // The first round of a service is done, and nothing waits.
  void begin() {
    auto first = next();
    BOOST_REQUIRE(first.has_value());
    rounds.succeeded(*first, 0, std::nullopt);
    BOOST_REQUIRE(!next().has_value());
  }

  void fail(task_round round, errc code) { rounds.failed(std::move(round), code, "text", now, 0); }

  task_rounds rounds;
  task_rounds::time_point now{1000s};
  std::int64_t now_ms = 5'000;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_rounds, rounds_fixture)

BOOST_AUTO_TEST_CASE(the_first_round_takes_back_lost_claims_promotes_and_claims) {
  auto round = next();
  BOOST_REQUIRE(round.has_value());
  BOOST_TEST((round->recovery == claim_recovery::crash));
  BOOST_TEST(round->promote);
  BOOST_TEST(round->claims.now == 2u);
}

BOOST_AUTO_TEST_CASE(one_round_is_under_way_at_a_time) {
  begin();
  add(1);
  auto round = next();
  add(2);
  rounds.wake();
  BOOST_TEST(!next().has_value());
  rounds.succeeded(*round, 0, std::nullopt);
  BOOST_TEST((next()->results.front().task == task_id{2}));
}

BOOST_AUTO_TEST_CASE(a_result_goes_at_once_and_claims_for_the_free_workers) {
  begin();
  add(1);
  auto round = next(1);
  BOOST_REQUIRE(round.has_value());
  BOOST_TEST(round->results.size() == 1u);
  BOOST_TEST(round->claims.now == 1u);
  BOOST_TEST(!round->promote);
}

BOOST_AUTO_TEST_CASE(a_queue_that_gave_all_it_was_asked_for_is_asked_again) {
  begin();
  rounds.wake();
  rounds.succeeded(*next(), 2, std::nullopt);
  BOOST_TEST(!next(0).has_value());
  auto more = next(1);
  BOOST_REQUIRE(more.has_value());
  rounds.succeeded(*more, 0, std::nullopt);
  BOOST_TEST(!next().has_value());
}

BOOST_AUTO_TEST_CASE(quick_tasks_are_claimed_ahead_also_when_no_worker_is_free) {
  begin();
  rounds.wake();
  auto round = rounds.next(now, now_ms, {0, 0, 50});
  BOOST_REQUIRE(round.has_value());
  BOOST_TEST(round->claims.now == 0u);
  BOOST_TEST(round->claims.ahead == 50u);
  rounds.succeeded(*round, 3, std::nullopt);
  round = rounds.next(now, now_ms, {1, 0, 47});
  BOOST_REQUIRE(round.has_value());
  rounds.succeeded(*round, 0, std::nullopt);
  BOOST_TEST(!rounds.next(now, now_ms, {1, 0, 47}).has_value());
}

BOOST_AUTO_TEST_CASE(what_wakes_during_a_round_is_not_forgotten) {
  begin();
  rounds.wake();
  auto round = next();
  rounds.wake();
  rounds.succeeded(*round, 0, std::nullopt);
  BOOST_TEST(next().has_value());
}

BOOST_AUTO_TEST_CASE(due_tasks_are_promoted_at_their_time) {
  begin();
  rounds.due_at(9'000);
  rounds.due_at(7'000);
  BOOST_TEST((rounds.due_ms() == 7'000));
  BOOST_TEST(!next().has_value());
  now_ms = 7'000;
  auto round = next(0);
  BOOST_REQUIRE(round.has_value());
  BOOST_TEST(round->promote);
  BOOST_TEST(round->claims.now == 0u);
  rounds.succeeded(*round, 0, 9'000);
  BOOST_TEST((rounds.due_ms() == 9'000));
}

BOOST_AUTO_TEST_CASE(after_a_failure_results_are_kept_and_nothing_is_claimed) {
  begin();
  add(1);
  fail(*next(), errc::disk_full);
  BOOST_TEST(rounds.degraded());
  BOOST_TEST(rounds.waiting() == 1u);
  BOOST_TEST(!next().has_value());
  BOOST_TEST((rounds.retry_at() == now + 200ms));
  now += 200ms;
  auto round = next();
  BOOST_REQUIRE(round.has_value());
  BOOST_TEST(round->claims.now == 0u);
  rounds.succeeded(*round, 0, std::nullopt);
  BOOST_TEST(!rounds.degraded());
  BOOST_TEST(next()->claims.now == 2u);
}

BOOST_AUTO_TEST_CASE(the_delay_grows_up_to_a_limit) {
  begin();
  for (int i = 0; i < 12; ++i) {
    add(1);
    fail(*next(), errc::busy);
    now = *rounds.retry_at();
  }
  add(1);
  auto before = now;
  fail(*next(), errc::busy);
  BOOST_TEST((rounds.retry_at() == before + 10s));
}

BOOST_AUTO_TEST_CASE(results_keep_their_order_over_a_failure) {
  begin();
  add(1);
  add(2);
  auto round = next();
  add(3);
  fail(*round, errc::io);
  now += 1s;
  auto again = next();
  BOOST_REQUIRE(again->results.size() == 3u);
  for (std::size_t i = 0; i < 3; ++i)
    BOOST_TEST(again->results[i].task.value == static_cast<std::int64_t>(i + 1));
}

// One that cannot be written must not keep the others from being written.
BOOST_AUTO_TEST_CASE(results_that_are_refused_together_are_written_alone) {
  begin();
  add(1);
  add(2);
  fail(*next(), errc::too_large);
  now += 1s;
  auto first = next();
  BOOST_REQUIRE(first->results.size() == 1u);
  BOOST_TEST(first->claims.now == 0u);
  rounds.succeeded(*first, 0, std::nullopt);
  auto second = next();
  BOOST_REQUIRE(second->results.size() == 1u);
  BOOST_TEST(second->results[0].task.value == 2);
  fail(*second, errc::too_large);
  now += 1s;
  auto replaced = next();
  BOOST_REQUIRE(replaced->results.size() == 1u);
  auto& outcome = replaced->results[0].outcome;
  BOOST_TEST((outcome.what == task_outcome::verdict::failed));
  BOOST_TEST((outcome.error_kind == error_class::permanent));
  BOOST_TEST(outcome.error == "its result could not be written: text");
  rounds.succeeded(*replaced, 0, std::nullopt);
  BOOST_TEST(rounds.idle());
  BOOST_TEST(next()->claims.now == 2u);
}

BOOST_AUTO_TEST_CASE(even_a_result_that_can_never_be_written_does_not_stop_the_service) {
  begin();
  add(1);
  // With claims beside it, alone, and replaced.
  for (int i = 0; i < 3; ++i) {
    fail(*next(), errc::constraint);
    now += 1s;
  }
  auto round = next();
  BOOST_REQUIRE(round.has_value());
  BOOST_TEST(round->results.empty());
  BOOST_TEST((round->recovery == claim_recovery::crash));
}

// The claims that came with it may have been what failed.
BOOST_AUTO_TEST_CASE(a_result_is_blamed_only_for_a_round_of_its_own) {
  begin();
  add(1);
  auto round = next();
  BOOST_TEST(round->claims.now > 0u);
  fail(*round, errc::function_failed);
  now += 1s;
  auto alone = next();
  BOOST_TEST(alone->claims.now == 0u);
  BOOST_REQUIRE(alone->results.size() == 1u);
  BOOST_TEST((alone->results[0].outcome.what == task_outcome::verdict::completed));
}

BOOST_AUTO_TEST_CASE(after_an_unknown_outcome_claims_that_nobody_knows_are_given_back) {
  begin();
  rounds.wake();
  fail(*next(), errc::timeout);
  now += 1s;
  BOOST_TEST((next()->recovery == claim_recovery::release));
}

BOOST_AUTO_TEST_CASE(a_stopped_service_writes_results_and_claims_nothing) {
  begin();
  rounds.stop();
  rounds.look_again();
  BOOST_TEST(!next().has_value());
  add(1);
  BOOST_TEST(!rounds.idle());
  auto round = next();
  BOOST_TEST(round->claims.now == 0u);
  rounds.succeeded(*round, 0, std::nullopt);
  BOOST_TEST(rounds.idle());
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/task_slots.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::actors;
using namespace std::chrono_literals;

namespace {

struct slots_fixture {
  std::optional<task_slots::worker> start(std::int64_t id, std::chrono::milliseconds timeout = 10s,
                                          std::string kind = "work") {
    auto task = std::make_shared<task_assignment>();
    task->id = task_id{id};
    task->epoch = ++epoch;
    task->kind = std::move(kind);
    task->timeout = timeout;
    tokens.push_back(std::make_shared<cancel_token>());
    return slots.start(task, tokens.back(), now);
  }

  running_attempt stopped(stop_cause cause) {
    running_attempt attempt;
    auto task = std::make_shared<task_assignment>();
    task->timeout = 1500ms;
    attempt.task = task;
    attempt.stopped = cause;
    return attempt;
  }

  task_slots::time_point now{1000s};
  std::int64_t epoch = 0;
  std::vector<std::shared_ptr<cancel_token>> tokens;
  task_slots slots;
};

using verdict = task_outcome::verdict;

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_slots, slots_fixture)

BOOST_AUTO_TEST_CASE(no_worker_runs_two_attempts) {
  slots.add_worker();
  slots.add_worker();
  auto first = start(1);
  auto second = start(2);
  BOOST_TEST((first && second && *first != *second));
  BOOST_TEST(!start(3));
  BOOST_TEST(slots.finish(*first).has_value());
  BOOST_TEST(!slots.finish(*first).has_value());
  BOOST_TEST((start(3) == first));
}

BOOST_AUTO_TEST_CASE(a_removed_worker_gives_back_its_attempt_and_is_never_used_again) {
  auto number = slots.add_worker();
  start(1);
  BOOST_TEST((slots.remove_worker(number)->task->id == task_id{1}));
  BOOST_TEST(!slots.finish(number));
  BOOST_TEST(slots.workers() == 0u);
  BOOST_TEST(slots.add_worker() != number);
}

BOOST_AUTO_TEST_CASE(an_attempt_is_asked_to_stop_at_its_limit_and_given_up_after_the_grace) {
  auto number = slots.add_worker();
  start(1, 10s);
  BOOST_TEST((slots.next_limit() == now + 10s));
  BOOST_TEST(slots.expire(now + 9'999ms).empty());
  BOOST_TEST(!tokens[0]->cancelled());
  BOOST_TEST(slots.expire(now + 10s).empty());
  BOOST_TEST(tokens[0]->reason() == "it took longer than its 10 s");
  BOOST_TEST((slots.next_limit() == now + 15s));
  BOOST_TEST(slots.expire(now + 14'999ms).empty());
  BOOST_TEST((slots.expire(now + 15s) == std::vector{number}));
}

BOOST_AUTO_TEST_CASE(a_timeout_of_0_is_no_limit) {
  slots.add_worker();
  start(1, 0ms);
  BOOST_TEST(!slots.next_limit());
  BOOST_TEST(slots.expire(now + 1000h).empty());
}

// Its handler ends the program itself, and needs its own grace for that.
BOOST_AUTO_TEST_CASE(a_command_limits_itself) {
  slots.add_worker();
  start(1, 1s, "command");
  slots.expire(now + 2s);
  BOOST_TEST(!tokens[0]->cancelled());
  slots.stop(task_id{1}, stop_cause::cancelled, "why", now);
  BOOST_TEST(tokens[0]->cancelled());
  BOOST_TEST(slots.expire(now + 1h).empty());
}

BOOST_AUTO_TEST_CASE(only_the_first_cause_counts) {
  auto number = slots.add_worker();
  start(1);
  BOOST_TEST(slots.stop(task_id{1}, stop_cause::cancelled, "first", now));
  slots.stop_all(stop_cause::released, "second", now + 4s);
  BOOST_TEST(tokens[0]->reason() == "first");
  BOOST_TEST(!tokens[0]->releasing());
  BOOST_TEST((slots.expire(now + 5s) == std::vector{number}));
  BOOST_TEST((slots.finish(number)->stopped == stop_cause::cancelled));
  BOOST_TEST(!slots.stop(task_id{1}, stop_cause::cancelled, "gone", now));
}

BOOST_AUTO_TEST_CASE(an_older_claim_of_the_same_task_is_asked_to_stop) {
  slots.add_worker();
  slots.add_worker();
  start(1);
  start(1);
  BOOST_TEST(tokens[0]->cancelled());
  BOOST_TEST(!tokens[1]->cancelled());
}

BOOST_AUTO_TEST_CASE(a_stop_may_mean_one_claim_only) {
  slots.add_worker();
  start(7);
  BOOST_TEST(!slots.stop(task_id{7}, epoch - 1, stop_cause::cancelled, "old", now));
  BOOST_TEST(!tokens[0]->cancelled());
  BOOST_TEST(slots.stop(task_id{7}, epoch, stop_cause::cancelled, "new", now));
  BOOST_TEST(tokens[0]->reason() == "new");
}

BOOST_AUTO_TEST_CASE(when_all_must_stop_those_that_are_stopping_hurry) {
  slots.add_worker();
  slots.add_worker();
  start(1);
  start(2);
  slots.stop(task_id{1}, stop_cause::cancelled, "first", now);
  BOOST_TEST(!tokens[0]->hurried());
  slots.stop_all(stop_cause::released, "all", now);
  for (auto& token : tokens)
    BOOST_TEST(token->hurried());
  BOOST_TEST(!tokens[0]->releasing());
  BOOST_TEST(tokens[1]->releasing());
}

BOOST_AUTO_TEST_CASE(success_stays_success_whatever_was_asked) {
  for (auto cause : {stop_cause::timed_out, stop_cause::cancelled, stop_cause::released}) {
    auto outcome = settled_outcome(stopped(cause), task_outcome::success("1"));
    BOOST_TEST((outcome.what == verdict::completed));
  }
}

BOOST_AUTO_TEST_CASE(what_was_stopped_ended_because_of_that) {
  auto failure = task_outcome::failure("aborted");
  auto late = settled_outcome(stopped(stop_cause::timed_out), failure);
  BOOST_TEST((late.error_kind == error_class::timeout));
  BOOST_TEST(late.error == "it took longer than its 1.5 s");
  BOOST_TEST((settled_outcome(stopped(stop_cause::released), failure).what == verdict::released));
  BOOST_TEST((settled_outcome(stopped(stop_cause::none), failure).error == "aborted"));
  BOOST_TEST((abandoned_outcome(stopped(stop_cause::released)).what == verdict::released));
  BOOST_TEST((abandoned_outcome(stopped(stop_cause::cancelled)).what == verdict::cancelled));
  BOOST_TEST((abandoned_outcome(stopped(stop_cause::timed_out)).error_kind == error_class::timeout));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/attempt_report.hpp"
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
    auto order = slots.start({{task, *tokens.back()}}, false, now);
    if (!order)
      return std::nullopt;
    return order->who;
  }

  task_slots::start_order start_shared(std::int64_t count) {
    std::vector<attempt> attempts;
    for (std::int64_t i = 1; i <= count; ++i) {
      auto task = std::make_shared<task_assignment>();
      task->id = task_id{i};
      task->epoch = ++epoch;
      task->kind = "work";
      task->timeout = 10s;
      tokens.push_back(std::make_shared<cancel_token>());
      attempts.push_back({task, *tokens.back()});
    }
    return *slots.start(std::move(attempts), true, now);
  }

  static void run(attempt_burst& burst, int count) {
    for (int i = 0; i < count; ++i) {
      BOOST_REQUIRE(burst.begin());
      burst.end(task_outcome::success(), 1us);
    }
  }

  static std::int64_t id_of(const attempt& one) { return one.task->id.value; }

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
  BOOST_TEST((slots.remove_worker(number).current->task->id == task_id{1}));
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
  slots.stop(task_id{1}, std::nullopt, stop_cause::cancelled, "why", now);
  BOOST_TEST(tokens[0]->cancelled());
  BOOST_TEST(slots.expire(now + 1h).empty());
}

// A silent one is told to stop, and its handler ends it; nobody gives it up.
BOOST_AUTO_TEST_CASE(a_command_with_a_heartbeat_is_asked_to_stop_when_it_is_silent) {
  slots.add_worker();
  auto task = std::make_shared<task_assignment>();
  task->id = task_id{1};
  task->kind = "command";
  task->timeout = 1s;
  task->heartbeat = 3s;
  cancel_token token;
  auto report = std::make_shared<attempt_report>();
  auto who = slots.start({{task, token, report}}, false, now)->who;
  report->sign_of_life(now + 2s);
  BOOST_TEST((slots.next_limit() == now + 5s));
  slots.expire(now + 4'999ms);
  BOOST_TEST(!token.cancelled());
  slots.expire(now + 5s);
  BOOST_TEST(token.reason() == "its program gave no sign of life on descriptor 3 for its 3 s: it was ended");
  BOOST_TEST(!slots.next_limit());
  BOOST_TEST(slots.expire(now + 1h).empty());
  auto ended = slots.finish(who)->current;
  BOOST_REQUIRE(ended.has_value());
  auto outcome = settled_outcome(*ended, task_outcome::cancelled("it was ended"));
  BOOST_TEST((outcome.what == verdict::failed));
  BOOST_TEST((outcome.error_kind == error_class::timeout));
  BOOST_TEST(outcome.error == token.reason());
}

BOOST_AUTO_TEST_CASE(only_the_first_cause_counts) {
  auto number = slots.add_worker();
  start(1);
  BOOST_TEST(slots.stop(task_id{1}, std::nullopt, stop_cause::cancelled, "first", now));
  slots.stop_all(stop_cause::released, "second", now + 4s);
  BOOST_TEST(tokens[0]->reason() == "first");
  BOOST_TEST(!tokens[0]->releasing());
  BOOST_TEST((slots.expire(now + 5s) == std::vector{number}));
  BOOST_TEST((slots.finish(number)->current->stopped == stop_cause::cancelled));
  BOOST_TEST(!slots.stop(task_id{1}, std::nullopt, stop_cause::cancelled, "gone", now));
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
  slots.stop(task_id{1}, std::nullopt, stop_cause::cancelled, "first", now);
  BOOST_TEST(!tokens[0]->hurried());
  slots.stop_all(stop_cause::released, "all", now);
  for (auto& token : tokens)
    BOOST_TEST(token->hurried());
  BOOST_TEST(!tokens[0]->releasing());
  BOOST_TEST(tokens[1]->releasing());
}

BOOST_AUTO_TEST_CASE(a_shared_worker_reports_what_ended_and_what_did_not_begin) {
  slots.add_worker();
  auto order = start_shared(4);
  BOOST_TEST(slots.running().size() == 4u);
  run(*order.burst, 2);
  auto report = slots.finish(order.who);
  BOOST_REQUIRE(report.has_value());
  BOOST_REQUIRE(report->ended.size() == 2u);
  BOOST_TEST((report->ended[1].attempt.task->id == task_id{2}));
  BOOST_TEST((report->ended[1].result.took == 1us));
  BOOST_TEST(!report->current);
  BOOST_REQUIRE(report->unbegun.size() == 2u);
  BOOST_TEST(id_of(report->unbegun[0]) == 3);
  BOOST_TEST(slots.free() == 1u);
  BOOST_TEST(slots.running().empty());
  BOOST_TEST(!slots.stop(task_id{3}, std::nullopt, stop_cause::cancelled, "gone", now));
}

BOOST_AUTO_TEST_CASE(a_slow_attempt_keeps_its_worker_and_no_other_attempt) {
  slots.add_worker();
  auto order = start_shared(4);
  run(*order.burst, 1);
  order.burst->begin();
  BOOST_TEST((slots.next_limit() == now + actors::task_slots::burst_limit));
  BOOST_TEST(slots.relieve(now + actors::task_slots::burst_limit - 1ms).empty());
  auto reports = slots.relieve(now + actors::task_slots::burst_limit);
  BOOST_REQUIRE(reports.size() == 1u);
  BOOST_TEST(reports[0].ended.size() == 1u);
  BOOST_TEST(!reports[0].current);
  BOOST_TEST(reports[0].unbegun.size() == 2u);
  BOOST_TEST(!order.burst->begin());
  BOOST_TEST(slots.relieve(now + 1s).empty());
  // From now on it is like any other.
  BOOST_TEST((slots.next_limit() == now + 10s));
  BOOST_TEST(slots.expire(now + 10s).empty());
  BOOST_TEST(tokens[1]->cancelled());
  BOOST_TEST(!tokens[0]->cancelled());
  BOOST_TEST((slots.expire(now + 15s) == std::vector{order.who}));
  order.burst->end(task_outcome::success("late"), 1us);
  auto last = slots.finish(order.who);
  BOOST_REQUIRE(last->ended.size() == 1u);
  BOOST_TEST(last->ended[0].result.outcome.output == "late");
  BOOST_TEST(last->unbegun.empty());
}

BOOST_AUTO_TEST_CASE(what_a_lost_worker_had_ended_counts_and_what_it_had_not_begun_is_free) {
  auto number = slots.add_worker();
  auto order = start_shared(3);
  run(*order.burst, 1);
  order.burst->begin();
  auto report = slots.remove_worker(number);
  BOOST_TEST(report.ended.size() == 1u);
  BOOST_REQUIRE(report.current.has_value());
  BOOST_TEST((report.current->task->id == task_id{2}));
  BOOST_TEST(report.unbegun.size() == 1u);
  BOOST_TEST(slots.running().empty());
}

BOOST_AUTO_TEST_CASE(each_attempt_of_a_shared_worker_can_be_stopped) {
  slots.add_worker();
  auto order = start_shared(3);
  BOOST_TEST(slots.stop(task_id{2}, std::nullopt, stop_cause::cancelled, "why", now));
  BOOST_TEST(!tokens[0]->cancelled());
  BOOST_TEST(tokens[1]->reason() == "why");
  slots.stop_all(stop_cause::released, "all", now);
  BOOST_TEST(tokens[2]->releasing());
  BOOST_TEST(!tokens[1]->releasing());
}

BOOST_AUTO_TEST_CASE(workers_with_quick_attempts_are_soon_free) {
  slots.add_worker();
  slots.add_worker();
  slots.add_worker();
  BOOST_TEST(slots.soon_free() == 3u);
  start(9);
  auto order = start_shared(2);
  BOOST_TEST(slots.free() == 1u);
  BOOST_TEST(slots.soon_free() == 2u);
  slots.relieve(now + 1s);
  BOOST_TEST(slots.soon_free() == 1u);
}

BOOST_AUTO_TEST_CASE(an_attempt_of_short_limit_shares_no_worker) {
  task_assignment task;
  BOOST_TEST(may_share_worker(task));
  task.timeout = 1s;
  BOOST_TEST(may_share_worker(task));
  task.timeout = 999ms;
  BOOST_TEST(!may_share_worker(task));
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
  BOOST_TEST(
    (abandoned_outcome(stopped(stop_cause::timed_out)).error_kind == error_class::timeout));
}

BOOST_AUTO_TEST_SUITE_END()

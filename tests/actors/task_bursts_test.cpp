#include "quire/tests/support/task_fixture.hpp"

#include <boost/test/unit_test.hpp>

// Quick tasks: claimed ahead of the workers, several in one message.

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct burst_fixture : tests::task_fixture {
  // The service has seen that these tasks are quick, and nothing runs.
  void start_quick(int workers = 1) {
    manual->took = 10us;
    start_manual(workers);
    enqueue(spec("hold"));
    settle();
    manual->take().end(task_outcome::success());
    settle();
    manual->bursts = 0;
  }

  std::vector<task_id> enqueue_some(std::size_t count) {
    auto ids = enqueue(std::vector<task_spec>(count, spec("hold")));
    settle();
    return ids;
  }

  // Lets the attempts that run end, one after the other, until none is left.
  void end_all() {
    for (; !manual->running.empty(); settle())
      manual->take().end(task_outcome::success());
  }

  std::int64_t in_state(task_state state) {
    return number("SELECT count(*) FROM quire_task WHERE state = "
                  + std::to_string(static_cast<int>(state)));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_bursts, burst_fixture)

BOOST_AUTO_TEST_CASE(quick_tasks_reach_their_worker_in_few_messages) {
  start_quick();
  enqueue_some(40);
  BOOST_TEST(in_state(task_state::running) == 40);
  end_all();
  BOOST_TEST(in_state(task_state::completed) == 41);
  BOOST_TEST(manual->bursts <= 3u);
  BOOST_TEST(count("stock") == 0);
  BOOST_TEST(count("stale") == 0);
}

BOOST_AUTO_TEST_CASE(slow_tasks_are_claimed_when_a_worker_is_free) {
  start_quick();
  manual->took = 1s;
  enqueue_some(1);
  end_all();
  enqueue_some(5);
  BOOST_TEST(in_state(task_state::running) == 1);
  BOOST_TEST(in_state(task_state::ready) == 4);
}

BOOST_AUTO_TEST_CASE(what_waits_behind_a_slow_attempt_is_given_to_another_worker) {
  start_quick(2);
  auto ids = enqueue_some(6);
  BOOST_REQUIRE(manual->running.size() == 2u);
  auto slow = manual->take();
  advance(10ms, 1ms);
  end_all();
  for (auto id : ids)
    BOOST_TEST(is(id, id == slow.task().id ? task_state::running : task_state::completed));
  slow.end(task_outcome::success());
  settle();
  BOOST_TEST(is(slow.task().id, task_state::completed));
  BOOST_TEST(count("stale") == 0);
}

BOOST_AUTO_TEST_CASE(what_finds_no_worker_for_a_second_goes_back_to_its_queue) {
  start_quick();
  auto ids = enqueue_some(6);
  BOOST_REQUIRE(manual->running.size() == 1u);
  auto slow = manual->take();
  advance(1'100ms, 10ms);
  BOOST_TEST(in_state(task_state::running) == 1);
  BOOST_TEST(in_state(task_state::ready) == 5);
  BOOST_TEST(task(ids[5]).attempt == 0);
  slow.end(task_outcome::success());
  settle();
  end_all();
  BOOST_TEST(in_state(task_state::completed) == 7);
}

BOOST_AUTO_TEST_CASE(a_claimed_task_that_waits_can_be_cancelled) {
  start_quick();
  auto ids = enqueue_some(100); // More than one burst.
  BOOST_TEST(count("stock") > 0);
  for (auto id : {ids[1], ids[99]}) {
    auto answer = call<task_changed>(tasks, cancel_task{id, "not needed"});
    BOOST_TEST((answer->state == task_state::running));
  }
  settle();
  BOOST_TEST(is(ids[99], task_state::cancelled));
  while (!manual->running.empty()) {
    auto one = manual->take();
    BOOST_TEST((one.task().id != ids[99]));
    // A worker would not call its handler: see the tests of workers.
    one.end(one.cancel().cancelled() ? task_outcome::cancelled(one.cancel().reason())
                                     : task_outcome::success());
    settle();
  }
  BOOST_TEST(is(ids[1], task_state::cancelled));
  BOOST_TEST(task(ids[1]).error == "not needed");
  BOOST_TEST(in_state(task_state::completed) == 99);
}

BOOST_AUTO_TEST_CASE(a_worker_that_dies_takes_one_attempt_with_it) {
  start_quick();
  auto ids = enqueue_some(4);
  manual->take().end(task_outcome::success());
  settle();
  BOOST_REQUIRE(manual->running.size() == 1u);
  kill(manual->workers.back());
  settle();
  manual->running.erase(manual->running.begin());
  end_all();
  BOOST_TEST(in_state(task_state::completed) == 5);
  std::vector<std::int64_t> crashes;
  for (auto id : ids)
    crashes.push_back(task(id).crashes);
  BOOST_TEST(crashes == (std::vector<std::int64_t>{0, 1, 0, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_drain_gives_back_what_has_not_begun) {
  start_quick();
  auto ids = enqueue_some(100);
  auto done = send(tasks, drain{});
  advance(20ms, 1ms);
  manual->take().end(task_outcome::success());
  BOOST_TEST(bool(receive<drained>(std::move(done))));
  BOOST_TEST(in_state(task_state::completed) == 2);
  BOOST_TEST(in_state(task_state::ready) == 99);
  BOOST_TEST(task(ids[50]).attempt == 0);
}

BOOST_AUTO_TEST_CASE(nothing_new_is_begun_while_outcomes_cannot_be_written) {
  start_quick();
  enqueue_some(200); // More than two bursts.
  auto bursts = manual->bursts;
  faults->refused = 100;
  end_all();
  BOOST_TEST(status(tasks).state == "degraded");
  // One more was given to the worker before the first could not be written.
  BOOST_TEST(manual->bursts <= bursts + 1);
  BOOST_TEST(count("stock") > 0);
  faults->refused = 0;
  for (int i = 0; i < 20; ++i) {
    advance(1s, 100ms);
    end_all();
  }
  BOOST_TEST(in_state(task_state::completed) == 201);
}

BOOST_AUTO_TEST_CASE(a_service_that_dies_with_a_stock_loses_nothing) {
  start_quick();
  enqueue_some(100);
  kill(tasks);
  manual->running.clear();
  start_manual();
  for (int i = 0; i < 3; ++i) {
    end_all();
    advance(1s, 100ms);
  }
  BOOST_TEST(in_state(task_state::completed) == 101);
  BOOST_TEST(number("SELECT max(crashes) FROM quire_task") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

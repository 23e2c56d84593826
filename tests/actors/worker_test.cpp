#include "quire/actors/worker.hpp"

#include "quire/actors/attempt_burst.hpp"
#include "quire/messages/worker.hpp"
#include "quire/tests/support/actor_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <vector>

using namespace quire;
using namespace quire::messages;

namespace {

struct worker_fixture : tests::actor_fixture {
  ~worker_fixture() {
    self->send_exit(worker, caf::exit_reason::user_shutdown);
    settle();
  }

  void handle(task_handler handler) {
    auto handlers = std::make_shared<task_handlers>();
    (*handlers)["known"] = std::move(handler);
    worker = actors::spawn_worker(system, {env, handlers});
  }

  static actors::attempt attempt_at(std::string kind, actors::cancel_token cancel) {
    auto task = std::make_shared<task_assignment>();
    task->kind = std::move(kind);
    task->payload = "{}";
    return {task, std::move(cancel)};
  }

  void run(std::shared_ptr<actors::attempt_burst> burst) {
    auto answer = call<burst_done>(worker, run_burst{std::move(burst)});
    BOOST_REQUIRE_MESSAGE(answer, answer.text());
  }

  task_outcome run(std::string kind = "known") {
    auto burst = std::make_shared<actors::attempt_burst>(
      std::vector{attempt_at(std::move(kind), token)});
    run(burst);
    BOOST_REQUIRE(burst->ended() == 1u);
    return burst->take(0).outcome;
  }

  static std::shared_ptr<actors::attempt_burst> burst_of(int size) {
    std::vector<actors::attempt> attempts;
    for (int i = 0; i < size; ++i)
      attempts.push_back(attempt_at("known", {}));
    return std::make_shared<actors::attempt_burst>(std::move(attempts));
  }

  int count = 0;
  actors::cancel_token token;
  worker_actor worker;
};

using verdict = task_outcome::verdict;

} // namespace

BOOST_FIXTURE_TEST_SUITE(worker, worker_fixture)

BOOST_AUTO_TEST_CASE(the_handler_gets_its_task_and_its_outcome_is_reported) {
  handle([](task_context& context) { return task_outcome::success(context.task.payload); });
  auto outcome = run();
  BOOST_TEST((outcome.what == verdict::completed));
  BOOST_TEST(outcome.output == "{}");
}

BOOST_AUTO_TEST_CASE(an_exception_is_a_failure_that_may_go_away) {
  handle([](task_context&) -> task_outcome { throw std::runtime_error("went wrong"); });
  auto outcome = run();
  BOOST_TEST((outcome.what == verdict::failed));
  BOOST_TEST((outcome.error_kind == error_class::transient));
  BOOST_TEST(outcome.error == "went wrong");
}

// Whatever it throws, the worker lives and says something.
BOOST_AUTO_TEST_CASE(something_thrown_that_is_no_exception_is_a_failure_too) {
  handle([](task_context&) -> task_outcome { throw 42; });
  BOOST_TEST(!run().error.empty());
  BOOST_TEST((run().what == verdict::failed));
}

BOOST_AUTO_TEST_CASE(a_kind_without_a_handler_fails_for_good) {
  handle([](task_context&) { return task_outcome::success(); });
  auto outcome = run("unknown");
  BOOST_TEST((outcome.error_kind == error_class::permanent));
  BOOST_TEST(outcome.error.find("'unknown'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_failure_always_has_a_reason_and_a_class) {
  handle([](task_context&) {
    task_outcome outcome;
    outcome.what = verdict::failed;
    return outcome;
  });
  auto outcome = run();
  BOOST_TEST(!outcome.error.empty());
  BOOST_TEST((outcome.error_kind == error_class::transient));
}

BOOST_AUTO_TEST_CASE(an_attempt_that_is_released_before_it_begins_is_not_run) {
  bool ran = false;
  handle([&](task_context&) {
    ran = true;
    return task_outcome::success();
  });
  token.cancel("stopping", true);
  BOOST_TEST((run().what == verdict::released));
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_is_cancelled_before_it_begins_is_not_run) {
  bool ran = false;
  handle([&](task_context&) {
    ran = true;
    return task_outcome::success();
  });
  token.cancel("not needed");
  auto outcome = run();
  BOOST_TEST((outcome.what == verdict::cancelled));
  BOOST_TEST(outcome.error == "not needed");
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(all_attempts_of_a_burst_are_run_in_order) {
  handle([&](task_context&) { return task_outcome::success(std::to_string(++count)); });
  auto burst = burst_of(3);
  run(burst);
  BOOST_REQUIRE(burst->ended() == 3u);
  for (std::size_t i = 0; i < 3; ++i)
    BOOST_TEST(burst->take(i).outcome.output == std::to_string(i + 1));
}

// The others should not wait for what one worker does slowly.
BOOST_AUTO_TEST_CASE(a_worker_that_took_long_gives_the_rest_back) {
  handle([&](task_context&) {
    scheduler.advance_time(std::chrono::milliseconds{++count == 2 ? 2 : 0});
    return task_outcome::success();
  });
  auto burst = burst_of(5);
  run(burst);
  BOOST_TEST(burst->ended() == 2u);
  BOOST_TEST(burst->close() == 2u);
  BOOST_TEST((burst->take(0).took == std::chrono::milliseconds{0}));
  BOOST_TEST((burst->take(1).took == std::chrono::milliseconds{2}));
}

BOOST_AUTO_TEST_CASE(what_is_taken_back_while_a_handler_runs_does_not_begin) {
  std::shared_ptr<actors::attempt_burst> burst;
  handle([&](task_context&) {
    BOOST_TEST(burst->close() == 1u);
    return task_outcome::success();
  });
  burst = burst_of(3);
  run(burst);
  BOOST_TEST(burst->ended() == 1u);
}

// Whoever gave it to a worker counts on it.
BOOST_AUTO_TEST_CASE(the_first_attempt_of_a_burst_cannot_be_taken_back) {
  handle([&](task_context&) { return task_outcome::success(); });
  auto burst = burst_of(3);
  BOOST_TEST(burst->close() == 1u);
  run(burst);
  BOOST_TEST(burst->ended() == 1u);
  BOOST_TEST(burst->close() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

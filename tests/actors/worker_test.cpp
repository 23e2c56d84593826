#include "quire/actors/worker.hpp"

#include "quire/messages/worker.hpp"
#include "quire/tests/support/actor_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

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

  task_outcome run(std::string kind = "known") {
    auto task = std::make_shared<task_assignment>();
    task->id = task_id{7};
    task->epoch = 3;
    task->kind = std::move(kind);
    task->payload = "{}";
    auto answer = call<attempt_report>(worker, attempt{task, token});
    BOOST_REQUIRE_MESSAGE(answer, answer.text());
    BOOST_TEST((answer->task == task_id{7}));
    BOOST_TEST(answer->epoch == 3);
    return *answer->outcome;
  }

  std::shared_ptr<actors::cancel_token> token = std::make_shared<actors::cancel_token>();
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
  token->cancel("stopping", true);
  BOOST_TEST((run().what == verdict::released));
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_SUITE_END()

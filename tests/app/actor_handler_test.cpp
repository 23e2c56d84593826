// Actors of the application that handle tasks, in a real runtime.

#include "quire/app/actors.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

constexpr auto limit = 60s;

struct resizer_state {
  resizer_state() = default;
  static inline const char* name = "resizer";

  caf::typed_response_promise<task_outcome> held;
};

using resizer_pointer = task_handler_actor::stateful_pointer<resizer_state>;

/// Answers by what the payload says; `hold` is answered when it is told to stop.
task_handler_actor::behavior_type resizer(resizer_pointer self) {
  return {
    [self](const handle_task& request) -> caf::result<task_outcome> {
      auto context = context_of(request);
      context.progress(70, "resizing");
      auto& payload = request.task->payload;
      if (payload == "hold") {
        state_of(self).held = self->make_response_promise<task_outcome>();
        return state_of(self).held;
      }
      if (payload == "quit") {
        self->quit(caf::exit_reason::user_shutdown);
        return make_error(caf::sec::runtime_error);
      }
      if (payload == "error")
        return make_error(caf::sec::invalid_argument);
      return task_outcome::success("\"" + payload + " was resized\"");
    },
    [self](const stop_task& stop) {
      state_of(self).held.deliver(task_outcome::failure("stopped: " + stop.reason));
    },
  };
}

struct fixture {
  fixture() {
    chosen.database = dir / "test.db";
    chosen.drain_timeout = 1s;
    chosen.handle("resize", resizing.handler());
  }

  static task_spec spec(std::string payload) {
    task_spec result;
    result.kind = "resize";
    result.payload = std::move(payload);
    result.retry.attempts_max = 1;
    return result;
  }

  tests::temp_dir dir;
  options chosen;
  actor_handler resizing;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(actor_handler, fixture)

BOOST_AUTO_TEST_CASE(an_actor_gets_tasks_and_answers_with_outcomes) {
  runtime running{chosen};
  auto early = running.enqueue(spec("before"));
  resizing.attach(system_of(running).spawn(resizer));
  auto task = running.wait(running.enqueue(spec("x.png")), limit);
  BOOST_TEST((task.state == task_state::completed));
  BOOST_TEST(running.find(task.id)->output == "\"x.png was resized\"");
  BOOST_TEST(running.find(task.id)->task.step == "resizing");
  BOOST_TEST((running.wait(early, limit).state == task_state::completed));
  BOOST_TEST(running.find(early)->task.attempt == 1);
  resizing.detach();
}

BOOST_AUTO_TEST_CASE(it_is_told_to_stop) {
  runtime running{chosen};
  resizing.attach(system_of(running).spawn(resizer));
  auto held = spec("hold");
  held.timeout = 100ms;
  auto task = running.wait(running.enqueue(held), limit);
  BOOST_TEST((task.state == task_state::failed));
  BOOST_TEST((task.error_kind == error_class::timeout));
  resizing.detach();
}

BOOST_AUTO_TEST_CASE(errors_and_its_end_fail_the_attempt) {
  runtime running{chosen};
  resizing.attach(system_of(running).spawn(resizer));
  for (auto payload : {"error", "quit", "after its end"}) {
    auto task = running.wait(running.enqueue(spec(payload)), limit);
    BOOST_TEST((task.state == task_state::failed), payload);
    BOOST_TEST(task.error.find("the actor that handled it gave no answer") == 0u, task.error);
  }
  resizing.attach(system_of(running).spawn(resizer));
  BOOST_TEST((running.wait(running.enqueue(spec("again")), limit).state == task_state::completed));
  resizing.detach();
}

BOOST_AUTO_TEST_SUITE_END()

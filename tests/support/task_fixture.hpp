#pragma once

// The task service on a simulated clock, with handlers that are called or with workers
// whose attempts end when the test says so.

#include "quire/actors/task_service.hpp"
#include "quire/tests/support/manual_worker.hpp"
#include "quire/tests/support/service_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quire::tests {

struct task_fixture : service_fixture {
  task_fixture() {
    options.env = env;
    options.writer = relayed;
    options.readers = readers;
    options.boot = boot;
    options.workers = 1;
    handlers["echo"] = [this](task_context& context) {
      ran.push_back(context.task.payload);
      return task_outcome::success(context.task.payload);
    };
    handlers["fail"] = [this](task_context& context) {
      ran.push_back(context.task.payload);
      return task_outcome::failure("no luck");
    };
    handlers["hold"] = [](task_context&) { return task_outcome::success(); };
  }

  void start() {
    options.handlers = handlers;
    tasks = keep(actors::spawn_task_service(system, options));
  }

  // With workers that end their attempts when the test says so.
  void start_manual(int workers = 1) {
    options.workers = workers;
    options.start_worker = [this](caf::actor_system& in) {
      manual->workers.push_back(in.spawn(manual_worker, manual));
      return manual->workers.back();
    };
    start();
  }

  static task_spec spec(std::string kind, std::string payload = "1") {
    task_spec result;
    result.kind = std::move(kind);
    result.payload = std::move(payload);
    result.retry.jitter = 0;
    return result;
  }

  std::vector<task_id> enqueue(std::vector<task_spec> specs) {
    auto answer = call<messages::tasks_enqueued>(writer, messages::enqueue_tasks{std::move(specs)});
    BOOST_REQUIRE_MESSAGE(answer, answer.text());
    return answer->ids;
  }

  task_id enqueue(task_spec one) { return enqueue(std::vector{std::move(one)}).front(); }

  std::int64_t count(const std::string& name) { return counter_of(status(tasks), name); }

  bool is(task_id id, task_state state) { return task(id).state == state; }

  actors::task_service_options options;
  task_handlers handlers;
  std::vector<std::string> ran;
  std::shared_ptr<manual_attempts> manual = std::make_shared<manual_attempts>();
  messages::task_service_actor tasks;
};

} // namespace quire::tests

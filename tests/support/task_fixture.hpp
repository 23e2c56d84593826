#pragma once

// The task service on a simulated clock, with handlers that are called or with workers
// whose attempts end when the test says so.

#include "quire/actors/task_service.hpp"
#include "quire/tests/support/manual_worker.hpp"
#include "quire/tests/support/service_fixture.hpp"

#include <memory>
#include <string>
#include <vector>

namespace quire::tests {

struct task_fixture : service_fixture {
  task_fixture();

  void start();

  /// With workers that end their attempts when the test says so.
  void start_manual(int workers = 1);

  static task_spec spec(std::string kind, std::string payload = "1");

  std::vector<task_id> enqueue(std::vector<task_spec> specs);
  task_id enqueue(task_spec one);

  std::int64_t count(const std::string& name);

  bool is(task_id id, task_state state) { return task(id).state == state; }

  actors::task_service_options options;
  task_handlers handlers;
  std::vector<std::string> ran;
  std::shared_ptr<manual_attempts> manual = std::make_shared<manual_attempts>();
  messages::task_service_actor tasks;
};

} // namespace quire::tests

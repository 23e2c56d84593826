#include "quire/tests/support/task_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace quire::tests {

task_fixture::task_fixture() {
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

void task_fixture::start() {
  options.handlers = handlers;
  tasks = keep(actors::spawn_task_service(system, options));
}

void task_fixture::start_manual(int workers) {
  options.workers = workers;
  options.start_worker = [this](caf::actor_system& in) {
    manual->workers.push_back(spawn_manual_worker(in, manual));
    return manual->workers.back();
  };
  start();
}

task_spec task_fixture::spec(std::string kind, std::string payload) {
  task_spec result;
  result.kind = std::move(kind);
  result.payload = std::move(payload);
  result.retry.jitter = 0;
  return result;
}

std::vector<task_id> task_fixture::enqueue(std::vector<task_spec> specs) {
  auto answer = call<messages::tasks_enqueued>(writer, messages::enqueue_tasks{std::move(specs)});
  BOOST_REQUIRE_MESSAGE(answer, answer.text());
  return answer->ids;
}

task_id task_fixture::enqueue(task_spec one) {
  return enqueue(std::vector{std::move(one)}).front();
}

std::int64_t task_fixture::count(const std::string& name) {
  return counter_of(status(tasks), name);
}

} // namespace quire::tests

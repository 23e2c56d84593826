#include "quire/actors/task_handler.hpp"

#include "quire/actors/attempt_report.hpp"
#include "quire/actors/attempt_steps.hpp"
#include "quire/storage/error.hpp"

#include <utility>

namespace quire {

void task_context::progress(int percent, std::optional<std::string> step) {
  heartbeat();
  if (report)
    report->progress(percent, std::move(step));
}

void task_context::log(std::string line) {
  heartbeat();
  if (report)
    report->log(std::move(line), clock->unix_ms());
}

void task_context::heartbeat() {
  if (report)
    report->sign_of_life(clock->now());
}

std::string task_context::once(const std::string& name, const std::function<std::string()>& work) {
  heartbeat();
  auto value = steps_for(name).once(name, work);
  heartbeat();
  return value;
}

std::string
task_context::once_in_transaction(const std::string& name,
                                  std::function<std::string(storage::transaction&)> work) {
  heartbeat();
  auto value = steps_for(name).once_in_transaction(name, std::move(work));
  heartbeat();
  return value;
}

actors::attempt_steps& task_context::steps_for(const std::string& name) const {
  if (!steps)
    throw storage::error(errc::unavailable,
                         "the step '" + name
                           + "' was not done: there is nobody to keep it, because an actor handles "
                             "the task, or its context was made by hand; do steps in a handler "
                             "function that a runtime or a test_queue calls");
  return *steps;
}

} // namespace quire

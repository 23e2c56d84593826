#include "quire/actors/task_handler.hpp"

#include "quire/actors/attempt_report.hpp"
#include "quire/actors/attempt_steps.hpp"

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
  return steps ? steps->once(name, work) : work();
}

std::string
task_context::once_in_transaction(const std::string& name,
                                  std::function<std::string(storage::transaction&)> work) {
  heartbeat();
  if (!steps)
    return actors::attempt_steps{task, cancel, {}}.once_in_transaction(name, std::move(work));
  return steps->once_in_transaction(name, std::move(work));
}

} // namespace quire

#include "quire/actors/task_handler.hpp"

#include "quire/actors/attempt_report.hpp"

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

} // namespace quire

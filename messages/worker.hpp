#pragma once

#include "quire/messages/types/task.hpp"

#include <memory>

namespace quire::actors {
class cancel_token;
} // namespace quire::actors

namespace quire::messages {

/// Asks a worker to run one attempt, within this process.
/// Reply: `attempt_report`; always, also for a handler that throws.
struct attempt {
  std::shared_ptr<const task_assignment> task;
  std::shared_ptr<const actors::cancel_token> cancel;
};

struct attempt_report {
  task_id task;
  std::int64_t epoch = 0;
  std::shared_ptr<const task_outcome> outcome;
};

} // namespace quire::messages

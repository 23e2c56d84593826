#pragma once

#include "quire/actors/cancel_token.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/messages/types/task.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace quire {

/// What a handler knows about the attempt it runs.
struct task_context {
  const task_assignment& task;         ///< With the payload; valid during the call.
  actors::cancel_token cancel;         ///< Look at it between steps that take long.
  std::shared_ptr<const clock_source> clock;
};

/// Runs one attempt of a task. It is called on a worker's thread, on several at
/// once for several tasks. What it throws ends the attempt as failed
/// (transient) with the text of the exception. It should return soon after
/// `context.cancel` says so; the task's timeout asks through it, too.
using task_handler = std::function<task_outcome(task_context&)>;

/// Handlers by the kind of task they run.
using task_handlers = std::map<std::string, task_handler>;

} // namespace quire

#pragma once

#include "quire/actors/cancel_token.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/messages/types/task.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace quire::actors {
class attempt_report;
} // namespace quire::actors

namespace quire {

/// What a handler knows about the attempt it runs, and by what it says how far it is. What it
/// says counts under its claim only: once that was taken away, it is dropped.
struct task_context {
  const task_assignment& task;         ///< With the payload; valid during the call.
  actors::cancel_token cancel;         ///< Look at it between steps that take long.
  std::shared_ptr<const clock_source> clock;
  std::shared_ptr<actors::attempt_report> report{}; ///< For the functions below.

  /// Says how far it is: 0 to 100 percent, and what it is doing (up to 4 KiB). Written four
  /// times a second at most, and with the result. A sign of life. Any thread.
  void progress(int percent, std::optional<std::string> step = {});

  /// Adds a line (up to 4 KiB) to the log of the task, of which the last 1000 are kept;
  /// written as above. A sign of life. Any thread.
  void log(std::string line);

  /// A sign of life: of a task with a `heartbeat` one must come before it is over, or the
  /// attempt is asked to stop. Any thread; writes nothing.
  void heartbeat();
};

/// Runs one attempt of a task. It is called on a worker's thread, on several at
/// once for several tasks. What it throws ends the attempt as failed
/// (transient) with the text of the exception. It should return soon after
/// `context.cancel` says so; the task's timeout asks through it, too.
using task_handler = std::function<task_outcome(task_context&)>;

/// Handlers by the kind of task they run.
using task_handlers = std::map<std::string, task_handler>;

} // namespace quire

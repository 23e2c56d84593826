#pragma once

#include "quire/actors/attempt_burst.hpp"
#include "quire/actors/attempt_steps.hpp"
#include "quire/actors/task_handler.hpp"

#include <memory>

namespace quire::actors {

/// Calls the handler of an attempt, unless somebody asked to stop before. Whatever the handler
/// returns or throws, the outcome keeps to its contract: a failure has a class and a reason.
/// @param steps keeps the steps of the handler; null: it cannot do any.
task_outcome run_attempt(const task_handlers& handlers, const attempt& one,
                         std::shared_ptr<const clock_source> clock,
                         std::shared_ptr<step_keeper> steps = {});

} // namespace quire::actors

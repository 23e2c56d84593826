#include "quire/actors/run_attempt.hpp"

#include <exception>
#include <string>
#include <utility>

namespace quire::actors {

namespace {

task_outcome stopped(const cancel_token& why) {
  return why.releasing() ? task_outcome::released(why.reason())
                         : task_outcome::cancelled(why.reason());
}

task_outcome run_handler(const task_handlers& handlers, const attempt& one,
                         std::shared_ptr<const clock_source> clock,
                         std::shared_ptr<step_keeper> steps) {
  auto& task = *one.task;
  if (one.cancel.cancelled())
    return stopped(one.cancel);
  auto handler = handlers.find(task.kind);
  if (handler == handlers.end())
    return task_outcome::failure("nothing here runs tasks of the kind '" + task.kind + "'",
                                 error_class::permanent);
  task_context context{task, one.cancel, std::move(clock), one.report};
  if (steps)
    context.steps = std::make_shared<attempt_steps>(task, one.cancel, std::move(steps));
  try {
    auto outcome = handler->second(context);
    // It may have caught what should have ended it, and returned as if all were done.
    if (context.steps && context.steps->stopped())
      return stopped(one.cancel);
    return outcome;
  } catch (const attempt_stopped&) {
    return stopped(one.cancel);
  } catch (const std::exception& failure) {
    std::string text = failure.what();
    return task_outcome::failure(text.empty() ? "its handler threw an exception" : text);
  } catch (...) {
    return task_outcome::failure("its handler threw something that is no std::exception");
  }
}

// What the contract of an outcome asks for, whatever the handler returned.
task_outcome checked(task_outcome outcome) {
  using verdict = task_outcome::verdict;
  auto failed = outcome.what == verdict::failed;
  if (failed && outcome.error_kind == error_class::none)
    outcome.error_kind = error_class::transient;
  if ((failed || outcome.what == verdict::partial_success) && outcome.error.empty())
    outcome.error = "its handler gave no reason";
  return outcome;
}

} // namespace

task_outcome run_attempt(const task_handlers& handlers, const attempt& one,
                         std::shared_ptr<const clock_source> clock,
                         std::shared_ptr<step_keeper> steps) {
  return checked(run_handler(handlers, one, std::move(clock), std::move(steps)));
}

} // namespace quire::actors

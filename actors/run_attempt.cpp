#include "quire/actors/run_attempt.hpp"

#include <exception>
#include <string>
#include <utility>

namespace quire::actors {

namespace {

task_outcome run_handler(const task_handlers& handlers, const attempt& one,
                         std::shared_ptr<const clock_source> clock) {
  auto& task = *one.task;
  if (one.cancel.releasing())
    return task_outcome::released(one.cancel.reason());
  if (one.cancel.cancelled())
    return task_outcome::cancelled(one.cancel.reason());
  auto handler = handlers.find(task.kind);
  if (handler == handlers.end())
    return task_outcome::failure("nothing here runs tasks of the kind '" + task.kind + "'",
                                 error_class::permanent);
  task_context context{task, one.cancel, std::move(clock), one.report};
  try {
    return handler->second(context);
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
                         std::shared_ptr<const clock_source> clock) {
  return checked(run_handler(handlers, one, std::move(clock)));
}

} // namespace quire::actors

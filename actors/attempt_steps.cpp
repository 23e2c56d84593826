#include "quire/actors/attempt_steps.hpp"

#include "quire/storage/error.hpp"

#include <utility>

namespace quire::actors {

attempt_steps::attempt_steps(const task_assignment& task, cancel_token cancel,
                             std::shared_ptr<step_keeper> keeper)
  : task_(task.id), epoch_(task.epoch), cancel_(std::move(cancel)), keeper_(std::move(keeper)) {}

std::string attempt_steps::once(const std::string& name, const std::function<std::string()>& step) {
  if (auto known = begin(name))
    return *known;
  auto value = step();
  if (keeper_)
    keeper_->keep(task_, epoch_, name, value);
  return value;
}

std::string attempt_steps::once_in_transaction(const std::string& name, step_keeper::work step) {
  if (auto known = begin(name))
    return *known;
  if (!keeper_)
    throw storage::error(errc::unavailable,
                         "the step '" + name
                           + "' writes, and its attempt has no database: nothing was done; run "
                             "its task in a runtime or a test_queue");
  return keeper_->transact(task_, epoch_, name, std::move(step));
}

// Returns what an earlier attempt has kept.
std::optional<std::string> attempt_steps::begin(const std::string& name) {
  if (cancel_.cancelled())
    throw attempt_stopped();
  {
    std::lock_guard lock(mutex_);
    // In a loop all rounds but the first would return what the first did.
    if (!begun_.insert(name).second)
      throw storage::error(errc::invalid_argument,
                           "two steps of this attempt have the name '" + name
                             + "': the second was not done; put what tells them apart into "
                               "their names");
  }
  // What the first attempt keeps nobody kept before.
  return keeper_ && epoch_ > 1 ? keeper_->find(task_, name) : std::nullopt;
}

} // namespace quire::actors

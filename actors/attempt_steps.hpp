#pragma once

#include "quire/actors/cancel_token.hpp"
#include "quire/messages/types/task.hpp"

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace quire::storage {
class transaction;
} // namespace quire::storage

namespace quire::actors {

/// Keeps what the steps of tasks returned, durably. Blocks whoever calls; any thread.
/// Errors are those of `storage/sqlite/step_store.hpp`, or of whoever stands between.
class step_keeper {
public:
  using work = std::function<std::string(storage::transaction&)>;

  virtual ~step_keeper() = default;

  /// Returns what the step returned; nothing if it is not done.
  virtual std::optional<std::string> find(task_id task, const std::string& name) = 0;

  /// Keeps what a step returned that is done: as one that only returns it.
  virtual void keep(task_id task, std::int64_t epoch, const std::string& name,
                    const std::string& value);

  /// Runs `step` and keeps what it returned, in one transaction. It may be run again when the
  /// transaction has to be.
  virtual std::string transact(task_id task, std::int64_t epoch, const std::string& name,
                               work step) = 0;
};

/// Ends an attempt that was asked to stop between two steps. Handlers let it pass; one that
/// does not ends all the same as it was asked to, whatever it returns.
class attempt_stopped final : public std::exception {
public:
  const char* what() const noexcept override { return "its attempt was asked to stop"; }
};

/// The steps of one attempt, each done once in the life of its task. Thread-safe.
class attempt_steps {
public:
  attempt_steps(const task_assignment& task, cancel_token cancel,
                std::shared_ptr<step_keeper> keeper);

  /// Returns what the step returned when it was done; otherwise does it now, on this thread,
  /// and keeps what it returns before this returns.
  /// @throws attempt_stopped instead of beginning one when its attempt is to stop; storage::error.
  std::string once(const std::string& name, const std::function<std::string()>& step);

  /// The same for a step that writes to the database: what it writes is kept with it.
  std::string once_in_transaction(const std::string& name, step_keeper::work step);

  /// Whether a step was not begun because the attempt is to stop.
  bool stopped() const noexcept { return stopped_; }

private:
  class beginning;

  const task_id task_;
  const std::int64_t epoch_;
  const cancel_token cancel_;
  const std::shared_ptr<step_keeper> keeper_;
  std::mutex mutex_;
  std::set<std::string> begun_; ///< By this attempt.
  std::atomic<bool> stopped_{false};
};

} // namespace quire::actors

#pragma once

#include "quire/actors/cancel_token.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/messages/types/task.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace quire::actors {
class attempt_report;
class attempt_steps;
} // namespace quire::actors

namespace quire::storage {
class transaction;
} // namespace quire::storage

namespace quire {

/// What a handler knows about the attempt it runs, and by what it says how far it is. What it
/// says counts under its claim only: once that was taken away, it is dropped.
struct task_context {
  const task_assignment& task;         ///< With the payload; valid during the call.
  actors::cancel_token cancel;         ///< Look at it between steps that take long.
  std::shared_ptr<const clock_source> clock;
  std::shared_ptr<actors::attempt_report> report{}; ///< For the functions below.
  std::shared_ptr<actors::attempt_steps> steps{};   ///< For `step`, `transact`.

  /// Says how far it is: 0 to 100 percent, and what it is doing (up to 4 KiB). Written four
  /// times a second at most, and with the result. A sign of life. Any thread.
  void progress(int percent, std::optional<std::string> step = {});

  /// Adds a line (up to 4 KiB) to the log of the task, of which the last 1000 are kept;
  /// written as above. A sign of life. Any thread.
  void log(std::string line);

  /// A sign of life: of a task with a `heartbeat` one must come before it is over, or the
  /// attempt is asked to stop. Any thread; writes nothing.
  void heartbeat();

  /// Does a part of the work once in the life of the task: calls `work()`, and keeps what it
  /// returns (text of up to 1 MiB, or nothing) before this returns. A later attempt (after a
  /// failure, a crash, a drain, a snooze, or a retry by hand) gets what was kept, and `work` is
  /// not called. When the process dies between the two, it is called again: what it does outside
  /// of the database should stand that. What `work` throws is thrown on, and nothing is kept.
  ///
  /// @param name 1 to 255 bytes, another one for each step of a task (up to 10,000); in a loop
  ///        it says which round it is. A step that is to be done anew by a new version of the
  ///        program gets a new name.
  /// @throws actors::attempt_stopped instead of beginning a step when the attempt is to stop: let
  ///         it pass, it ends the attempt as cancelled or released. storage::error:
  ///         `conflict` if the claim was taken away meanwhile, `invalid_argument` if a limit
  ///         is passed or the name is used twice, or what the writer says (`timeout`, `busy`,
  ///         `disk_full`); let it pass, too: a later attempt does the step.
  ///         `unavailable` if there is nobody to keep it: for an actor, which must not wait
  ///         (`actor_handler`), and in a context that was made by hand.
  /// Waits for the writer, as sure as `options::sync` says: with `durability::normal` a power
  /// cut can take the last steps back. A sign of life before and after. Any thread of the
  /// handler.
  template <class F>
  auto step(const std::string& name, F work) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&>>)
      once(name, [&] {
        work();
        return std::string{};
      });
    else
      return once(name, [&]() -> std::string { return work(); });
  }

  /// The same for a step that writes to the database: `work(storage::transaction&)` and that
  /// it was done are one transaction, so it counts exactly once. It runs on the writer's thread and
  /// is short; it may be called again when the transaction has to be, and may still run when
  /// this throws `timeout`: it captures by value. No step begins inside of it.
  template <class F>
  auto transact(const std::string& name, F work) {
    // By value: after a timeout the writer may still be running it.
    using tx = storage::transaction&;
    if constexpr (std::is_void_v<std::invoke_result_t<F&, tx>>)
      once_in_transaction(name, [work = std::move(work)](tx in) mutable {
        work(in);
        return std::string{};
      });
    else
      return once_in_transaction(
        name, [work = std::move(work)](tx in) mutable -> std::string { return work(in); });
  }

  /// What the two above do with text.
  std::string once(const std::string& name, const std::function<std::string()>& work);
  std::string once_in_transaction(const std::string& name,
                                  std::function<std::string(storage::transaction&)> work);
  actors::attempt_steps& steps_for(const std::string& name) const;
};

/// Runs one attempt of a task. It is called on a worker's thread, on several at
/// once for several tasks. What it throws ends the attempt as failed
/// (transient) with the text of the exception. It should return soon after
/// `context.cancel` says so; the task's timeout asks through it, too.
using task_handler = std::function<task_outcome(task_context&)>;

/// Handlers by the kind of task they run.
using task_handlers = std::map<std::string, task_handler>;

} // namespace quire

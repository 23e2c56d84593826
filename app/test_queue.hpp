#pragma once

#include "quire/actors/task_handler.hpp"
#include "quire/messages/types/schedule.hpp"
#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace quire {

/// The durable queue for tests of an application's handlers: the same tables and the same
/// rules as in a runtime, in a temporary file, but without threads and in a time that only
/// moves when it is told to. It begins at 2026-01-01T00:00Z. Handlers run inside `drain` and
/// `advance`, one at a time, by the order of the queue; delays have no jitter. Limits of
/// running attempts (`timeout`, `heartbeat`) are not watched: nobody could.
///
/// For one thread. Errors are those of the stores (`storage::error`).
class test_queue {
public:
  explicit test_queue(task_handlers handlers = {});
  test_queue(const test_queue&) = delete;
  test_queue& operator=(const test_queue&) = delete;
  ~test_queue();

  /// Registers a handler, or replaces the one of its kind. Also for the kind `command`, which
  /// runs no programs here.
  void handle(std::string kind, task_handler handler);

  task_id enqueue(const task_spec& spec);

  /// Runs all tasks whose time has come, and those that they enqueue, until nothing is left to run.
  /// @returns how many attempts were run; `most` if there may be more.
  std::size_t drain(std::size_t most = 10'000);

  /// Lets time pass. What becomes due meanwhile (retries, snoozed and later tasks, schedules,
  /// rates, breakers, deadlines) happens at its time, in order.
  /// @returns how many attempts were run.
  std::size_t advance(std::chrono::milliseconds time);

  /// Calls the handler of `spec` on the spot, past the queue, and returns what it said. Nothing
  /// is written, but what the handler writes itself; its effects are not had.
  task_outcome perform(const task_spec& spec);

  /// Returns the tasks that match, by id.
  std::vector<task_record> tasks(const task_filter& filter = {});
  std::optional<task_details> find(task_id task);

  /// Returns the tasks of `kind` that have not ended, with their payloads: what a test asserts
  /// was enqueued.
  std::vector<task_details> waiting(const std::string& kind);

  /// The time that handlers see in `context.clock`.
  std::int64_t now_ms() const noexcept;

  /// Runs `work(transaction&)` in a transaction of its own, and returns what it does: for the
  /// application's own tables, and whatever the stores can do (`put_schedule`, `pause_queue`, ...).
  template <class F>
  std::invoke_result_t<F&, storage::transaction&> write(F work) {
    storage::transaction_guard guard{database()};
    storage::transaction tx{database()};
    if constexpr (std::is_void_v<std::invoke_result_t<F&, storage::transaction&>>) {
      work(tx);
      guard.commit();
    } else {
      auto result = work(tx);
      guard.commit();
      return result;
    }
  }

  /// Returns what is wrong in the tables, as `quire doctor` would; nothing if all is well.
  std::vector<std::string> violations();

private:
  struct impl;
  class own_steps;

  storage::connection& database() noexcept;

  std::unique_ptr<impl> impl_;
};

} // namespace quire

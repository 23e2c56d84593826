#pragma once

#include "quire/messages/types/sql.hpp"
#include "quire/messages/types/task.hpp"
#include "quire/messages/types/terms.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quire::messages {

/// Asks for tasks to be put into their queues, all or none. Also where the task service
/// does not run: an owner that has one takes notice.
/// Reply: `tasks_enqueued`, once they are committed.
/// Errors: `invalid_argument`, naming the field; those of a write.
struct enqueue_tasks {
  std::vector<task_spec> tasks;
  request_terms terms{};
  std::optional<durability> sync{}; ///< The runtime's default if absent.
};

/// About what tasks take while they wait to be written.
inline std::size_t bytes_of(const std::vector<task_spec>& tasks) noexcept {
  std::size_t sum = 0;
  for (auto& task : tasks)
    sum += sizeof task + task.queue.size() + task.kind.size() + task.payload.size() + task.gate.size()
           + task.unique.key.size() + task.tenant.size() + bytes_of(task.subtasks);
  return sum;
}

/// About what a request takes while it waits.
inline std::size_t bytes_of(const enqueue_tasks& request) noexcept {
  return sizeof request + bytes_of(request.tasks);
}

struct tasks_enqueued {
  std::vector<task_id> ids;      ///< In the order of the request.
  std::vector<task_id> existing; ///< Those of them that were found by their unique key.
};

/// Asks for a task to be cancelled: at once if it waits, by its token if it
/// runs. Reply: `task_changed`. Errors: `not_found`, `conflict`.
struct cancel_task {
  task_id task;
  std::string reason;
};

/// Asks for a task that ended without full success to be started again.
/// Reply: `task_changed`. Errors: `not_found`, `conflict`.
struct retry_task {
  task_id task;
};

struct task_changed {
  task_id task;
  task_state state = task_state::ready; ///< Where it stands now.
};

/// Asks to be told when a task has ended. Reply: `task_record`, at once if it has.
/// Errors: `not_found`.
struct await_task {
  task_id task;
};

} // namespace quire::messages

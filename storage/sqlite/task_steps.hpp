#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What the task store and the pipeline store have in common. For this folder
/// only.
namespace quire::storage {

/// No task is due later (Unix milliseconds).
inline constexpr std::int64_t task_time_max = (std::int64_t{1} << 48) - 1;

/// @throws error with `errc::invalid_argument` if a field of `spec` is outside of its documented
///         limits.
void check_task(const task_spec& spec);

/// The same for several; the error says which.
void check_tasks(std::span<const task_spec> specs);

/// When the time of a task is up.
struct task_limits {
  std::optional<std::int64_t> expires_at_ms; ///< If it still waits.
  std::optional<std::int64_t> end_by_ms;     ///< If it has not ended.
};

/// @param from_ms when the task may start.
task_limits limits_from(std::int64_t from_ms, std::chrono::milliseconds start_within,
                        std::chrono::milliseconds end_within);

/// The limits of a task that may start from `from_ms` on, as it was created with.
task_limits limits_of(snapshot& db, task_id task, std::int64_t from_ms);

/// What decides on the next step of a task.
struct task_row {
  task_state state = task_state::created;
  std::int64_t epoch = 0;
  int attempt = 0;
  int attempts_max = 0;
  int crashes = 0;
  int crashes_max = 0;
  bool cancel_requested = false;
  std::int64_t claimed_at_ms = 0;
  std::optional<std::string> gate;
  std::optional<stage_id> stage;
  bool has_key = false;        ///< It was created with a unique key.
  std::optional<std::int64_t> end_by_ms;
  std::optional<task_id> parent;
  bool has_subtasks = false;
  std::int64_t subtasks_open = 0; ///< Those that have not ended.
  std::optional<std::int64_t> boot; ///< Which start of a runtime runs it, or ended it.
};

std::optional<task_row> read_task_row(snapshot& db, task_id task);

/// Returns whether a task in `state` occupies a place in its gate.
constexpr bool holds_place(task_state state) noexcept {
  return state == task_state::ready || state == task_state::running;
}

/// Null stands for an empty text.
inline std::optional<std::string_view> if_any(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

/// Announces once in a transaction that tasks may be claimed.
void announce_ready(transaction& tx);

/// Makes sure that `gate` exists.
void create_gate(transaction& tx, std::string_view gate, int capacity);

/// Lets blocked tasks of `gate` in, by age and priority, while there are
/// places.
void pump_gate(transaction& tx, std::string_view gate);

/// Takes a place away that a task held, and gives it to the next one.
void give_place(transaction& tx, const std::optional<std::string>& gate);

/// Deletes a gate that nobody uses: the next task makes it again.
void drop_idle_gate(transaction& tx, std::string_view gate);

/// Makes a task that holds no place `ready`, or `blocked` if its gate is full.
/// @returns which.
task_state place_task(transaction& tx, task_id task, const std::optional<std::string>& gate);

/// What follows from a task having ended: `was` is its row before that.
void conclude_task(transaction& tx, task_id task, const task_row& was, task_state state,
                   std::int64_t now_ms);

/// Cancels a task that has not ended: at once, or by request if it runs. One that waits for
/// its subtasks takes them with it.
/// @returns where it stands now.
task_state cancel_open_task(transaction& tx, task_id task, const task_row& row,
                            const std::string& reason, std::int64_t now_ms);

/// Ends a task that waits for a worker, or for anything else, without an attempt; `why` is
/// kept in its history.
void end_waiting_task(transaction& tx, task_id task, task_state state, error_class kind,
                      const std::string& why, std::int64_t now_ms);

/// Deletes a task in whatever state, and its subtasks; the worker of a running one is told to
/// stop.
/// @returns how many tasks.
std::int64_t delete_task(transaction& tx, task_id task);

/// Deletes ended tasks, and their subtasks: the rows of `sql` are id, gate and state; ?1 is `key`,
/// ?2 how many; some more, if the last one has subtasks.
/// @returns how many tasks.
std::int64_t delete_ended_tasks(transaction& tx, std::string_view sql, std::int64_t key, int limit);

} // namespace quire::storage

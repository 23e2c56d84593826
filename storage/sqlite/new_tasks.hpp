#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

/// The rows of new tasks. For this folder only.
namespace quire::storage {

/// To what a new task belongs.
struct task_owner {
  std::optional<std::int64_t> stage{};
  std::optional<std::int64_t> item{};
  std::optional<std::int64_t> parent{};
};

/// A task that is to be inserted: its `spec`, which must stay where it is, and what was decided
/// about it.
struct new_task {
  const task_spec* spec = nullptr;
  task_owner owner{};
  std::int64_t lane = 0;
  task_state state = task_state::ready;
  std::int64_t ord = 0;
  std::int64_t run_at_ms = 0;
  task_limits limits{};
  std::optional<std::int64_t> subtasks_open{};
};

/// Inserts a task and its body.
/// @returns nothing, and does nothing, if its item of its stage has a task.
std::optional<task_id> insert_task(transaction& tx, const new_task& task, std::int64_t now_ms);

/// Inserts tasks and their bodies, several with each statement, and tells `inserted` their ids in
/// order. None may be of an item that has a task. A trigger on `quire_task` must not insert into it.
/// @throws error with `errc::conflict` if a trigger keeps any of them out.
void insert_tasks(transaction& tx, std::span<const new_task> tasks, std::int64_t now_ms,
                  const std::function<void(task_id)>& inserted);

/// Writes the body of a task that has one by that of `spec`.
void replace_body(transaction& tx, task_id task, const task_spec& spec);

} // namespace quire::storage

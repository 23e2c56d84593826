#pragma once

#include "quire/benchmarks/plain_sqlite.hpp"

#include <cstdint>
#include <string>

/// The floor for tasks: the same tables without anything but SQLite.
namespace quire::benchmarks {

/// One thread claims and completes tasks by 100: each transaction completes the
/// tasks it has and claims the next ones. The table is Quire's own in what such
/// work touches; payloads, results and attempts are left out.
sample plain_tasks(const settings& how, const std::string& sync, int tasks);

/// `threads` threads enqueue tasks that nobody runs, `tasks_each` in one transaction, each
/// thread on a connection of its own. The tables are Quire's own in what that touches.
sample plain_enqueues(const settings& how, int threads, int tasks_each);

/// Copies the only task of a database of Quire's, with everything that belongs to it, until
/// there are `count`. Nobody else may have the database open.
void multiply_task(const std::string& database, std::int64_t count);

} // namespace quire::benchmarks

#include "quire/storage/sqlite/task_bulk.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/task_filter_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

namespace quire::storage {

namespace {

// In one transaction, so that a long history keeps no other writer waiting.
constexpr std::int64_t looked_at_max = 10'000;

constexpr std::size_t refusals_max = 10;

constexpr std::int64_t largest_id = std::numeric_limits<std::int64_t>::max();

/// Returns the last id that the next portion looks at, `largest_id` if it looks at all.
std::int64_t end_of_portion(snapshot& db, task_id after) {
  auto stmt = db.prepare(task_sql::task_after);
  return stmt->bind(after.value, looked_at_max - 1).step() ? stmt->int64(0) : largest_id;
}

std::vector<task_id> find_tasks(snapshot& db, std::string_view sql, const task_filter& filter,
                                int limit) {
  std::vector<task_id> found;
  auto stmt = db.prepare(sql);
  task_sql::bind_filter(*stmt, filter, limit);
  while (stmt->step())
    found.push_back(task_id{stmt->int64(0)});
  return found;
}

/// Calls `change` and counts what comes of it.
template <class Change>
void change_one(task_changes& changes, Change change) {
  try {
    auto state = change();
    ++changes.changed;
    changes.asked += state == task_state::running ? 1 : 0;
  } catch (const error& refused) {
    // These are said before anything is changed.
    if (refused.code() != errc::conflict && refused.code() != errc::not_found)
      throw;
    ++changes.refused;
    if (changes.refusals.size() < refusals_max)
      changes.refusals.emplace_back(refused.what());
  }
}

/// Calls `change` with the next tasks that `sql` finds, as long as they are in a state that
/// `changeable` says may be changed.
template <class Changeable, class Change>
bulk_portion change_tasks(transaction& tx, std::string_view sql, task_filter filter, int limit,
                          Changeable changeable, Change change) {
  auto until = filter.until ? filter.until->value : largest_id;
  auto end = std::min(until, end_of_portion(tx, filter.after));
  filter.until = task_id{end};
  auto found = find_tasks(tx, sql, filter, limit);
  bulk_portion done{{}, task_id{end}, end < until};
  if (!found.empty() && found.size() == static_cast<std::size_t>(limit)) {
    done.last = found.back();
    done.more = true;
  }
  for (auto task : found) {
    auto row = read_task_row(tx, task);
    if (row && changeable(row->state))
      change_one(done.changes, [&] { return change(task); });
    else
      ++done.changes.changed;
  }
  return done;
}

} // namespace

task_counts count_tasks(snapshot& db, const task_filter& filter) {
  auto stmt = db.prepare(filter.run      ? task_sql::count_tasks_of_run
                         : filter.parent ? task_sql::count_subtasks_matching
                                         : task_sql::count_tasks);
  task_sql::bind_filter(*stmt, filter).step();
  return {stmt->int64(0), stmt->int64(1), stmt->int64(2)};
}

task_filter within_bounds(snapshot& db, task_filter filter) {
  auto narrow = [&](std::string_view sql, std::int64_t of) {
    auto stmt = db.prepare(sql);
    stmt->bind(of).step();
    filter.after.value = std::max(filter.after.value, stmt->int64(0) - 1);
    return stmt->int64(1);
  };
  std::int64_t last = 0;
  if (filter.run)
    last = narrow(task_sql::bounds_of_run, filter.run->value);
  else if (filter.parent)
    last = narrow(task_sql::bounds_of_subtasks, filter.parent->value);
  else
    last = db.query_scalar<std::int64_t>(task_sql::last_task);
  filter.until = task_id{filter.until ? std::min(filter.until->value, last) : last};
  return filter;
}

bulk_portion cancel_tasks(transaction& tx, const task_filter& filter, const std::string& reason,
                          std::int64_t now_ms, int limit) {
  auto changeable = [](task_state state) { return !is_terminal(state); };
  return change_tasks(tx, task_sql::next_open, filter, limit, changeable,
                      [&](task_id task) { return cancel_task(tx, task, reason, now_ms); });
}

bulk_portion retry_tasks(transaction& tx, const task_filter& filter, std::int64_t now_ms,
                         int limit) {
  auto changeable = [](task_state state) {
    return state == task_state::partial_success || state == task_state::failed
           || state == task_state::cancelled;
  };
  return change_tasks(tx, task_sql::next_unsuccessful, filter, limit, changeable,
                      [&](task_id task) { return retry_task(tx, task, now_ms); });
}

} // namespace quire::storage

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/schedule_rows.hpp"
#include "quire/storage/sqlite/schedule_sql.hpp"
#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <utility>

namespace quire::storage {

namespace {

// What cannot fire is tried again after so long.
constexpr std::int64_t trouble_delay_ms = 60'000;

// Missed times are counted up to so many at a time.
constexpr std::int64_t missed_max = 10'000;

constexpr std::string_view has_fired_sql =
  "SELECT 1 FROM quire_schedule_fire WHERE schedule = ?1 AND fire_at = ?2";

constexpr std::string_view insert_fire_sql = R"(
  INSERT INTO quire_schedule_fire(schedule, fire_at, fired_at, task_id) VALUES(?1, ?2, ?3, ?4))";

// Those that skipped and the others each among themselves: what has a task tells whether it
// has ended.
constexpr std::string_view prune_fires_sql = R"(
  DELETE FROM quire_schedule_fire
  WHERE schedule = ?1 AND (task_id IS NULL) = ?2 AND fire_at <= (
    SELECT fire_at FROM quire_schedule_fire
    WHERE schedule = ?1 AND (task_id IS NULL) = ?2
    ORDER BY fire_at DESC
    LIMIT 1 OFFSET ?3))";

constexpr std::string_view advance_sql = R"(
  UPDATE quire_schedule
  SET next_at = ?2, wake_at = ?2, last_at = ?3, fired = ?4, skipped = ?5, missed = ?6, error = ''
  WHERE id = ?1)";

constexpr std::string_view put_off_sql =
  "UPDATE quire_schedule SET wake_at = ?2, error = ?3 WHERE id = ?1";

std::vector<task_id> open_tasks(snapshot& db, std::int64_t schedule) {
  std::vector<task_id> tasks;
  auto stmt = db.prepare(schedule_sql::open_tasks);
  stmt->bind(schedule);
  while (stmt->step())
    tasks.push_back(task_id{stmt->int64(0)});
  return tasks;
}

void cancel_all(transaction& tx, const std::vector<task_id>& tasks, const std::string& name,
                std::int64_t now_ms) {
  for (auto task : tasks)
    if (auto row = read_task_row(tx, task); row && !is_terminal(row->state))
      cancel_open_task(tx, task, *row, "the schedule '" + name + "' began the next task", now_ms);
}

/// Decides whether there is a task this time, and makes room for it.
bool makes_room(transaction& tx, const schedule_row& row, std::int64_t now_ms) {
  auto overlap = row.record.schedule.overlap;
  if (overlap == schedule_overlap::allow)
    return true;
  auto open = open_tasks(tx, row.id);
  if (overlap == schedule_overlap::skip)
    return open.empty();
  if (overlap == schedule_overlap::queue_one)
    return open.size() < 2;
  cancel_all(tx, open, row.record.schedule.name, now_ms);
  return true;
}

/// Chooses a number from 0 to `most` by the schedule and the time: the same each time it is
/// asked, for a transaction may be run again. The mixing is that of SplitMix64.
std::int64_t spread(std::int64_t schedule, std::int64_t fire_at_ms, std::int64_t most) {
  auto x = static_cast<std::uint64_t>(schedule) * 0x9e3779b97f4a7c15u
           + static_cast<std::uint64_t>(fire_at_ms);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  return static_cast<std::int64_t>(x % (static_cast<std::uint64_t>(most) + 1));
}

task_spec task_for(const schedule_row& row, std::int64_t fire_at_ms) {
  auto& schedule = row.record.schedule;
  auto task = schedule.task;
  // The gate holds the next one back, and lets it go in the transaction that ends the other.
  if (schedule.overlap == schedule_overlap::queue_one && task.gate.empty())
    task.gate = "schedule:" + schedule.name;
  if (schedule.jitter.count() > 0)
    task.run_at_ms = fire_at_ms + spread(row.id, fire_at_ms, schedule.jitter.count());
  return task;
}

void fire(transaction& tx, schedule_row& row, std::int64_t fire_at_ms, std::int64_t now_ms) {
  {
    auto stmt = tx.prepare(has_fired_sql);
    if (stmt->bind(row.id, fire_at_ms).step())
      return;
  }
  std::optional<std::int64_t> task;
  if (makes_room(tx, row, now_ms))
    task = enqueue_task(tx, task_for(row, fire_at_ms), now_ms).value;
  ++(task ? row.record.fired : row.record.skipped);
  row.record.last_at_ms = fire_at_ms;
  tx.execute(insert_fire_sql, row.id, fire_at_ms, now_ms, task);
  tx.execute(prune_fires_sql, row.id, !task, schedule_fires_kept);
}

/// Fires for the last time that is due, if it is to be made up for.
void fire_last(transaction& tx, schedule_row& row, const schedule_times& times,
               std::int64_t until_ms, std::int64_t now_ms) {
  auto& record = row.record;
  auto due = *record.next_at_ms;
  auto last = times.last_until(until_ms, due);
  record.missed += times.count(due, last - 1, missed_max);
  if (record.schedule.catch_up == schedule_catch_up::none && now_ms - last > schedule_late_max_ms)
    ++record.missed;
  else
    fire(tx, row, last, now_ms);
  record.next_at_ms = next_time(row, times, last);
}

/// Fires for all times that are due, but for so many of the oldest that are too many.
/// @returns for how many, at most `limit`.
int fire_all(transaction& tx, schedule_row& row, const schedule_times& times, std::int64_t until_ms,
             std::int64_t now_ms, int limit) {
  auto& record = row.record;
  auto most = record.schedule.catch_up_max;
  auto due = *record.next_at_ms;
  if (times.count(due, until_ms, most + 1) > most) {
    auto first = times.first_of_last(most, due, until_ms);
    record.missed += times.count(due, first - 1, missed_max);
    record.next_at_ms = first;
  }
  int fired = 0;
  while (fired < limit && record.next_at_ms && *record.next_at_ms <= until_ms) {
    fire(tx, row, *record.next_at_ms, now_ms);
    ++fired;
    record.next_at_ms = next_time(row, times, *record.next_at_ms);
  }
  return fired;
}

int fire_schedule(transaction& tx, schedule_row& row, const schedule_times& times,
                  std::int64_t now_ms, int limit) {
  auto& record = row.record;
  auto until_ms = std::min(now_ms, record.schedule.end_ms.value_or(now_ms));
  int fired = 1;
  if (record.schedule.catch_up == schedule_catch_up::all)
    fired = fire_all(tx, row, times, until_ms, now_ms, limit);
  else
    fire_last(tx, row, times, until_ms, now_ms);
  tx.execute(advance_sql, row.id, record.next_at_ms, record.last_at_ms, record.fired,
             record.skipped, record.missed);
  return fired;
}

/// @returns how many times of the schedule were looked at.
int fire_or_put_off(transaction& tx, std::int64_t id, std::int64_t now_ms, int limit) {
  auto row = read_schedule(tx, id);
  std::optional<schedule_times> times;
  try {
    // Before anything is written: what is wrong with one schedule must not undo the others.
    times = times_of(*row);
    check_schedule(row->record.schedule);
  } catch (const error& wrong) {
    if (wrong.code() != errc::invalid_argument)
      throw;
    tx.execute(put_off_sql, id, now_ms + trouble_delay_ms, std::string{wrong.what()});
    return 1;
  }
  return fire_schedule(tx, *row, *times, now_ms, limit);
}

} // namespace

std::optional<std::int64_t> fire_due_schedules(transaction& tx, std::int64_t now_ms, int limit) {
  std::vector<std::int64_t> due;
  {
    auto stmt = tx.prepare(schedule_sql::due);
    stmt->bind(now_ms, limit);
    while (stmt->step())
      due.push_back(stmt->int64(0));
  }
  for (auto id : due)
    if (limit > 0)
      limit -= fire_or_put_off(tx, id, now_ms, limit);
  auto stmt = tx.prepare(schedule_sql::next_wake);
  return stmt->step() ? std::optional{stmt->int64(0)} : std::nullopt;
}

} // namespace quire::storage

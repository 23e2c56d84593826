#include "quire/storage/sqlite/schedule_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/schedule_rows.hpp"

#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view count_sql = "SELECT count(*) FROM quire_schedule";

// Not left to foreign keys: whether they are enforced is the application's choice.
constexpr std::string_view remove_fires_sql = "DELETE FROM quire_schedule_fire WHERE schedule = ?1";

constexpr std::string_view remove_sql = "DELETE FROM quire_schedule WHERE id = ?1";

constexpr std::string_view fires_sql = R"(
  SELECT fire_at, fired_at, ifnull(task_id, 0)
  FROM quire_schedule_fire
  WHERE schedule = ?1
  ORDER BY fire_at DESC)";

schedule_row existing(snapshot& db, const std::string& name) {
  auto row = read_schedule(db, name);
  if (!row)
    throw error(errc::not_found, "there is no schedule '" + name + "'; nothing was changed");
  return std::move(*row);
}

void require_room(snapshot& db) {
  auto stmt = db.prepare(count_sql);
  if (stmt->step() && stmt->int64(0) >= schedules_max)
    throw error(errc::too_large, "there are " + std::to_string(schedules_max)
                                   + " schedules already, and no more are allowed; nothing was "
                                     "changed; remove some first");
}

bool same_times(const schedule_spec& left, const schedule_spec& right) {
  return left.spec == right.spec && left.tz == right.tz && left.start_ms == right.start_ms
         && left.end_ms == right.end_ms;
}

} // namespace

schedule_record put_schedule(transaction& tx, const schedule_spec& spec, std::int64_t now_ms) {
  check_schedule(spec);
  auto row = read_schedule(tx, spec.name);
  auto goes_on = row && same_times(row->record.schedule, spec);
  if (!row) {
    require_room(tx);
    row.emplace();
    row->record.created_at_ms = now_ms;
  }
  row->record.schedule = spec;
  row->record.changed_at_ms = now_ms;
  row->record.error.clear();
  if (!goes_on)
    row->anchor_ms = spec.start_ms.value_or(now_ms);
  auto times = times_of(*row);
  if (!goes_on && !row->record.paused)
    row->record.next_at_ms = next_time(*row, times, now_ms);
  write_schedule(tx, *row);
  return std::move(row->record);
}

bool remove_schedule(transaction& tx, const std::string& name) {
  auto row = read_schedule(tx, name);
  if (!row)
    return false;
  tx.execute(remove_fires_sql, row->id);
  tx.execute(remove_sql, row->id);
  return true;
}

schedule_record pause_schedule(transaction& tx, const std::string& name, std::int64_t now_ms) {
  auto row = existing(tx, name);
  if (row.record.paused)
    return std::move(row.record);
  row.record.paused = true;
  row.record.next_at_ms.reset();
  row.record.error.clear();
  row.record.changed_at_ms = now_ms;
  write_schedule(tx, row);
  return std::move(row.record);
}

schedule_record resume_schedule(transaction& tx, const std::string& name, std::int64_t now_ms) {
  auto row = existing(tx, name);
  if (!row.record.paused)
    return std::move(row.record);
  row.record.paused = false;
  row.record.next_at_ms = next_time(row, times_of(row), now_ms);
  row.record.changed_at_ms = now_ms;
  write_schedule(tx, row);
  return std::move(row.record);
}

std::optional<schedule_details> find_schedule(snapshot& db, const std::string& name) {
  auto row = read_schedule(db, name);
  if (!row)
    return std::nullopt;
  schedule_details details;
  details.record = std::move(row->record);
  auto stmt = db.prepare(fires_sql);
  stmt->bind(row->id);
  while (stmt->step())
    details.fires.push_back({stmt->int64(0), stmt->int64(1), task_id{stmt->int64(2)}});
  return details;
}

} // namespace quire::storage

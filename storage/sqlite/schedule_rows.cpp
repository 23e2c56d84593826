#include "quire/storage/sqlite/schedule_rows.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <algorithm>

namespace quire::storage {

namespace {

using std::chrono::milliseconds;

// The payload comes last: whatever stands behind it would be read through it.
#define QUIRE_SCHEDULE_COLUMNS                                                                     \
  "name, spec, tz, overlap, catch_up, catch_up_max, starts_at, ends_at, jitter_ms, anchor_at,"     \
  " paused, next_at, last_at, fired, skipped, missed, error, created_at, changed_at, queue, kind," \
  " priority, attempts_max, retry_base_ms, retry_factor, retry_cap_ms, retry_jitter, timeout_ms,"  \
  " crashes_max, gate, gate_capacity, start_ms, end_ms, heartbeat_ms, tenant,"    \
  " head_start_min"

constexpr std::string_view read_by_id_sql =
  "SELECT " QUIRE_SCHEDULE_COLUMNS ", id, payload FROM quire_schedule WHERE id = ?1";

constexpr std::string_view read_by_name_sql =
  "SELECT " QUIRE_SCHEDULE_COLUMNS ", id, payload FROM quire_schedule WHERE name = ?1";

constexpr std::string_view list_sql =
  "SELECT " QUIRE_SCHEDULE_COLUMNS ", id, '' FROM quire_schedule ORDER BY name";

constexpr std::string_view write_sql =
  "INSERT INTO quire_schedule(" QUIRE_SCHEDULE_COLUMNS R"(, payload, wake_at)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
         ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?12)
  ON CONFLICT(name) DO UPDATE SET
    spec = excluded.spec, tz = excluded.tz, overlap = excluded.overlap,
    catch_up = excluded.catch_up, catch_up_max = excluded.catch_up_max,
    starts_at = excluded.starts_at, ends_at = excluded.ends_at, jitter_ms = excluded.jitter_ms,
    anchor_at = excluded.anchor_at, paused = excluded.paused, next_at = excluded.next_at,
    wake_at = excluded.wake_at, error = excluded.error, changed_at = excluded.changed_at,
    queue = excluded.queue, kind = excluded.kind, priority = excluded.priority,
    attempts_max = excluded.attempts_max, retry_base_ms = excluded.retry_base_ms,
    retry_factor = excluded.retry_factor, retry_cap_ms = excluded.retry_cap_ms,
    retry_jitter = excluded.retry_jitter, timeout_ms = excluded.timeout_ms,
    crashes_max = excluded.crashes_max, gate = excluded.gate,
    gate_capacity = excluded.gate_capacity, start_ms = excluded.start_ms,
    end_ms = excluded.end_ms, heartbeat_ms = excluded.heartbeat_ms, tenant = excluded.tenant,
    head_start_min = excluded.head_start_min, payload = excluded.payload)";

#undef QUIRE_SCHEDULE_COLUMNS

task_spec task_in(const statement& row) {
  task_spec task;
  task.queue = row.text(19);
  task.kind = row.text(20);
  task.priority = static_cast<task_priority>(row.int64(21));
  task.retry.attempts_max = static_cast<int>(row.int64(22));
  task.retry.base = milliseconds{row.int64(23)};
  task.retry.factor = row.real(24);
  task.retry.cap = milliseconds{row.int64(25)};
  task.retry.jitter = row.real(26);
  task.timeout = milliseconds{row.int64(27)};
  task.crashes_max = static_cast<int>(row.int64(28));
  task.gate = row.text(29);
  task.gate_capacity = static_cast<int>(row.int64(30));
  task.start_within = milliseconds{row.int64(31)};
  task.end_within = milliseconds{row.int64(32)};
  task.heartbeat = milliseconds{row.int64(33)};
  task.tenant = row.text(34);
  task.head_start = std::chrono::minutes{row.int64(35)};
  task.payload = row.text(37);
  return task;
}

schedule_row row_in(const statement& row) {
  schedule_row found;
  auto& record = found.record;
  auto& schedule = record.schedule;
  schedule.name = row.text(0);
  schedule.spec = row.text(1);
  schedule.tz = row.text(2);
  schedule.overlap = static_cast<schedule_overlap>(row.int64(3));
  schedule.catch_up = static_cast<schedule_catch_up>(row.int64(4));
  schedule.catch_up_max = static_cast<int>(row.int64(5));
  schedule.start_ms = row.optional_int64(6);
  schedule.end_ms = row.optional_int64(7);
  schedule.jitter = milliseconds{row.int64(8)};
  found.anchor_ms = row.int64(9);
  record.paused = row.int64(10) != 0;
  record.next_at_ms = row.optional_int64(11);
  record.last_at_ms = row.optional_int64(12);
  record.fired = row.int64(13);
  record.skipped = row.int64(14);
  record.missed = row.int64(15);
  record.error = row.text(16);
  record.created_at_ms = row.int64(17);
  record.changed_at_ms = row.int64(18);
  schedule.task = task_in(row);
  found.id = row.int64(36);
  return found;
}

void require(bool valid, const char* what) {
  if (!valid)
    throw error(errc::invalid_argument,
                std::string{"the schedule was not changed: "} + what + "; correct it and try again");
}

} // namespace

std::optional<schedule_row> read_schedule(snapshot& db, std::int64_t id) {
  auto stmt = db.prepare(read_by_id_sql);
  if (!stmt->bind(id).step())
    return std::nullopt;
  return row_in(*stmt);
}

std::optional<schedule_row> read_schedule(snapshot& db, const std::string& name) {
  auto stmt = db.prepare(read_by_name_sql);
  if (!stmt->bind(name).step())
    return std::nullopt;
  return row_in(*stmt);
}

std::vector<schedule_record> list_schedules(snapshot& db) {
  std::vector<schedule_record> found;
  auto stmt = db.prepare(list_sql);
  while (stmt->step())
    found.push_back(row_in(*stmt).record);
  return found;
}

void write_schedule(transaction& tx, const schedule_row& row) {
  auto& record = row.record;
  auto& schedule = record.schedule;
  auto& task = schedule.task;
  tx.execute(write_sql, schedule.name, schedule.spec, schedule.tz,
             static_cast<int>(schedule.overlap), static_cast<int>(schedule.catch_up),
             schedule.catch_up_max, schedule.start_ms, schedule.end_ms,
             std::int64_t{schedule.jitter.count()}, row.anchor_ms, record.paused, record.next_at_ms,
             record.last_at_ms, record.fired, record.skipped, record.missed, record.error,
             record.created_at_ms, record.changed_at_ms, task.queue, task.kind,
             static_cast<int>(task.priority), task.retry.attempts_max,
             std::int64_t{task.retry.base.count()}, task.retry.factor,
             std::int64_t{task.retry.cap.count()}, task.retry.jitter,
             std::int64_t{task.timeout.count()}, task.crashes_max, task.gate, task.gate_capacity,
             std::int64_t{task.start_within.count()}, std::int64_t{task.end_within.count()},
             std::int64_t{task.heartbeat.count()}, task.tenant,
             std::int64_t{task.head_start.count()}, task.payload);
  if (record.next_at_ms)
    tx.announce({event::topic::task_ready, *record.next_at_ms});
}

schedule_times times_of(const schedule_row& row) {
  auto& schedule = row.record.schedule;
  return {schedule.spec, schedule.tz, row.anchor_ms};
}

std::optional<std::int64_t> next_time(const schedule_row& row, const schedule_times& times,
                                      std::int64_t after_ms) {
  auto& schedule = row.record.schedule;
  if (schedule.start_ms)
    after_ms = std::max(after_ms, *schedule.start_ms - 1);
  auto next = times.next_after(after_ms);
  return next && schedule.end_ms && *next > *schedule.end_ms ? std::nullopt : next;
}

void check_schedule(const schedule_spec& spec) {
  constexpr std::int64_t time_max = (std::int64_t{1} << 48) - 1;
  constexpr std::size_t payload_max = std::size_t{1} << 20;
  auto is_time = [](std::optional<std::int64_t> x) { return !x || (*x >= 0 && *x <= time_max); };
  check_task(spec.task);
  require(!spec.name.empty() && spec.name.size() <= 100, "name must be 1 to 100 bytes long");
  require(spec.overlap <= schedule_overlap::cancel_previous,
          "overlap must be allow, skip, queue_one or cancel_previous");
  require(spec.catch_up <= schedule_catch_up::all, "catch_up must be none, last or all");
  require(spec.catch_up_max >= 1 && spec.catch_up_max <= 1000, "catch_up_max must be 1 to 1000");
  require(is_time(spec.start_ms) && is_time(spec.end_ms),
          "start and end must be Unix milliseconds from 0 to 2^48 - 1");
  require(!spec.start_ms || !spec.end_ms || *spec.start_ms <= *spec.end_ms,
          "end must not be before start");
  require(spec.jitter >= milliseconds{0} && spec.jitter <= std::chrono::hours{24},
          "jitter must be 0 to 24 hours");
  require(spec.task.payload.size() <= payload_max, "payload is over its limit of 1 MiB");
  require(spec.task.unique.key.empty(), "the task must not have a unique key: see overlap");
  require(spec.task.subtasks.empty(), "the task must not have subtasks: enqueue them in its handler");
  require(!spec.task.run_at_ms, "the task must not have a time of its own (run_at)");
  require(spec.overlap != schedule_overlap::queue_one || spec.task.gate.empty()
            || spec.task.gate_capacity == 1,
          "with queue_one the task has no gate, or one of capacity 1");
}

} // namespace quire::storage

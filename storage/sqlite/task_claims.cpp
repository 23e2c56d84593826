#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/claim_choice.hpp"
#include "quire/storage/sqlite/id_list.hpp"
#include "quire/storage/sqlite/lane_rooms.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/subtasks.hpp"
#include "quire/storage/sqlite/task_keys.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <tuple>
#include <utility>

namespace quire::storage {

namespace {

// A handler may go on for some time after its limit, until it is given up.
constexpr std::int64_t stuck_margin_ms = 600'000;

// Tasks of lanes that are refused by a breaker end in portions.
constexpr std::size_t ended_at_once = 200;

constexpr std::string_view next_boot_sql =
  "UPDATE quire_meta SET value = value + 1 WHERE key = 'boot'";

constexpr std::string_view boot_sql = "SELECT value FROM quire_meta WHERE key = 'boot'";

constexpr std::string_view block_task_sql = "UPDATE quire_task SET state = 2 WHERE id = ?1";

constexpr std::string_view make_ready_sql = "UPDATE quire_task SET state = 1 WHERE id = ?1";

constexpr std::string_view gate_capacity_sql =
  "SELECT gate_capacity FROM quire_task_body WHERE id = ?1";

std::vector<claim_candidate> candidates(snapshot& db, const lane_rooms& rooms, std::size_t count,
                                        const claim_ahead& ahead, std::int64_t now_ms) {
  std::vector<claim_candidate> found;
  // Of many lanes none gives most of what is claimed ahead.
  auto few = std::max<std::size_t>(2, 4 * ahead.count / std::max<std::size_t>(rooms.lanes().size(), 1));
  auto ahead_most = std::min(ahead.count, few);
  for (std::size_t lane = 0; lane < rooms.lanes().size(); ++lane) {
    auto [id, kind, tenant] = rooms.lanes()[lane];
    bool quick =
      kind < ahead.quick.size() && ahead.quick[kind].count() > 0 && rooms.free_of_limits(kind);
    auto most = std::min(rooms.room(lane), count + ahead.soon + (quick ? ahead_most : 0));
    if (most == 0)
      continue;
    auto stmt = db.prepare(task_sql::claim_candidates);
    stmt->bind(id, most, now_ms);
    while (stmt->step())
      found.push_back({stmt->int64(1), stmt->int64(0), kind, lane, stmt->int64(2),
                       static_cast<int>(stmt->int64(3)), static_cast<int>(stmt->int64(4)),
                       stmt->optional_int64(6), stmt->int64(7) != 0 || rooms.guarded(kind),
                       quick && stmt->int64(5) != 0, stmt->int64(8) != 0});
  }
  return found;
}

/// Ends waiting tasks whose breaker is open and says so. Returns whether some may be left.
bool end_refused_tasks(transaction& tx, const lane_rooms& rooms, std::int64_t now_ms) {
  std::size_t left = ended_at_once;
  for (auto& lane : rooms.ending()) {
    std::vector<task_id> tasks;
    {
      auto stmt = tx.prepare(task_sql::claim_candidates);
      stmt->bind(lane.id, left, now_ms);
      while (stmt->step())
        tasks.push_back(task_id{stmt->int64(0)});
    }
    auto skip = lane.mode == breaker_mode::skip;
    for (auto task : tasks)
      end_waiting_task(tx, task, skip ? task_state::skipped : task_state::failed,
                       error_class::dependency_down,
                       "the circuit breaker '" + lane.breaker + "' was open", now_ms);
    left -= tasks.size();
  }
  return left == 0;
}

/// Not a typed row: what a damaged file may hold is not the fault of whoever asks.
std::optional<std::int64_t> first_time(snapshot& db, std::string_view sql) {
  auto stmt = db.prepare(sql);
  return stmt->step() ? std::optional{stmt->int64(0)} : std::nullopt;
}

/// The claim without what `add_body` reads.
task_assignment assignment_of(transaction& tx, const claim_candidate& one,
                              const std::string& kind) {
  task_assignment result;
  result.id = task_id{one.id};
  result.epoch = one.epoch + 1;
  result.attempt = one.attempt + 1;
  result.attempts_max = one.attempts_max;
  result.kind = kind;
  result.retry.attempts_max = one.attempts_max;
  if (one.has_subtasks)
    result.subtasks = count_subtasks(tx, result.id);
  return result;
}

/// Reads what the row of `task_sql::claimed` says.
void add_body(task_assignment& result, const statement& row, std::optional<std::int64_t> end_by_ms,
              std::int64_t now_ms) {
  result.payload = row.text(1);
  result.timeout = std::chrono::milliseconds{row.int64(2)};
  result.retry.base = std::chrono::milliseconds{row.int64(3)};
  result.retry.factor = row.real(4);
  result.retry.cap = std::chrono::milliseconds{row.int64(5)};
  result.retry.jitter = row.real(6);
  result.heartbeat = std::chrono::milliseconds{row.int64(7)};
  if (!end_by_ms)
    return;
  std::chrono::milliseconds left{std::max<std::int64_t>(*end_by_ms - now_ms, 1)};
  result.is_last_call = result.timeout.count() == 0 || left < result.timeout;
  if (result.is_last_call)
    result.timeout = left;
}

[[noreturn]] void refuse_without_payload(std::int64_t task) {
  throw error(errc::corrupt, "task " + std::to_string(task)
                               + " has no payload; nothing was claimed; restore the database "
                                 "from a backup or cancel the task");
}

/// Claims `chosen`, in that order: a few one by one, many with two statements.
std::vector<task_assignment> claim(transaction& tx, const std::vector<claim_candidate>& chosen,
                                   std::span<const std::string> kinds, std::int64_t boot,
                                   std::int64_t now_ms) {
  std::vector<task_assignment> result;
  result.reserve(chosen.size());
  id_list ids;
  for (auto& one : chosen) {
    result.push_back(assignment_of(tx, one, kinds[one.kind]));
    ids.add(one.id);
  }
  std::vector<bool> read(chosen.size(), false);
  auto read_bodies = [&](statement& rows, std::size_t first) {
    while (rows.step()) {
      auto i = first + static_cast<std::size_t>(rows.int64(0));
      add_body(result[i], rows, chosen[i].end_by_ms, now_ms);
      read[i] = true;
    }
  };
  if (chosen.size() >= id_list::worthwhile) {
    auto list = ids.json();
    tx.execute(task_sql::claim_many, list, boot, now_ms);
    read_bodies(tx.prepare(task_sql::claimed_many)->bind(list), 0);
  } else {
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      tx.execute(task_sql::claim, chosen[i].id, boot, now_ms);
      read_bodies(tx.prepare(task_sql::claimed)->bind(chosen[i].id), i);
    }
  }
  if (auto missing = std::ranges::find(read, false); missing != read.end())
    refuse_without_payload(chosen[static_cast<std::size_t>(missing - read.begin())].id);
  return result;
}

} // namespace

std::vector<task_assignment> claim_tasks(transaction& tx, std::span<const std::string> kinds,
                                         std::size_t count, std::int64_t boot,
                                         std::int64_t now_ms) {
  return claim_tasks(tx, kinds, count, {}, boot, now_ms).tasks;
}

claimed_tasks claim_tasks(transaction& tx, std::span<const std::string> kinds, std::size_t count,
                          const claim_ahead& ahead, std::int64_t boot, std::int64_t now_ms,
                          tenant_shares shares) {
  claimed_tasks result;
  result.shares = std::move(shares);
  if (count + ahead.count + ahead.soon == 0)
    return result;
  lane_rooms rooms(tx, kinds, now_ms);
  auto chosen = candidates(tx, rooms, count, ahead, now_ms);
  choose(chosen, rooms, count, ahead, result.shares);
  result.tasks = claim(tx, chosen, kinds, boot, now_ms);
  result.again_at_ms = rooms.save(tx);
  if (!rooms.ending().empty() && end_refused_tasks(tx, rooms, now_ms))
    result.again_at_ms = now_ms;
  return result;
}

boot_report begin_boot(transaction& tx, std::int64_t now_ms) {
  boot_report report;
  tx.execute(next_boot_sql);
  {
    auto stmt = tx.prepare(boot_sql);
    if (!stmt->step())
      throw error(errc::corrupt, "quire_meta has no row 'boot'; nothing was changed; restore the "
                                 "database from a backup");
    report.boot = stmt->int64(0);
  }
  join_open_runs(tx, report.boot);
  tx.execute(task_sql::record_dead_attempts, report.boot, now_ms);
  report.recovered = tx.execute(task_sql::requeue_dead_boots, report.boot);
  if (report.recovered > 0)
    announce_ready(tx);
  std::vector<std::pair<task_id, std::int64_t>> rest;
  {
    auto stmt = tx.prepare(task_sql::rest_of_dead_boots);
    stmt->bind(report.boot);
    while (stmt->step())
      rest.emplace_back(task_id{stmt->int64(0)}, stmt->int64(1));
  }
  for (auto& [task, epoch] : rest) {
    auto end = crash_attempt(tx, task, epoch, "its process died while it ran", now_ms);
    if (end.state == task_state::failed)
      ++report.poisoned;
    else if (end.state == task_state::created) // A subtask of it had been started again.
      ++report.recovered;
  }
  return report;
}

std::optional<std::int64_t> promote_due_tasks(transaction& tx, std::int64_t now_ms, int limit) {
  std::vector<std::pair<std::int64_t, std::optional<std::string>>> due;
  {
    auto stmt = tx.prepare(task_sql::due_tasks);
    stmt->bind(now_ms, limit);
    while (stmt->step())
      due.emplace_back(stmt->int64(0),
                       stmt->is_null(1) ? std::nullopt : std::optional{stmt->text(1)});
  }
  // All wait at their gate before it opens, so that priority decides, not time.
  std::set<std::string> gates;
  for (auto& [id, gate] : due) {
    if (!gate) {
      tx.execute(make_ready_sql, id);
      announce_ready(tx);
      continue;
    }
    tx.execute(block_task_sql, id);
    if (gates.insert(*gate).second) {
      int capacity = 1;
      {
        auto stmt = tx.prepare(gate_capacity_sql);
        if (stmt->bind(id).step())
          capacity = static_cast<int>(stmt->int64(0));
      }
      create_gate(tx, *gate, capacity);
    }
  }
  for (auto& gate : gates)
    pump_gate(tx, gate);
  return next_due_time(tx);
}

std::optional<std::int64_t> next_due_time(snapshot& db) {
  return first_time(db, task_sql::next_due_time);
}

std::optional<std::int64_t> expire_tasks(transaction& tx, std::int64_t now_ms, int limit) {
  std::vector<std::pair<task_id, bool>> expired;
  {
    auto stmt = tx.prepare(task_sql::expired_tasks);
    stmt->bind(now_ms, limit);
    while (stmt->step())
      expired.emplace_back(task_id{stmt->int64(0)}, stmt->int64(1) != 0);
  }
  for (auto& [task, had_to_end] : expired)
    end_waiting_task(tx, task, task_state::failed, error_class::timeout,
                     had_to_end ? "it had not ended when its time was up"
                                : "it had not started when its time was up",
                     now_ms);
  return first_time(tx, task_sql::next_expiry);
}

std::vector<task_id> fail_stuck_tasks(transaction& tx, std::int64_t claimed_before_ms,
                                      std::int64_t judged_at_ms, std::int64_t now_ms, int limit) {
  std::vector<std::tuple<task_id, std::int64_t, std::int64_t>> stuck;
  {
    auto stmt = tx.prepare(task_sql::stuck_tasks);
    stmt->bind(claimed_before_ms, judged_at_ms, stuck_margin_ms, limit);
    while (stmt->step())
      stuck.emplace_back(task_id{stmt->int64(0)}, stmt->int64(1), stmt->int64(2));
  }
  std::vector<task_id> ids;
  for (auto& [task, epoch, delay_ms] : stuck) {
    auto outcome = task_outcome::failure("its worker disappeared: it ran for longer than it may, "
                                         "and nobody said how it ended",
                                         error_class::lost);
    finish_attempt(tx, task, epoch, outcome, now_ms + delay_ms, now_ms);
    tx.announce({event::topic::task_cancel, task.value});
    ids.push_back(task);
  }
  return ids;
}

std::int64_t prune_tasks(transaction& tx, std::int64_t ended_before_ms, int limit) {
  forget_keys(tx, ended_before_ms, limit);
  return delete_ended_tasks(tx, task_sql::ended_tasks, ended_before_ms, limit);
}

} // namespace quire::storage

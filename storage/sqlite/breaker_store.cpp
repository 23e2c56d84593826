#include "quire/storage/sqlite/breaker_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/decisions.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace quire::storage {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view put_sql = R"(
  INSERT INTO quire_breaker(name, failures_max, window, window_percent, open_ms, factor,
                            open_max_ms, probes, successes_min, mode)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
  ON CONFLICT(name) DO UPDATE
  SET failures_max = excluded.failures_max, window = excluded.window,
      window_percent = excluded.window_percent, open_ms = excluded.open_ms,
      factor = excluded.factor, open_max_ms = excluded.open_max_ms, probes = excluded.probes,
      successes_min = excluded.successes_min, mode = excluded.mode)";

constexpr std::string_view row_sql = R"(
  SELECT failures_max, window, window_percent, open_ms, factor, open_max_ms, probes,
         successes_min, mode, failures, recent, recent_count, openings, successes, opened_at,
         probe_at
  FROM quire_breaker
  WHERE name = ?1)";

constexpr std::string_view write_sql = R"(
  UPDATE quire_breaker
  SET failures = ?2, recent = ?3, recent_count = ?4, openings = ?5, successes = ?6,
      opened_at = ?7, probe_at = ?8
  WHERE name = ?1)";

constexpr std::string_view remove_sql = "DELETE FROM quire_breaker WHERE name = ?1";

constexpr std::string_view unguard_sql = R"(
  UPDATE quire_kind INDEXED BY quire_kind_breaker SET breaker = NULL WHERE breaker = ?1)";

constexpr std::string_view names_sql = "SELECT name FROM quire_breaker ORDER BY name";

constexpr std::string_view kinds_sql = R"(
  SELECT kind
  FROM quire_kind INDEXED BY quire_kind_breaker
  WHERE breaker = ?1
  ORDER BY kind)";

void check(const std::string& name, const breaker_policy& policy) {
  auto within = [](auto x, auto low, auto high) { return x >= low && x <= high; };
  require(within(name.size(), 1U, 100U), "the name of a breaker must be 1 to 100 bytes long");
  require(within(policy.failures, 0, 1000), "failures of a breaker must be 0 to 1000");
  require(within(policy.window, 0, 64), "the window of a breaker must be 0 to 64");
  require(policy.failures > 0 || policy.window > 0,
          "a breaker needs failures or a window, or it would never open");
  require(within(policy.window_percent, 1, 100), "window_percent of a breaker must be 1 to 100");
  require(within(policy.open_for, 1ms, std::chrono::milliseconds{24h}),
          "open_for of a breaker must be 1 ms to 1 day");
  require(within(policy.open_max, 1ms, std::chrono::milliseconds{24h}),
          "open_max of a breaker must be 1 ms to 1 day");
  require(std::isfinite(policy.factor) && within(policy.factor, 1.0, 100.0),
          "factor of a breaker must be 1 to 100");
  require(within(policy.probes, 1, 1000), "probes of a breaker must be 1 to 1000");
  require(within(policy.successes, 1, 1000), "successes of a breaker must be 1 to 1000");
  require(policy.mode <= breaker_mode::fail, "mode of a breaker must be hold, skip or fail");
}

breaker_row existing(snapshot& db, const std::string& name) {
  auto row = read_breaker(db, name);
  if (!row)
    throw error(errc::not_found,
                "there is no breaker '" + name + "'; nothing was changed; create it first");
  return *row;
}

breaker_record record_of(snapshot& db, const std::string& name, const breaker_row& row,
                         std::int64_t now_ms) {
  auto& memory = row.memory;
  breaker_record record;
  record.name = name;
  record.policy = row.policy;
  record.state = circuit_breaker(row.policy, memory).state(now_ms);
  record.forced = memory.opened_at_ms && !memory.probe_at_ms;
  record.failures = memory.failures;
  record.openings = memory.openings;
  record.opened_at_ms = memory.opened_at_ms;
  record.probe_at_ms = memory.probe_at_ms;
  auto stmt = db.prepare(kinds_sql);
  stmt->bind(name);
  while (stmt->step())
    record.kinds.push_back(stmt->text(0));
  return record;
}

/// Returns whether `outcome` tells anything about the service behind a breaker, and what.
std::optional<bool> verdict_on_service(const task_outcome& outcome) {
  using verdict = task_outcome::verdict;
  switch (outcome.what) {
    case verdict::completed:
    case verdict::partial_success: return true;
    case verdict::cancelled:
    case verdict::released:
    case verdict::snoozed: return std::nullopt;
    case verdict::failed: break;
  }
  switch (outcome.error_kind) {
    case error_class::transient:
    case error_class::timeout:
    case error_class::dependency_down: return false;
    case error_class::cancelled:
    case error_class::lost: return std::nullopt;
    default: return true; // It answered, if only to refuse.
  }
}

} // namespace

std::optional<breaker_row> read_breaker(snapshot& db, const std::string& name) {
  auto stmt = db.prepare(row_sql);
  if (!stmt->bind(name).step())
    return std::nullopt;
  // A damaged file must not end the process: what is outside of its limits is taken for the
  // nearest that is not.
  auto within = [&](int column, std::int64_t least, std::int64_t most) {
    return static_cast<int>(std::clamp(stmt->int64(column), least, most));
  };
  constexpr std::int64_t day_ms = 86'400'000;
  constexpr std::int64_t many = 1'000'000;
  auto time = [&](int column) {
    return stmt->is_null(column) ? std::nullopt : std::optional{stmt->int64(column)};
  };
  breaker_row row;
  auto& policy = row.policy;
  policy.failures = within(0, 0, 1000);
  policy.window = within(1, 0, 64);
  policy.window_percent = within(2, 1, 100);
  policy.open_for = std::chrono::milliseconds{within(3, 1, day_ms)};
  policy.factor = std::clamp(stmt->real(4), 1.0, 100.0);
  policy.open_max = std::chrono::milliseconds{within(5, 1, day_ms)};
  policy.probes = within(6, 1, 1000);
  policy.successes = within(7, 1, 1000);
  policy.mode = static_cast<breaker_mode>(within(8, 0, 2));
  auto& memory = row.memory;
  memory.failures = within(9, 0, many);
  memory.recent = std::bit_cast<std::uint64_t>(stmt->int64(10));
  memory.recent_count = within(11, 0, 64);
  memory.openings = within(12, 0, many);
  memory.successes = within(13, 0, many);
  memory.opened_at_ms = time(14);
  memory.probe_at_ms = time(15);
  return row;
}

void write_breaker(transaction& tx, const std::string& name, const breaker_memory& memory) {
  tx.execute(write_sql, name, memory.failures, std::bit_cast<std::int64_t>(memory.recent),
             memory.recent_count, memory.openings, memory.successes, memory.opened_at_ms,
             memory.probe_at_ms);
}

breaker_record put_breaker(transaction& tx, const std::string& name, const breaker_policy& policy,
                           std::int64_t now_ms) {
  check(name, policy);
  tx.execute(put_sql, name, policy.failures, policy.window, policy.window_percent,
             std::int64_t{policy.open_for.count()}, policy.factor,
             std::int64_t{policy.open_max.count()}, policy.probes, policy.successes,
             static_cast<int>(policy.mode));
  announce_ready(tx);
  return record_of(tx, name, existing(tx, name), now_ms);
}

breaker_record open_breaker(transaction& tx, const std::string& name, std::int64_t now_ms) {
  auto row = existing(tx, name);
  circuit_breaker breaker(row.policy, row.memory);
  breaker.open(now_ms);
  row.memory = breaker.memory();
  write_breaker(tx, name, row.memory);
  announce_ready(tx); // What its tasks are to end as, they end as now.
  return record_of(tx, name, row, now_ms);
}

breaker_record close_breaker(transaction& tx, const std::string& name, std::int64_t now_ms) {
  auto row = existing(tx, name);
  row.memory = {};
  write_breaker(tx, name, row.memory);
  announce_ready(tx);
  return record_of(tx, name, row, now_ms);
}

void remove_breaker(transaction& tx, const std::string& name) {
  existing(tx, name);
  tx.execute(unguard_sql, name);
  tx.execute(task_sql::drop_undecided_kinds);
  tx.execute(remove_sql, name);
  announce_ready(tx);
}

std::vector<breaker_record> list_breakers(snapshot& db, std::int64_t now_ms) {
  std::vector<breaker_record> breakers;
  for (auto& name : db.query_as<std::string>(names_sql))
    breakers.push_back(record_of(db, name, existing(db, name), now_ms));
  return breakers;
}

bool breaker_results::any_guarded() {
  if (!any_)
    any_ = tx_.prepare(task_sql::any_guarded_kind)->bind().step();
  return *any_;
}

breaker_results::entry* breaker_results::find(const std::string& name) {
  auto known = known_.find(name);
  if (known == known_.end()) {
    auto row = read_breaker(tx_, name);
    if (!row)
      return nullptr;
    circuit_breaker breaker(row->policy, row->memory);
    breaker.heed_clock(now_ms_);
    known = known_.emplace(name, entry{*row, breaker}).first;
  }
  return &known->second;
}

void breaker_results::saw(task_id task, const task_outcome& outcome) {
  if (!any_guarded())
    return;
  auto success = verdict_on_service(outcome);
  if (!success)
    return;
  std::string name;
  std::int64_t started_ms = 0;
  {
    auto stmt = tx_.prepare(task_sql::breaker_of_task);
    if (!stmt->bind(task.value).step() || stmt->is_null(0))
      return;
    name = stmt->text(0);
    started_ms = stmt->int64(1);
  }
  if (auto* found = find(name))
    found->breaker.saw(*success, started_ms, now_ms_);
}

std::vector<breaker_change> breaker_results::save() {
  std::vector<breaker_change> changes;
  for (auto& [name, one] : known_) {
    auto& memory = one.breaker.memory();
    if (memory == one.row.memory)
      continue;
    write_breaker(tx_, name, memory);
    if (memory.opened_at_ms != one.row.memory.opened_at_ms)
      changes.push_back({name, one.breaker.state(now_ms_)});
    one.row.memory = memory;
  }
  return changes;
}

} // namespace quire::storage

#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/stage_steps.hpp"

#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view stage_row_sql = R"(
  SELECT run_id, state, total, completed, partial, failed, cancelled, skipped, sealed, doomed,
         percent_min, count_min, error <> '', generation
  FROM quire_stage
  WHERE id = ?1)";

constexpr std::string_view count_completed_sql =
  "UPDATE quire_stage SET completed = completed + 1 WHERE id = ?1";
constexpr std::string_view count_partial_sql =
  "UPDATE quire_stage SET partial = partial + 1 WHERE id = ?1";
constexpr std::string_view count_failed_sql =
  "UPDATE quire_stage SET failed = failed + 1 WHERE id = ?1";
constexpr std::string_view count_cancelled_sql =
  "UPDATE quire_stage SET cancelled = cancelled + 1 WHERE id = ?1";
constexpr std::string_view count_skipped_sql =
  "UPDATE quire_stage SET skipped = skipped + 1 WHERE id = ?1";

constexpr std::string_view end_stage_sql = R"(
  UPDATE quire_stage SET state = ?2, sealed = 1, finished_at = ?3 WHERE id = ?1 AND state < 10)";

constexpr std::string_view start_stage_sql =
  "UPDATE quire_stage SET state = 1, started_at = ?2 WHERE id = ?1 AND state = 0";

constexpr std::string_view edges_sql =
  "SELECT target, condition FROM quire_edge WHERE source = ?1 ORDER BY target";

constexpr std::string_view pass_edge_sql = R"(
  UPDATE quire_stage
  SET deps_left = deps_left - 1, doomed = max(doomed, ?2)
  WHERE id = ?1 AND state = 0)";

constexpr std::string_view dependencies_sql =
  "SELECT deps_left, doomed FROM quire_stage WHERE id = ?1";

constexpr std::string_view run_row_sql =
  "SELECT state, cancel_req FROM quire_run WHERE id = ?1";

constexpr std::string_view stages_by_state_sql =
  "SELECT state, optional, count(*) FROM quire_stage WHERE run_id = ?1 GROUP BY state, optional";

constexpr std::string_view end_run_sql =
  "UPDATE quire_run SET state = ?2, finished_at = ?3 WHERE id = ?1";

std::string_view counter_of(task_state state) {
  switch (state) {
    case task_state::completed: return count_completed_sql;
    case task_state::partial_success: return count_partial_sql;
    case task_state::failed: return count_failed_sql;
    case task_state::cancelled: return count_cancelled_sql;
    default: return count_skipped_sql;
  }
}

/// Returns how a stage ends whose tasks have all ended.
stage_state end_of(const stage_row& row) {
  auto useful = row.completed + row.partial_success;
  bool enough = useful >= row.success.count_min
                && 100 * useful >= row.success.percent_min * row.total;
  if (row.broken)
    return stage_state::failed;
  if (row.doomed)
    return stage_state::cancelled;
  if (enough && row.completed == row.total)
    return stage_state::completed;
  if (enough && useful > 0)
    return stage_state::partial_success;
  bool all_cancelled = row.total > 0 && row.cancelled == row.total;
  return all_cancelled ? stage_state::cancelled : stage_state::failed;
}

bool cancel_requested(snapshot& db, run_id run) {
  auto stmt = db.prepare(run_row_sql);
  return stmt->bind(run.value).step() && stmt->int64(1) != 0;
}

/// A stage that has ended, and how.
using ended_stage = std::pair<std::int64_t, stage_state>;

std::vector<std::pair<std::int64_t, edge_condition>> edges_of(snapshot& db, std::int64_t stage) {
  std::vector<std::pair<std::int64_t, edge_condition>> edges;
  auto stmt = db.prepare(edges_sql);
  stmt->bind(stage);
  while (stmt->step())
    edges.emplace_back(stmt->int64(0), static_cast<edge_condition>(stmt->int64(1)));
  return edges;
}

/// Starts a waiting stage that nothing is left to wait for. If it ends without having
/// started, returns it.
std::optional<ended_stage> start_or_skip(transaction& tx, std::int64_t stage, bool run_cancelled,
                                         std::int64_t now_ms) {
  std::int64_t left = 0;
  bool doomed = false;
  {
    auto stmt = tx.prepare(dependencies_sql);
    stmt->bind(stage).step();
    left = stmt->int64(0);
    doomed = stmt->int64(1) != 0;
  }
  if (left > 0)
    return std::nullopt;
  if (!doomed && !run_cancelled) {
    tx.execute(start_stage_sql, stage, now_ms);
    tx.announce({event::topic::stage_ready, stage});
    return std::nullopt;
  }
  auto state = doomed ? stage_state::skipped : stage_state::cancelled;
  tx.execute(end_stage_sql, stage, static_cast<int>(state), now_ms);
  return ended_stage{stage, state};
}

/// Takes `edge` of a stage that ended as `source`. If its target ends with that, returns it.
std::optional<ended_stage> pass_edge(transaction& tx,
                                     const std::pair<std::int64_t, edge_condition>& edge,
                                     stage_state source, bool run_cancelled, std::int64_t now_ms) {
  auto [target, condition] = edge;
  if (tx.execute(pass_edge_sql, target, !satisfied(condition, source)) == 0)
    return std::nullopt;
  return start_or_skip(tx, target, run_cancelled, now_ms);
}

/// A list of work instead of recursion: a skipped chain may be 1000 stages long.
void start_or_skip_next(transaction& tx, run_id run, ended_stage first, std::int64_t now_ms) {
  bool run_cancelled = cancel_requested(tx, run);
  std::vector<ended_stage> ended{first};
  while (!ended.empty()) {
    auto [stage, state] = ended.back();
    ended.pop_back();
    for (auto& edge : edges_of(tx, stage))
      if (auto next = pass_edge(tx, edge, state, run_cancelled, now_ms))
        ended.push_back(*next);
  }
}

/// How many stages of a run ended how.
struct stage_counts {
  std::int64_t open = 0;
  std::int64_t completed = 0;
  std::int64_t partial_success = 0;
  std::int64_t failed = 0;
  std::int64_t failed_optional = 0;
  std::int64_t cancelled = 0;
};

stage_counts count_stages(snapshot& db, run_id run) {
  stage_counts counts;
  auto stmt = db.prepare(stages_by_state_sql);
  stmt->bind(run.value);
  while (stmt->step()) {
    bool optional = stmt->int64(1) != 0;
    auto number = stmt->int64(2);
    switch (static_cast<stage_state>(stmt->int64(0))) {
      case stage_state::completed: counts.completed += number; break;
      case stage_state::partial_success: counts.partial_success += number; break;
      case stage_state::failed: (optional ? counts.failed_optional : counts.failed) += number; break;
      case stage_state::cancelled: counts.cancelled += number; break;
      case stage_state::skipped: break;
      default: counts.open += number;
    }
  }
  return counts;
}

run_state end_of(const stage_counts& counts, bool run_cancelled) {
  if (run_cancelled && counts.cancelled > 0)
    return run_state::cancelled;
  if (counts.failed > 0)
    return run_state::failed;
  if (counts.completed + counts.partial_success + counts.failed_optional == 0)
    return counts.cancelled > 0 ? run_state::cancelled : run_state::completed;
  if (counts.partial_success + counts.failed_optional + counts.cancelled > 0)
    return run_state::partial_success;
  return run_state::completed;
}

} // namespace

std::optional<stage_row> read_stage_row(snapshot& db, stage_id stage) {
  auto stmt = db.prepare(stage_row_sql);
  if (!stmt->bind(stage.value).step())
    return std::nullopt;
  stage_row row;
  row.run = run_id{stmt->int64(0)};
  row.state = static_cast<stage_state>(stmt->int64(1));
  row.total = stmt->int64(2);
  row.completed = stmt->int64(3);
  row.partial_success = stmt->int64(4);
  row.failed = stmt->int64(5);
  row.cancelled = stmt->int64(6);
  row.skipped = stmt->int64(7);
  row.sealed = stmt->int64(8) != 0;
  row.doomed = stmt->int64(9) != 0;
  row.success.percent_min = static_cast<int>(stmt->int64(10));
  row.success.count_min = stmt->int64(11);
  row.broken = stmt->int64(12) != 0;
  row.generation = stmt->int64(13);
  return row;
}

void settle_stage(transaction& tx, stage_id stage, std::int64_t now_ms) {
  auto row = read_stage_row(tx, stage);
  if (!row || is_terminal(row->state) || !row->sealed || row->done() < row->total)
    return;
  auto state = end_of(*row);
  tx.execute(end_stage_sql, stage.value, static_cast<int>(state), now_ms);
  start_or_skip_next(tx, row->run, {stage.value, state}, now_ms);
  settle_run(tx, row->run, now_ms);
}

void settle_waiting_stage(transaction& tx, stage_id stage, std::int64_t now_ms) {
  auto row = read_stage_row(tx, stage);
  if (!row || row->state != stage_state::waiting)
    return;
  if (auto ended = start_or_skip(tx, stage.value, cancel_requested(tx, row->run), now_ms)) {
    start_or_skip_next(tx, row->run, *ended, now_ms);
    settle_run(tx, row->run, now_ms);
  }
}

void settle_run(transaction& tx, run_id run, std::int64_t now_ms) {
  bool run_cancelled = false;
  {
    auto stmt = tx.prepare(run_row_sql);
    if (!stmt->bind(run.value).step() || is_terminal(static_cast<run_state>(stmt->int64(0))))
      return;
    run_cancelled = stmt->int64(1) != 0;
  }
  auto counts = count_stages(tx, run);
  if (counts.open > 0)
    return;
  tx.execute(end_run_sql, run.value, static_cast<int>(end_of(counts, run_cancelled)), now_ms);
  tx.announce({event::topic::run_finished, run.value});
}

void count_ended_task(transaction& tx, stage_id stage, task_state state, std::int64_t now_ms) {
  tx.execute(counter_of(state), stage.value);
  settle_stage(tx, stage, now_ms);
}

} // namespace quire::storage

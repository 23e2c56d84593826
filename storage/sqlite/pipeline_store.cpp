#include "quire/storage/sqlite/pipeline_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/stage_steps.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <set>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view insert_run_sql = R"(
  INSERT INTO quire_run(pipeline, definition, params, state, boot, created_at)
  VALUES(?1, ?2, ?3, 3, ?4, ?5))";

constexpr std::string_view insert_stage_sql = R"(
  INSERT INTO quire_stage(run_id, position, name, state, deps_left, percent_min, count_min,
                          optional, started_at)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9))";

constexpr std::string_view insert_edge_sql =
  "INSERT INTO quire_edge(source, target, condition) VALUES(?1, ?2, ?3)";

constexpr std::string_view quote_sql = "SELECT json_quote(?1) || ':' || json_quote(?2)";

constexpr std::string_view grow_stage_sql = "UPDATE quire_stage SET total = ?2 WHERE id = ?1";

constexpr std::string_view seal_stage_sql = R"(
  UPDATE quire_stage
  SET state = 3, sealed = 1, doomed = ?2, error = ?3
  WHERE id = ?1 AND state = 1)";

constexpr std::string_view run_row_sql = "SELECT state, cancel_req FROM quire_run WHERE id = ?1";

constexpr std::string_view request_cancel_sql = "UPDATE quire_run SET cancel_req = 1 WHERE id = ?1";

constexpr std::string_view cancel_waiting_stages_sql = R"(
  UPDATE quire_stage
  SET state = 13, sealed = 1, finished_at = ?2
  WHERE run_id = ?1 AND state = 0)";

constexpr std::string_view open_stages_sql =
  "SELECT id FROM quire_stage WHERE run_id = ?1 AND state < 10 ORDER BY position";

constexpr std::string_view join_run_sql = R"(
  UPDATE quire_run INDEXED BY quire_run_open
  SET boots = boots + 1, boot = ?1
  WHERE state < 10 AND boot <> ?1)";

constexpr std::string_view add_recovered_sql =
  "UPDATE quire_run SET recovered = recovered + ?2 WHERE id = ?1";

// Not left to foreign keys, as with tasks.
constexpr std::string_view mark_pruned_sql = "UPDATE quire_run SET pruned = 1 WHERE id = ?1";

constexpr std::string_view delete_edges_sql =
  "DELETE FROM quire_edge WHERE source IN (SELECT id FROM quire_stage WHERE run_id = ?1)";
constexpr std::string_view delete_stages_sql = "DELETE FROM quire_stage WHERE run_id = ?1";
constexpr std::string_view delete_run_sql = "DELETE FROM quire_run WHERE id = ?1";

std::string to_json(snapshot& db, const std::map<std::string, std::string>& params) {
  std::string json = "{";
  for (auto& [name, text] : params) {
    auto stmt = db.prepare(quote_sql);
    stmt->bind(name, text).step();
    json += (json.size() > 1 ? "," : "") + stmt->text(0);
  }
  return json + "}";
}

[[noreturn]] void refuse(const pipeline_spec& spec, const std::string& what) {
  throw error(errc::invalid_argument, "no run of pipeline '" + spec.name + "' was created: " + what
                                        + "; correct the pipeline and try again");
}

/// Creates the stages and returns their ids by name.
std::map<std::string, std::int64_t> create_stages(transaction& tx, const pipeline_spec& spec,
                                                  std::int64_t run, std::int64_t now_ms) {
  std::map<std::string, std::int64_t> ids;
  for (std::size_t position = 0; position < spec.stages.size(); ++position) {
    auto& stage = spec.stages[position];
    if (ids.contains(stage.name))
      refuse(spec, "two stages are called '" + stage.name + "'");
    bool starts = stage.after.empty();
    auto state = starts ? stage_state::fanning : stage_state::waiting;
    tx.execute(insert_stage_sql, run, position, stage.name, static_cast<int>(state),
               stage.after.size(), stage.success.percent_min, stage.success.count_min,
               stage.optional, starts ? std::optional{now_ms} : std::nullopt);
    auto id = tx.last_insert_rowid();
    ids.emplace(stage.name, id);
    if (starts)
      tx.announce({event::topic::stage_ready, id});
  }
  return ids;
}

/// Returns whether `row` still wants what was begun for `target`.
bool is_fanning(const std::optional<stage_row>& row, const stage_incarnation& target) {
  return row && row->state == stage_state::fanning && row->generation == target.generation;
}

} // namespace

run_id create_run(transaction& tx, const pipeline_spec& spec,
                  const std::map<std::string, std::string>& params, std::int64_t boot,
                  std::int64_t now_ms) {
  tx.execute(insert_run_sql, spec.name, spec.source, to_json(tx, params), boot, now_ms);
  run_id run{tx.last_insert_rowid()};
  auto ids = create_stages(tx, spec, run.value, now_ms);
  for (auto& stage : spec.stages) {
    std::set<std::string> sources;
    for (auto& dependency : stage.after) {
      auto source = ids.find(dependency.stage);
      if (source == ids.end() || dependency.stage == stage.name)
        refuse(spec, "stage '" + stage.name + "' cannot run after '" + dependency.stage + "'");
      if (!sources.insert(dependency.stage).second)
        refuse(spec, "stage '" + stage.name + "' runs after '" + dependency.stage + "' twice");
      tx.execute(insert_edge_sql, source->second, ids.at(stage.name),
                 static_cast<int>(dependency.when));
    }
  }
  settle_run(tx, run, now_ms); // Without stages there is nothing to wait for.
  return run;
}

bool fan_out(transaction& tx, const stage_incarnation& target, std::int64_t first,
             std::span<const task_spec> tasks, bool last, std::int64_t now_ms) {
  auto stage = target.stage;
  auto row = read_stage_row(tx, stage);
  if (!is_fanning(row, target) || row->total != first)
    return false;
  enqueue_stage_tasks(tx, tasks, stage, first, now_ms);
  tx.execute(grow_stage_sql, stage.value, first + static_cast<std::int64_t>(tasks.size()));
  if (last) {
    tx.execute(seal_stage_sql, stage.value, false, "");
    settle_stage(tx, stage, now_ms);
  }
  return true;
}

bool fail_stage(transaction& tx, const stage_incarnation& target, const std::string& error,
                std::int64_t now_ms) {
  auto stage = target.stage;
  if (!is_fanning(read_stage_row(tx, stage), target))
    return false;
  auto text = error.empty() ? "its tasks could not be created" : error;
  tx.execute(seal_stage_sql, stage.value, false, text);
  cancel_open_tasks(tx, stage, "the other tasks of its stage could not be created: " + text,
                    now_ms);
  settle_stage(tx, stage, now_ms);
  return true;
}

void cancel_open_tasks(transaction& tx, stage_id stage, const std::string& reason,
                       std::int64_t now_ms) {
  std::vector<task_id> open;
  {
    auto stmt = tx.prepare(task_sql::open_tasks_of_stage);
    stmt->bind(stage.value);
    while (stmt->step())
      open.push_back(task_id{stmt->int64(0)});
  }
  for (auto task : open)
    if (auto row = read_task_row(tx, task))
      cancel_open_task(tx, task, *row, reason, now_ms);
}

run_state cancel_run(transaction& tx, run_id run, const std::string& reason, std::int64_t now_ms) {
  auto name = "run " + std::to_string(run.value);
  auto state = [&]() -> std::optional<run_state> {
    auto stmt = tx.prepare(run_row_sql);
    if (!stmt->bind(run.value).step())
      return std::nullopt;
    return static_cast<run_state>(stmt->int64(0));
  };
  auto before = state();
  if (!before)
    throw error(errc::not_found, "there is no " + name
                                   + "; nothing was changed; it may have been "
                                     "deleted after the time that ended runs are kept");
  if (is_terminal(*before))
    throw error(errc::conflict, name + " is " + std::string{to_string(*before)}
                                  + "; nothing was changed; a run that has ended cannot be "
                                    "cancelled");
  tx.execute(request_cancel_sql, run.value);
  tx.execute(cancel_waiting_stages_sql, run.value, now_ms);
  std::vector<stage_id> open;
  {
    auto stmt = tx.prepare(open_stages_sql);
    stmt->bind(run.value);
    while (stmt->step())
      open.push_back(stage_id{stmt->int64(0)});
  }
  // All get no more tasks before the first one ends and asks whether it is the last.
  for (auto stage : open)
    tx.execute(seal_stage_sql, stage.value, true, "");
  for (auto stage : open) {
    cancel_open_tasks(tx, stage, reason, now_ms);
    settle_stage(tx, stage, now_ms);
  }
  settle_run(tx, run, now_ms);
  return *state();
}

void join_open_runs(transaction& tx, std::int64_t boot) {
  tx.execute(join_run_sql, boot);
  std::vector<std::pair<std::int64_t, std::int64_t>> recovered;
  {
    auto stmt = tx.prepare(task_sql::recovered_by_run);
    stmt->bind(boot);
    while (stmt->step())
      recovered.emplace_back(stmt->int64(0), stmt->int64(1));
  }
  for (auto& [run, tasks] : recovered)
    tx.execute(add_recovered_sql, run, tasks);
}

std::int64_t prune_runs(transaction& tx, std::int64_t ended_before_ms, int tasks_max) {
  std::int64_t deleted = 0;
  while (deleted < tasks_max) {
    std::int64_t run = 0;
    {
      auto stmt = tx.prepare(task_sql::ended_run);
      if (!stmt->bind(ended_before_ms).step())
        break;
      run = stmt->int64(0);
    }
    auto left = tasks_max - static_cast<int>(deleted);
    auto tasks = delete_ended_tasks(tx, task_sql::tasks_of_run, run, left);
    deleted += tasks;
    if (tasks < left) {
      tx.execute(delete_edges_sql, run);
      tx.execute(delete_stages_sql, run);
      // In an index that is damaged it may stand for ever without being there.
      if (tx.execute(delete_run_sql, run) == 0)
        throw error(errc::corrupt, "the index of ended runs names a run that does not exist");
      ++deleted;
    } else {
      tx.execute(mark_pruned_sql, run);
    }
  }
  return deleted;
}

} // namespace quire::storage

#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/task_results.hpp"

#include "quire/storage/error.hpp"

#include <utility>

namespace quire::storage {

namespace {

// From the index alone: the rows themselves are read for those that are wanted.
constexpr std::string_view fanning_ids_sql = R"(
  SELECT id
  FROM quire_stage INDEXED BY quire_stage_fanning
  WHERE state = 1
  ORDER BY id)";

constexpr std::string_view fanning_stage_sql = R"(
  SELECT s.generation, s.run_id, s.name, r.params, s.total
  FROM quire_stage s
    CROSS JOIN quire_run r ON r.id = s.run_id
  WHERE s.id = ?1)";

constexpr std::string_view params_sql = "SELECT key, value FROM json_each(?1)";

constexpr std::string_view stage_outputs_sql = R"(
  SELECT ifnull(r.output, 'null'), ifnull(r.file, ''), t.id
  FROM quire_stage s
    CROSS JOIN quire_task t INDEXED BY quire_task_stage ON t.stage_id = s.id
    LEFT JOIN quire_task_result r ON r.id = t.id
  WHERE s.run_id = ?1 AND s.name = ?2 AND t.state IN (10, 11)
  ORDER BY t.item)";

constexpr std::string_view newest_open_run_sql = R"(
  SELECT id
  FROM quire_run INDEXED BY quire_run_open
  WHERE state < 10 AND pipeline = ?1 AND definition = ?2
  ORDER BY id DESC
  LIMIT 1)";

constexpr std::string_view count_open_runs_sql = R"(
  SELECT count(*) FROM quire_run INDEXED BY quire_run_open WHERE state < 10 AND pipeline = ?1)";

constexpr std::string_view list_runs_sql = R"(
  SELECT id, pipeline, state, params, created_at, finished_at, recovered, boots, cancel_req
  FROM quire_run
  WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR pipeline = ?2)
  ORDER BY id DESC
  LIMIT ?3)";

constexpr std::string_view find_run_sql = R"(
  SELECT id, pipeline, state, params, created_at, finished_at, recovered, boots, cancel_req
  FROM quire_run
  WHERE id = ?1)";

constexpr std::string_view stages_sql = R"(
  SELECT id, name, state, total, completed, partial, failed, cancelled, skipped, sealed,
         started_at, finished_at, error
  FROM quire_stage
  WHERE run_id = ?1
  ORDER BY position)";

constexpr std::string_view definition_sql = "SELECT definition FROM quire_run WHERE id = ?1";

std::map<std::string, std::string> params_from(snapshot& db, const std::string& json) {
  std::map<std::string, std::string> params;
  auto stmt = db.prepare(params_sql);
  stmt->bind(json);
  while (stmt->step())
    params.emplace(stmt->text(0), stmt->text(1));
  return params;
}

run_record read_run(snapshot& db, statement& stmt) {
  run_record run;
  run.id = run_id{stmt.int64(0)};
  run.pipeline = stmt.text(1);
  run.state = static_cast<run_state>(stmt.int64(2));
  run.params = params_from(db, stmt.text(3));
  run.created_at_ms = stmt.int64(4);
  run.finished_at_ms = stmt.optional_int64(5);
  run.recovered = stmt.int64(6);
  run.boots = stmt.int64(7);
  run.cancel_requested = stmt.int64(8) != 0;
  return run;
}

std::vector<stage_record> stages_of(snapshot& db, run_id run) {
  std::vector<stage_record> stages;
  auto stmt = db.prepare(stages_sql);
  stmt->bind(run.value);
  while (stmt->step()) {
    auto& stage = stages.emplace_back();
    stage.id = stage_id{stmt->int64(0)};
    stage.name = stmt->text(1);
    stage.state = static_cast<stage_state>(stmt->int64(2));
    stage.total = stmt->int64(3);
    stage.completed = stmt->int64(4);
    stage.partial_success = stmt->int64(5);
    stage.failed = stmt->int64(6);
    stage.cancelled = stmt->int64(7);
    stage.skipped = stmt->int64(8);
    stage.sealed = stmt->int64(9) != 0;
    stage.started_at_ms = stmt->optional_int64(10);
    stage.finished_at_ms = stmt->optional_int64(11);
    stage.error = stmt->text(12);
  }
  return stages;
}

} // namespace

std::vector<fanning_stage> fanning_stages(snapshot& db, std::size_t count_max,
                                          const std::set<stage_id>& except) {
  std::vector<fanning_stage> stages;
  auto ids = db.prepare(fanning_ids_sql);
  while (stages.size() < count_max && ids->step()) {
    stage_id id{ids->int64(0)};
    if (except.contains(id))
      continue;
    auto stmt = db.prepare(fanning_stage_sql);
    if (stmt->bind(id.value).step())
      stages.push_back({{id, stmt->int64(0)},
                        run_id{stmt->int64(1)},
                        stmt->text(2),
                        params_from(db, stmt->text(3)),
                        stmt->int64(4)});
  }
  return stages;
}

std::vector<std::string> stage_outputs(snapshot& db, run_id run, std::string_view stage,
                                       std::size_t bytes_max) {
  std::vector<std::string> outputs;
  std::size_t bytes = 0;
  auto stmt = db.prepare(stage_outputs_sql);
  stmt->bind(run.value, stage);
  while (stmt->step()) {
    auto file = stmt->text(1);
    bytes += outputs
               .emplace_back(file.empty() ? stmt->text(0)
                                          : output_in_file(db, task_id{stmt->int64(2)}, file))
               .size();
    if (bytes > bytes_max)
      throw error(errc::too_large, "the outputs of the stage '" + std::string{stage}
                                     + "' are larger than " + std::to_string(bytes_max)
                                     + " bytes together, the most that one stage may take from "
                                       "another; let its tasks put out less");
  }
  return outputs;
}

std::optional<run_id> newest_open_run(snapshot& db, std::string_view pipeline,
                                      std::string_view definition) {
  auto stmt = db.prepare(newest_open_run_sql);
  if (!stmt->bind(pipeline, definition).step())
    return std::nullopt;
  return run_id{stmt->int64(0)};
}

std::int64_t count_open_runs(snapshot& db, std::string_view pipeline) {
  auto stmt = db.prepare(count_open_runs_sql);
  return stmt->bind(pipeline).step() ? stmt->int64(0) : 0;
}

std::vector<run_record> list_runs(snapshot& db, const run_filter& filter) {
  std::optional<std::int64_t> state;
  if (filter.state)
    state = static_cast<std::int64_t>(*filter.state);
  std::vector<run_record> runs;
  {
    auto stmt = db.prepare(list_runs_sql);
    stmt->bind(state, filter.pipeline, filter.limit.value_or(-1));
    while (stmt->step())
      runs.push_back(read_run(db, *stmt));
  }
  for (auto& run : runs)
    run.stages = stages_of(db, run.id);
  return runs;
}

std::optional<run_record> find_run(snapshot& db, run_id run) {
  auto stmt = db.prepare(find_run_sql);
  if (!stmt->bind(run.value).step())
    return std::nullopt;
  auto record = read_run(db, *stmt);
  record.stages = stages_of(db, run);
  return record;
}

std::optional<std::string> run_definition(snapshot& db, run_id run) {
  auto stmt = db.prepare(definition_sql);
  if (!stmt->bind(run.value).step())
    return std::nullopt;
  return stmt->text(0);
}

} // namespace quire::storage

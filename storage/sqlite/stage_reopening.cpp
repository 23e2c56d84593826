#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/stage_steps.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <set>

namespace quire::storage {

namespace {

// A stage that is `fanning` stays so: the work on its tasks goes on.
constexpr std::string_view reopen_stage_sql = R"(
  UPDATE quire_stage
  SET state = ?2, sealed = ?3, doomed = 0, error = '', finished_at = NULL,
      generation = generation + (state <> 1),
      partial = partial - (?4 = 11), failed = failed - (?4 = 12), cancelled = cancelled - (?4 = 13)
  WHERE id = ?1)";

constexpr std::string_view reopen_run_sql =
  "UPDATE quire_run SET state = 3, cancel_req = 0, finished_at = NULL WHERE id = ?1";

constexpr std::string_view obstacles_sql =
  "SELECT state < 10 AND cancel_req = 1, pruned FROM quire_run WHERE id = ?1";

constexpr std::string_view targets_sql = "SELECT target FROM quire_edge WHERE source = ?1";

constexpr std::string_view sources_sql = R"(
  SELECT s.state, e.condition
  FROM quire_edge e INDEXED BY quire_edge_target
    JOIN quire_stage s ON s.id = e.source
  WHERE e.target = ?1)";

constexpr std::string_view empty_stage_sql = R"(
  UPDATE quire_stage
  SET state = 0, total = 0, completed = 0, partial = 0, failed = 0, cancelled = 0, skipped = 0,
      sealed = 0, doomed = 0, started_at = NULL, finished_at = NULL, error = '',
      generation = generation + 1
  WHERE id = ?1)";

constexpr std::string_view set_dependencies_sql =
  "UPDATE quire_stage SET deps_left = ?2, doomed = ?3 WHERE id = ?1";

std::set<std::int64_t> stages_after(snapshot& db, stage_id stage) {
  std::set<std::int64_t> found;
  std::vector<std::int64_t> open{stage.value};
  while (!open.empty()) {
    auto stmt = db.prepare(targets_sql);
    stmt->bind(open.back());
    open.pop_back();
    while (stmt->step())
      if (auto target = stmt->int64(0); found.insert(target).second)
        open.push_back(target);
  }
  return found;
}

void require_reopenable(snapshot& db, run_id run) {
  auto stmt = db.prepare(obstacles_sql);
  if (!stmt->bind(run.value).step())
    return;
  auto subject = "run " + std::to_string(run.value);
  if (stmt->int64(0) != 0)
    throw error(errc::conflict, subject
                                  + " is being cancelled; nothing was changed; try again when it "
                                    "has ended");
  if (stmt->int64(1) != 0)
    throw error(errc::conflict, subject
                                  + " is being deleted, because it ended longer ago than runs are "
                                    "kept; nothing was changed; start a new run");
}

void empty_stage(transaction& tx, std::int64_t stage) {
  std::vector<task_id> tasks;
  {
    auto stmt = tx.prepare(task_sql::tasks_of_stage);
    stmt->bind(stage, -1);
    while (stmt->step())
      tasks.push_back(task_id{stmt->int64(0)});
  }
  for (auto task : tasks)
    delete_task(tx, task);
  tx.execute(empty_stage_sql, stage);
}

} // namespace

void count_dependencies(transaction& tx, stage_id stage) {
  std::int64_t left = 0;
  bool doomed = false;
  {
    auto stmt = tx.prepare(sources_sql);
    stmt->bind(stage.value);
    while (stmt->step()) {
      auto state = static_cast<stage_state>(stmt->int64(0));
      if (!is_terminal(state))
        ++left;
      else if (!satisfied(static_cast<edge_condition>(stmt->int64(1)), state))
        doomed = true;
    }
  }
  tx.execute(set_dependencies_sql, stage.value, left, doomed);
}

void reopen_stage(transaction& tx, stage_id stage, task_state was, std::int64_t) {
  auto row = read_stage_row(tx, stage);
  if (!row)
    return;
  require_reopenable(tx, row->run);
  bool ended = is_terminal(row->state);
  // A stage that ended before all of its tasks existed gets the rest of them.
  bool incomplete = row->doomed || row->broken || !row->sealed;
  auto state = incomplete ? stage_state::fanning : stage_state::running;
  tx.execute(reopen_stage_sql, stage.value, static_cast<int>(state), !incomplete,
             static_cast<int>(was));
  tx.execute(reopen_run_sql, row->run.value);
  if (state == stage_state::fanning)
    tx.announce({event::topic::stage_ready, stage.value});
  if (!ended)
    return;
  auto after = stages_after(tx, stage);
  for (auto next : after)
    empty_stage(tx, next);
  for (auto next : after)
    count_dependencies(tx, stage_id{next});
}

} // namespace quire::storage

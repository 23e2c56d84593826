#include "quire/storage/sqlite/upkeep.hpp"

#include "quire/messages/types/ids.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <optional>
#include <string>
#include <vector>

namespace quire::storage {

namespace {

constexpr std::string_view insert_record_sql = R"(
  INSERT INTO quire_maintenance(operation, started_at, ended_at, rows, error)
  VALUES(?1, ?2, ?3, ?4, ?5))";

constexpr std::string_view forget_records_sql = R"(
  DELETE FROM quire_maintenance
  WHERE id <= (SELECT id FROM quire_maintenance ORDER BY id DESC LIMIT 1 OFFSET 1000))";

constexpr std::string_view last_records_sql = R"(
  SELECT operation, started_at, ended_at, rows, error
  FROM quire_maintenance
  WHERE id IN (SELECT max(id) FROM quire_maintenance GROUP BY operation)
  ORDER BY operation)";

// Says what `PRAGMA optimize` would do. That of Quire's own tables is left out: their statements
// name their indexes. All of those of quire_task are partial: the limit does not hold for it, and
// as long as one is empty, it would be worthwhile each time, to read all rows there are.
constexpr std::string_view worthwhile_analyses_sql = "PRAGMA optimize(3)";

constexpr std::string_view stage_exists_sql = "SELECT 1 FROM quire_stage WHERE id = ?1";

std::optional<std::int64_t> next_stage_with_tasks(snapshot& db, std::int64_t after) {
  auto stmt = db.prepare(task_sql::next_stage_with_tasks);
  if (!stmt->bind(after).step())
    return std::nullopt;
  return stmt->int64(0);
}

bool exists(snapshot& db, std::int64_t stage) {
  auto stmt = db.prepare(stage_exists_sql);
  return stmt->bind(stage).step();
}

} // namespace

void record_maintenance(transaction& tx, const maintenance_record& record) {
  tx.execute(insert_record_sql, record.operation, record.started_at_ms, record.ended_at_ms,
             record.rows, record.error);
  tx.execute(forget_records_sql);
}

std::vector<maintenance_record> last_maintenance(snapshot& db) {
  std::vector<maintenance_record> records;
  auto stmt = db.prepare(last_records_sql);
  while (stmt->step())
    records.push_back(
      {stmt->text(0), stmt->int64(1), stmt->int64(2), stmt->int64(3), stmt->text(4)});
  return records;
}

std::int64_t delete_orphans(transaction& tx, int limit) {
  std::int64_t deleted = 0;
  // From stage to stage, not from task to task: one look for each.
  std::int64_t stage = 0;
  while (deleted < limit) {
    auto next = next_stage_with_tasks(tx, stage);
    if (!next)
      break;
    // In an index that is damaged "the next one" may lead in a circle.
    if (*next <= stage)
      throw error(errc::corrupt, "the index of the tasks of stages is out of order");
    stage = *next;
    if (exists(tx, stage))
      continue;
    std::vector<task_id> tasks;
    {
      auto stmt = tx.prepare(task_sql::tasks_of_stage);
      stmt->bind(stage, limit - deleted);
      while (stmt->step())
        tasks.push_back(task_id{stmt->int64(0)});
    }
    for (auto task : tasks)
      delete_task(tx, task);
    deleted += static_cast<std::int64_t>(tasks.size());
  }
  return deleted;
}

void optimize(connection& db) {
  db.prepare("PRAGMA analysis_limit = 400")->run();
  std::vector<std::string> worthwhile;
  {
    auto stmt = db.prepare(worthwhile_analyses_sql);
    while (stmt->step())
      worthwhile.push_back(stmt->text(0));
  }
  for (auto& analysis : worthwhile)
    if (analysis.find("\"quire_") == std::string::npos)
      db.execute(analysis);
}

std::vector<std::string> quick_check(connection& db) {
  return quick_check(snapshot{db});
}

std::vector<std::string> quick_check(const snapshot& db) {
  std::vector<std::string> problems;
  auto stmt = db.prepare("PRAGMA quick_check");
  while (stmt->step())
    problems.push_back(stmt->text(0));
  if (problems.size() == 1 && problems.front() == "ok")
    problems.clear();
  return problems;
}

} // namespace quire::storage

#include "quire/storage/sqlite/task_progress.hpp"

#include "quire/storage/sqlite/task_sql.hpp"

namespace quire::storage {

namespace {

// What an earlier attempt said counts no more.
constexpr std::string_view put_progress_sql = R"(
  INSERT INTO quire_task_progress(id, epoch, percent, step)
  VALUES(?1, ?2, ifnull(?3, 0), ifnull(?4, ''))
  ON CONFLICT(id) DO UPDATE
  SET percent = coalesce(?3, iif(epoch = ?2, percent, 0)),
      step = coalesce(?4, iif(epoch = ?2, step, '')), epoch = ?2)";

constexpr std::string_view last_line_sql =
  "SELECT ifnull(max(seq), 0) FROM quire_task_log WHERE task_id = ?1";

constexpr std::string_view add_line_sql =
  "INSERT INTO quire_task_log(task_id, seq, epoch, at, line) VALUES(?1, ?2, ?3, ?4, ?5)";

constexpr std::string_view drop_lines_sql =
  "DELETE FROM quire_task_log WHERE task_id = ?1 AND seq <= ?2";

constexpr std::string_view lines_sql =
  "SELECT at, epoch, line FROM quire_task_log WHERE task_id = ?1 ORDER BY seq";

} // namespace

bool write_news(transaction& tx, task_id task, std::int64_t epoch, const attempt_news& news) {
  {
    auto stmt = tx.prepare(task_sql::runs_under_claim);
    if (!stmt->bind(task.value, epoch).step())
      return false;
  }
  if (news.percent || news.step)
    tx.execute(put_progress_sql, task.value, epoch, news.percent, news.step);
  if (news.lines.empty())
    return true;
  auto last = tx.query_scalar<std::int64_t>(last_line_sql, task.value);
  for (auto& line : news.lines)
    tx.execute(add_line_sql, task.value, ++last, epoch, line.at_ms, line.text);
  tx.execute(drop_lines_sql, task.value, last - log_lines_max);
  return true;
}

std::vector<log_line> log_of(snapshot& db, task_id task) {
  return db.query_as<log_line>(lines_sql, task.value);
}

} // namespace quire::storage

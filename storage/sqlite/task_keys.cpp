#include "quire/storage/sqlite/task_keys.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/task_sql.hpp"

#include <string_view>

namespace quire::storage {

namespace {

constexpr std::string_view take_key_sql = R"(
  INSERT INTO quire_task_key(kind, key, task_id, until) VALUES(?1, ?2, ?3, ?4)
  ON CONFLICT(kind, key) DO UPDATE SET task_id = excluded.task_id, until = excluded.until)";

constexpr std::string_view key_of_task_sql = R"(
  SELECT l.kind, t.unique_key
  FROM quire_task t
    CROSS JOIN quire_lane l ON l.id = t.lane
  WHERE t.id = ?1 AND t.unique_key IS NOT NULL)";

} // namespace

std::optional<key_holder> find_key_holder(snapshot& db, const std::string& kind,
                                          const std::string& key, std::int64_t now_ms) {
  auto stmt = db.prepare(task_sql::key_holder);
  if (!stmt->bind(kind, key).step())
    return std::nullopt;
  key_holder holder{task_id{stmt->int64(0)}, static_cast<task_state>(stmt->int64(1))};
  if (is_terminal(holder.state) && stmt->int64(2) <= now_ms)
    return std::nullopt;
  return holder;
}

void take_key(transaction& tx, const std::string& kind, const std::string& key, task_id task,
              std::int64_t until_ms) {
  tx.execute(take_key_sql, kind, key, task.value, until_ms);
}

void leave_key(transaction& tx, task_id task, std::int64_t now_ms) {
  tx.execute(task_sql::leave_key, task.value, now_ms);
}

void take_key_again(transaction& tx, task_id task, std::int64_t now_ms) {
  std::string kind;
  std::string key;
  {
    auto stmt = tx.prepare(key_of_task_sql);
    if (!stmt->bind(task.value).step())
      return;
    kind = stmt->text(0);
    key = stmt->text(1);
  }
  auto holder = find_key_holder(tx, kind, key, now_ms);
  if (holder && holder->task != task)
    throw error(errc::conflict, "task " + std::to_string(task.value) + " cannot start again: task "
                                  + std::to_string(holder->task.value) + " has its unique key '"
                                  + key
                                  + "' now; nothing was changed; wait until that one has ended");
  if (!holder)
    take_key(tx, kind, key, task, 0);
}

void forget_keys(transaction& tx, std::int64_t before_ms, int limit) {
  tx.execute(task_sql::forget_keys, before_ms, limit);
}

} // namespace quire::storage

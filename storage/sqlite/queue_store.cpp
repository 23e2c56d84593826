#include "quire/storage/sqlite/queue_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/decisions.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace quire::storage {

namespace {

constexpr int limit_max = 100'000;

constexpr std::string_view pause_sql = R"(
  INSERT INTO quire_queue(queue, paused_at) VALUES(?1, ?2)
  ON CONFLICT(queue) DO UPDATE SET paused_at = ifnull(paused_at, excluded.paused_at))";

constexpr std::string_view resume_sql =
  "UPDATE quire_queue SET paused_at = NULL WHERE queue = ?1 AND capacity IS NOT NULL";

constexpr std::string_view limit_sql = R"(
  INSERT INTO quire_queue(queue, capacity) VALUES(?1, ?2)
  ON CONFLICT(queue) DO UPDATE SET capacity = excluded.capacity)";

constexpr std::string_view unlimit_sql =
  "UPDATE quire_queue SET capacity = NULL WHERE queue = ?1 AND paused_at IS NOT NULL";

// A queue that is neither paused nor limited has no row.
constexpr std::string_view drop_resumed_sql =
  "DELETE FROM quire_queue WHERE queue = ?1 AND capacity IS NULL";

constexpr std::string_view drop_unlimited_sql =
  "DELETE FROM quire_queue WHERE queue = ?1 AND paused_at IS NULL";

constexpr std::string_view decisions_sql = "SELECT queue, paused_at, capacity FROM quire_queue";

using queues = std::map<std::string, queue_record, std::less<>>;

void require_name(const std::string& name) {
  require(!name.empty() && name.size() <= 100, "the name of a queue must be 1 to 100 bytes long");
}

queues read_queues(snapshot& db) {
  queues found;
  for (auto& lane : count_lanes(db))
    add_lane(found[lane.queue], lane);
  {
    auto stmt = db.prepare(decisions_sql);
    while (stmt->step()) {
      auto& queue = found[stmt->text(0)];
      if (!stmt->is_null(1))
        queue.paused_at_ms = stmt->int64(1);
      if (!stmt->is_null(2))
        queue.limit = static_cast<int>(stmt->int64(2));
    }
  }
  for (auto& [name, queue] : found)
    queue.name = name;
  return found;
}

queue_record read_queue(snapshot& db, const std::string& name) {
  auto found = read_queues(db);
  auto& queue = found[name];
  queue.name = name;
  return std::move(queue);
}

} // namespace

queue_record pause_queue(transaction& tx, const std::string& name, std::int64_t now_ms) {
  require_name(name);
  tx.execute(pause_sql, name, now_ms);
  return read_queue(tx, name);
}

queue_record resume_queue(transaction& tx, const std::string& name) {
  require_name(name);
  tx.execute(drop_resumed_sql, name);
  tx.execute(resume_sql, name);
  announce_ready(tx);
  return read_queue(tx, name);
}

queue_record limit_queue(transaction& tx, const std::string& name, std::optional<int> limit) {
  require_name(name);
  if (limit && (*limit < 1 || *limit > limit_max))
    throw error(errc::invalid_argument,
                "the limit of a queue must be 1 to " + std::to_string(limit_max)
                  + "; nothing was changed; to start none of its tasks, pause it");
  if (limit) {
    tx.execute(limit_sql, name, *limit);
  } else {
    tx.execute(drop_unlimited_sql, name);
    tx.execute(unlimit_sql, name);
  }
  announce_ready(tx);
  return read_queue(tx, name);
}

std::vector<queue_record> list_queues(snapshot& db) {
  std::vector<queue_record> queues;
  for (auto& [name, queue] : read_queues(db))
    queues.push_back(std::move(queue));
  return queues;
}

} // namespace quire::storage

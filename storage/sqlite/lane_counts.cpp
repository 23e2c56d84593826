#include "quire/storage/sqlite/lane_counts.hpp"

#include "quire/storage/sqlite/task_sql.hpp"

#include <map>
#include <string_view>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view lanes_sql = "SELECT id, queue, kind, tenant FROM quire_lane";

using lanes = std::map<std::int64_t, lane_counts>;

/// Sets what `sql` counts of each lane.
void count(snapshot& db, std::string_view sql, std::int64_t lane_counts::*into, lanes& found) {
  auto stmt = db.prepare(sql);
  while (stmt->step())
    if (auto lane = found.find(stmt->int64(0)); lane != found.end())
      lane->second.*into = stmt->int64(1);
}

} // namespace

std::vector<lane_counts> count_lanes(snapshot& db) {
  lanes found;
  {
    auto stmt = db.prepare(lanes_sql);
    while (stmt->step()) {
      auto& lane = found[stmt->int64(0)];
      lane.queue = stmt->text(1);
      lane.kind = stmt->text(2);
      lane.tenant = stmt->text(3);
    }
  }
  count(db, task_sql::ready_by_lane, &lane_counts::ready, found);
  count(db, task_sql::running_by_lane, &lane_counts::running, found);
  count(db, task_sql::blocked_by_lane, &lane_counts::blocked, found);
  count(db, task_sql::due_by_lane, &lane_counts::scheduled, found);
  std::vector<lane_counts> result;
  for (auto& [id, lane] : found)
    result.push_back(std::move(lane));
  return result;
}

} // namespace quire::storage

#pragma once

#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace quire::storage {

/// One operation that maintenance carried out.
struct maintenance_record {
  std::string operation;
  std::int64_t started_at_ms = 0;
  std::int64_t ended_at_ms = 0;
  std::int64_t rows = 0;
  std::string error;        ///< Empty if it succeeded.
};

/// Writes down what maintenance did, and forgets all but the last 1000 records.
void record_maintenance(transaction& tx, const maintenance_record& record);

/// Returns the newest record of each operation, by name.
std::vector<maintenance_record> last_maintenance(snapshot& db);

/// Deletes tasks whose stage is gone, up to `limit`, and returns how many.
std::int64_t delete_orphans(transaction& tx, int limit = 500);

/// Lets SQLite refresh the statistics its planner uses of the application's tables, where that
/// is worth it (`PRAGMA optimize`, bounded by `analysis_limit`). Outside of transactions.
void optimize(connection& db);

/// Runs `PRAGMA quick_check`; returns what is wrong, nothing if all is well.
std::vector<std::string> quick_check(connection& db);
std::vector<std::string> quick_check(const snapshot& db);

} // namespace quire::storage

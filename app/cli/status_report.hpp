#pragma once

#include "quire/app/cli/json_objects.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/upkeep.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quire::cli {

/// How a database is, as far as one can tell from outside.
struct status_report {
  std::string database;              ///< With a word on who chose it.
  std::string database_path;
  std::uint64_t file_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::optional<std::string> owner;  ///< Who runs it now: `process 4711`.
  std::int64_t schema = 0;           ///< Number of the last migration; 0 without tables of Quire.
  std::int64_t boot = 0;
  std::vector<std::pair<task_state, std::int64_t>> tasks;
  std::vector<run_record> open_runs;
  std::vector<storage::maintenance_record> maintenance;
};

std::string status_text(const status_report& report, std::int64_t now_ms);
json status_json(const status_report& report);

} // namespace quire::cli

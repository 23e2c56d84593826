#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quire::messages {

/// Asks for all operations of maintenance now. Reply: `maintenance_done`.
struct run_maintenance {};

/// What one operation did.
struct operation_report {
  std::string operation;
  std::int64_t rows = 0;
  std::string error;     ///< Empty if it succeeded.
};

struct maintenance_done {
  std::vector<operation_report> operations;
};

/// Asks the writer, the only one who may, to look after the file between two
/// batches. Reply: `upkeep_done`.
struct upkeep_request {
  bool truncate = false; ///< Also empty the log file, if no reader needs it.
  bool optimize = false; ///< Also let SQLite refresh its statistics.
};

struct upkeep_done {
  std::int64_t frames = 0; ///< In the log before.
  std::int64_t moved = 0;  ///< Of them, those that are in the database file now.
};

} // namespace quire::messages

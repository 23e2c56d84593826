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
  std::string error; ///< Empty if it succeeded.
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

/// Asks the writer to keep the write lock, between two batches, until it is released or
/// 200 ms have passed, so that several readers see the same. Reply: `writes_held`.
struct hold_writes {};

struct writes_held {
  std::uint64_t hold = 0;       ///< For `release_writes`.
  std::uint64_t commit_seq = 0; ///< The number of the last batch.
};

struct release_writes {
  std::uint64_t hold = 0;
};

/// What the writer is told by its own timers and by readers about the log. Never part of a
/// public interface.
struct wal_signal {
  enum class kind : std::uint8_t {
    gate_clear, ///< No snapshot is open behind the gate.
    gate_over,  ///< Readers have been held back for long enough.
    look_again, ///< The log was too large.
    idle,       ///< Perhaps nothing was written for a while.
    probe,      ///< The disk was full.
  };

  kind what = kind::idle;
  std::uint64_t generation = 0; ///< Of the gate.
};

} // namespace quire::messages

#pragma once

#include "quire/messages/types/pipeline.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// What the files of the pipeline store have in common. For this folder only.
namespace quire::storage {

/// What decides on the next step of a stage.
struct stage_row {
  run_id run;
  stage_state state = stage_state::waiting;
  std::int64_t generation = 0;
  std::int64_t total = 0;
  std::int64_t completed = 0;
  std::int64_t partial_success = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t skipped = 0;
  bool sealed = false;
  bool doomed = false;
  success_policy success;
  bool broken = false;         ///< It has an error: its tasks could not all be created.

  std::int64_t done() const noexcept {
    return completed + partial_success + failed + cancelled + skipped;
  }
};

std::optional<stage_row> read_stage_row(snapshot& db, stage_id stage);

/// Ends `stage` if all of its tasks exist and have ended, and does what follows.
void settle_stage(transaction& tx, stage_id stage, std::int64_t now_ms);

/// Counts anew what a waiting stage waits for: stages before it may have ended as they
/// should not.
void count_dependencies(transaction& tx, stage_id stage);

/// Starts a waiting stage that has nothing to wait for any more, or ends it without that,
/// as what came before it wants.
void settle_waiting_stage(transaction& tx, stage_id stage, std::int64_t now_ms);

/// Ends the run if all of its stages have ended.
void settle_run(transaction& tx, run_id run, std::int64_t now_ms);

/// Cancels the tasks of a stage that have not ended.
void cancel_open_tasks(transaction& tx, stage_id stage, const std::string& reason,
                       std::int64_t now_ms);

} // namespace quire::storage

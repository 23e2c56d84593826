#pragma once

#include "quire/messages/types/pipeline.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// All SQL on the tables of runs, stages and edges, as typed functions. Times
/// are Unix milliseconds that the caller passes in.
namespace quire::storage {

/// Creates a run of `spec` with all its stages and edges. Stages that wait for
/// nothing are `fanning`.
run_id create_run(transaction& tx, const pipeline_spec& spec,
                  const std::map<std::string, std::string>& params, std::int64_t boot,
                  std::int64_t now_ms);

/// A stage as it is until it is emptied or opened again: what was begun for one
/// incarnation is refused by the next, whose list may be another.
struct stage_incarnation {
  /// An id alone means the first incarnation.
  stage_incarnation(stage_id id, std::int64_t number = 0) : stage(id), generation(number) {}

  stage_id stage;
  std::int64_t generation;
};

/// A stage whose tasks have to be created.
struct fanning_stage {
  stage_incarnation stage;
  run_id run;
  std::string name;
  std::map<std::string, std::string> params;
  std::int64_t created = 0;          ///< Tasks that exist already: go on with this item.
};

/// Returns the first `count_max` stages, by id, that are `fanning` and not among
/// `except`.
std::vector<fanning_stage> fanning_stages(snapshot& db, std::size_t count_max,
                                          const std::set<stage_id>& except = {});

/// Adds `tasks` to a stage, as its items `first`, `first + 1`, ...; with `last`
/// the stage has all of its tasks: it is sealed, `running`, and ends at once if
/// all of them have ended (or there are none: then it is completed, unless its
/// policy asks for some).
/// @returns whether it did. It does nothing unless the stage is `fanning`, is
///          still this incarnation, and has exactly the items before `first`: a
///          portion that was repeated or overtaken is refused. Look at the
///          stage again then.
bool fan_out(transaction& tx, const stage_incarnation& stage, std::int64_t first,
             std::span<const task_spec> tasks, bool last, std::int64_t now_ms);

/// Ends a stage as failed whose tasks cannot be created.
/// @returns whether it did: not if the stage is not `fanning` any more, or
///          another incarnation.
bool fail_stage(transaction& tx, const stage_incarnation& stage, const std::string& error,
                std::int64_t now_ms);

/// Counts a task of `stage` that ended in `state`, ends the stage if it was the
/// last one, starts or skips the stages after it, and ends the run with its
/// last stage. Called by the task store, in the transaction that ends the task.
void count_ended_task(transaction& tx, stage_id stage, task_state state, std::int64_t now_ms);

/// Takes back what `count_ended_task` counted, because the task starts again:
/// the stage and its run are open again, and stages after it that have ended or
/// were skipped start over from nothing (their tasks are deleted; the workers of
/// running ones are told to stop). A stage that ended before all of its tasks
/// existed is `fanning` again. What starts over or is `fanning` again is a new
/// incarnation.
/// @throws error with `errc::conflict` while the run is being cancelled.
void reopen_stage(transaction& tx, stage_id stage, task_state was, std::int64_t now_ms);

/// Cancels a run: its waiting stages and tasks at once, running tasks by
/// request. It ends as `cancelled` with its last task.
/// @throws error: `not_found`; `conflict` if it has ended already.
run_state cancel_run(transaction& tx, run_id run, const std::string& reason, std::int64_t now_ms);

/// Remembers that `boot` works on all open runs, and adds to each the number of
/// its tasks that were running when their process died. Called by `begin_boot`,
/// before it requeues them.
void join_open_runs(transaction& tx, std::int64_t boot);

/// The most bytes that one stage may take from another: as much as a payload holds.
constexpr std::size_t stage_outputs_bytes_max = std::size_t{64} << 20;

/// Returns the JSON outputs of the succeeded tasks of a stage, by item.
/// @throws error with `errc::too_large` past `bytes_max` bytes; no more than
///         those and one output are read.
std::vector<std::string> stage_outputs(snapshot& db, run_id run, std::string_view stage,
                                       std::size_t bytes_max = stage_outputs_bytes_max);

/// Returns the newest run of `pipeline` that has not ended.
std::optional<run_id> newest_open_run(snapshot& db, std::string_view pipeline,
                                      std::string_view definition);

/// Returns how many runs of `pipeline` have not ended.
std::int64_t count_open_runs(snapshot& db, std::string_view pipeline);

/// Returns the runs that match, the newest first.
std::vector<run_record> list_runs(snapshot& db, const run_filter& filter);
std::optional<run_record> find_run(snapshot& db, run_id run);

/// Returns the JSON a run was started from.
std::optional<std::string> run_definition(snapshot& db, run_id run);

/// Deletes runs that ended before `ended_before_ms` with their stages and
/// tasks, up to `tasks_max` tasks (a larger run loses its tasks in several
/// calls, and itself in the last).
/// @returns how many rows were deleted.
std::int64_t prune_runs(transaction& tx, std::int64_t ended_before_ms, int tasks_max = 500);

} // namespace quire::storage

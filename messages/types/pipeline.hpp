#pragma once

#include "quire/messages/types/ids.hpp"
#include "quire/messages/types/task.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quire {

/// When a stage may start, as seen from one stage before it.
enum class edge_condition : std::uint8_t {
  success = 0,    ///< The stage before it completed in full.
  not_failed = 1, ///< It completed, in full or in part.
  failed = 2,     ///< It failed.
  any = 3,        ///< It ended, however: also skipped or cancelled.
};

std::string_view to_string(edge_condition condition) noexcept;
std::optional<edge_condition> edge_condition_from_string(std::string_view name) noexcept;

/// Where a stage stands. The numbers are what the database holds; the terminal
/// ones are those of `task_state`.
enum class stage_state : std::uint8_t {
  waiting = 0,  ///< For the stages before it.
  fanning = 1,  ///< Its tasks are being created.
  running = 3,  ///< All of its tasks exist.
  completed = 10,
  partial_success = 11,
  failed = 12,
  cancelled = 13,
  skipped = 14,
};

std::string_view to_string(stage_state state) noexcept;

constexpr bool is_terminal(stage_state state) noexcept {
  return static_cast<int>(state) >= 10;
}

/// Returns whether an edge with `condition` is satisfied by a stage that ended in `state`.
bool satisfied(edge_condition condition, stage_state state) noexcept;

/// Where a run stands. The numbers are what the database holds.
enum class run_state : std::uint8_t {
  running = 3,
  completed = 10,
  partial_success = 11,
  failed = 12,
  cancelled = 13,
};

std::string_view to_string(run_state state) noexcept;
std::optional<run_state> run_state_from_string(std::string_view name) noexcept;

constexpr bool is_terminal(run_state state) noexcept {
  return static_cast<int>(state) >= 10;
}

/// What share of a stage's tasks must succeed for it not to fail. A stage that
/// has fewer than `count_min` fails even if all of them succeed.
struct success_policy {
  int percent_min = 0;         ///< 0 to 100. With 0 one task must succeed, if there are any.
  std::int64_t count_min = 0;  ///< And at least so many.
};

/// One edge of a pipeline: the stage it is written in starts after `stage`.
struct stage_dependency {
  std::string stage;
  edge_condition when = edge_condition::success;
};

/// What one stage does: either a single task, or one for each item of a list.
struct stage_spec {
  std::string name;
  std::vector<stage_dependency> after;
  /// Absent: one task. A text: the stage whose output is the list. A list: the
  /// items themselves.
  std::variant<std::monostate, std::string, std::vector<std::string>> for_each;
  int concurrent_max = 0;      ///< Tasks of this stage that run at a time; 0 for no limit of its own.
  success_policy success;
  bool optional = false;       ///< If it fails, the run ends in partial_success, not in failed.
  /// The task, with templates still in it: `kind`, `retry`, `priority`, `timeout` and the
  /// other limits of time are final, `payload` is the template (JSON text of the "task"
  /// object).
  task_spec task;
  /// What the task's output will be, where that is known before it runs:
  /// "text", "lines" or "json"; empty for kinds that do not say.
  std::string output;
};

/// A pipeline: stages and edges as data.
struct pipeline_spec {
  std::string name;
  std::map<std::string, std::string> params;  ///< With their default values.
  std::string tenant;          ///< Of all its tasks, with templates of parameters still in it; empty:
                               ///< what each stage says.
  std::vector<stage_spec> stages;
  std::string source;          ///< The JSON text it was read from; stored with every run.
};

/// One stage of a run, with its counters.
struct stage_record {
  stage_id id;
  std::string name;
  stage_state state = stage_state::waiting;
  std::int64_t total = 0;      ///< Tasks created so far; all of them once `sealed`.
  std::int64_t completed = 0;
  std::int64_t partial_success = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t skipped = 0;
  bool sealed = false;         ///< All tasks exist: `total` is final.
  std::optional<std::int64_t> started_at_ms;
  std::optional<std::int64_t> finished_at_ms;
  std::string error;           ///< Why its tasks could not be created; empty otherwise.

  std::int64_t done() const noexcept {
    return completed + partial_success + failed + cancelled + skipped;
  }
};

/// One run of a pipeline.
struct run_record {
  run_id id;
  std::string pipeline;
  run_state state = run_state::running;
  std::map<std::string, std::string> params;
  std::int64_t created_at_ms = 0;
  std::optional<std::int64_t> finished_at_ms;
  std::int64_t recovered = 0;  ///< Tasks that were running when their process died, and were requeued.
  std::int64_t boots = 0;      ///< Processes that have worked on this run.
  bool cancel_requested = false;
  std::vector<stage_record> stages;  ///< In the order of the file.
};

/// Which runs a list shows; absent means any.
struct run_filter {
  std::optional<run_state> state;
  std::optional<std::string> pipeline;
  std::optional<std::int64_t> limit;
};

} // namespace quire

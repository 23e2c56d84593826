#pragma once

#include "quire/messages/types/pipeline.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace quire::actors {

/// What a stage needs in order to know its tasks.
struct stage_inputs {
  std::map<std::string, std::string> params;
  /// JSON outputs of the succeeded tasks of each stage that this one mentions,
  /// by item.
  std::map<std::string, std::vector<std::string>> outputs;
};

/// Returns the names of the stages whose outputs `stage` needs, without
/// repetition.
/// @throws std::runtime_error if the stage's task is damaged.
std::vector<std::string> stages_needed(const stage_spec& stage);

/// A stage's list of tasks, made ready to be created in portions.
///
/// Values are put into single JSON texts and never read as templates or program
/// text again. `{{stages.X.outputs}}` may be up to 64 MiB as it stands in a task,
/// like all of the task's payload: it is put together once for all items. A plan
/// holds its items and that text, not its tasks.
class stage_plan {
public:
  /// @param gate_prefix makes the name of the stage's gate unique to its run.
  /// @throws std::runtime_error with a sentence for people if the inputs do not
  ///         fit: an output that should be a list and is not (or the other way
  ///         round), an item that is no text or number, a NUL byte in an
  ///         argument, a stage without an output, a task over 64 MiB, more than
  ///         1,000,000 items.
  stage_plan(const pipeline_spec& pipeline, const stage_spec& stage, stage_inputs inputs,
             std::string_view gate_prefix);

  /// Returns how many tasks there are: 1 for a stage without for_each.
  std::int64_t size() const noexcept;

  /// Returns the task of the `item`-th element (from 0), templates filled in.
  /// Any thread may call it, also several at a time.
  /// @throws std::out_of_range if there is no such item.
  task_spec task(std::int64_t item) const;

private:
  task_spec base_;
  std::vector<std::string> items_;
  bool for_each_ = false;
  std::function<std::string(const std::string& item, std::int64_t index)> payload_;
};

} // namespace quire::actors

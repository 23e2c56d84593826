#pragma once

#include "quire/actors/json_cursor.hpp"
#include "quire/messages/types/pipeline.hpp"

namespace quire::actors {

/// Reads the "task" object of a stage into `stage.task` and `stage.output`.
/// Templates are not looked at, but argv[0] has none.
/// @throws pipeline_error
void read_task(const json_cursor& task, stage_spec& stage);

/// Reads a priority: its name, or a number of minutes of head start.
/// @throws pipeline_error
void read_priority(const json_cursor& priority, task_spec& task);

} // namespace quire::actors

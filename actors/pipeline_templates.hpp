#pragma once

#include "quire/actors/json_cursor.hpp"
#include "quire/actors/pipeline_graph.hpp"
#include "quire/messages/types/pipeline.hpp"

#include <cstddef>

namespace quire::actors {

/// Checks all templates of a stage before anything runs: each names something
/// that is known, that exists when the stage starts, and that may stand there.
/// @param task the "task" object of the stage.
/// @throws pipeline_error with the place.
void check_templates(const pipeline_spec& spec, const pipeline_graph& graph, std::size_t stage,
                     const json_cursor& task);

} // namespace quire::actors

#pragma once

#include "quire/messages/types/breaker.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/queue.hpp"

#include <optional>
#include <string>
#include <vector>

namespace quire::cli {

/// Says what somebody decided that holds the tasks of `pipeline`, of which none runs, and how it
/// is ended; nothing if nothing does.
/// @param queues, breakers all that the database has.
std::optional<std::string> what_holds(const pipeline_spec& pipeline,
                                      const std::vector<queue_record>& queues,
                                      const std::vector<breaker_record>& breakers);

} // namespace quire::cli

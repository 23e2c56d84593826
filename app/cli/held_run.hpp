#pragma once

#include "quire/messages/types/breaker.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/queue.hpp"
#include "quire/messages/types/tenant.hpp"

#include <optional>
#include <string>
#include <vector>

namespace quire::cli {

/// Says what somebody decided that holds the tasks of `pipeline`, of which none runs, and how it
/// is ended; nothing if nothing does.
/// @param queues, breakers all that the database has.
/// @param tenants those of its tasks that wait.
std::optional<std::string> what_holds(const pipeline_spec& pipeline,
                                      const std::vector<queue_record>& queues,
                                      const std::vector<breaker_record>& breakers,
                                      const std::vector<tenant_record>& tenants);

} // namespace quire::cli

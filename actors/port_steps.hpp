#pragma once

#include "quire/actors/attempt_steps.hpp"
#include "quire/actors/write_port.hpp"

#include <chrono>
#include <memory>

namespace quire::actors {

/// Keeps steps through the writer, whose port outlives each writer, and finds them there, too:
/// the runtime's own requests, which are served until the last handler has ended, also when
/// clients are refused because it is closing.
/// @param usual how sure a step is when it is done.
/// @param limit how long it waits for the writer: then the step fails with `timeout`, and may be
///        kept all the same.
std::shared_ptr<step_keeper> make_step_keeper(std::shared_ptr<write_port> writes, durability usual,
                                              std::chrono::milliseconds limit,
                                              std::shared_ptr<const clock_source> clock);

} // namespace quire::actors

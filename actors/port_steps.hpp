#pragma once

#include "quire/actors/attempt_steps.hpp"
#include "quire/actors/read_port.hpp"
#include "quire/actors/write_port.hpp"

#include <chrono>
#include <memory>

namespace quire::actors {

/// Keeps steps through the writer, and reads them through the readers, whose ports outlive
/// every restart of both. Writes from handlers stand in line like those of any client.
/// @param usual how sure a step is when it is done.
/// @param limit how long it waits for the writer or a reader: then the step fails with
///        `timeout`, and may be kept all the same.
std::shared_ptr<step_keeper> make_step_keeper(std::shared_ptr<write_port> writes,
                                              std::shared_ptr<read_port> reads, durability usual,
                                              std::chrono::milliseconds limit,
                                              std::shared_ptr<const clock_source> clock);

} // namespace quire::actors

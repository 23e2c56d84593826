#pragma once

#include "quire/messages/types/clock_source.hpp"
#include "quire/messages/types/task.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace quire::actors {
class attempt_burst;
class attempt_report;
} // namespace quire::actors

namespace quire::messages {

/// Asks a worker to run attempts one after the other, within this process. It may end
/// before it has begun them all, so that none waits for long: see `attempt_burst`.
/// Reply: `burst_done`; always, also for handlers that throw.
struct run_burst {
  std::shared_ptr<actors::attempt_burst> burst;
};

struct burst_done {};

/// Asks an actor of the application to run one attempt of a task of its kind, within this
/// process. It may take its time: a worker waits for it. What it says meanwhile goes through
/// `context_of` (app/actors.hpp).
/// Reply: `task_outcome`. An error instead, or the end of the actor, fails the attempt (transient).
struct handle_task {
  std::shared_ptr<const task_assignment> task;
  std::shared_ptr<actors::attempt_report> report;
  std::shared_ptr<const clock_source> clock;
};

/// Tells that actor to end the attempt soon: it is cancelled, took too long, or the runtime
/// closes. What it answers counts for no success that is too late.
struct stop_task {
  task_id task;
  std::int64_t epoch = 0;
  std::string reason;
};

} // namespace quire::messages

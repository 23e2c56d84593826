#pragma once

#include "quire/actors/attempt_steps.hpp"
#include "quire/actors/environment.hpp"
#include "quire/actors/large_outputs.hpp"
#include "quire/actors/task_handler.hpp"
#include "quire/messages/interfaces.hpp"

#include <memory>

namespace quire::actors {

struct worker_options {
  environment env;
  std::shared_ptr<const task_handlers> handlers;
  std::shared_ptr<step_keeper> steps{}; ///< Null: handlers cannot do any.
  large_outputs large{};                ///< Where those go.
};

/// Spawns a worker: runs the handler of one attempt at a time, on a thread of
/// its own unless the environment says otherwise.
messages::worker_actor spawn_worker(caf::actor_system& system, worker_options options);

} // namespace quire::actors

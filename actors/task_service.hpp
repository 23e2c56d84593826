#pragma once

#include "quire/actors/attempt_steps.hpp"
#include "quire/actors/environment.hpp"
#include "quire/actors/large_outputs.hpp"
#include "quire/actors/task_handler.hpp"
#include "quire/messages/interfaces.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace quire::actors {

struct task_service_options {
  environment env;
  messages::writer_actor writer;
  messages::reader_pool_actor readers;
  task_handlers handlers;                 ///< By kind; tasks of other kinds are left alone.
  std::shared_ptr<step_keeper> steps;     ///< Of handlers; null: they cannot do any.
  large_outputs large{};                  ///< Where large outputs go.
  int workers = 4;                        ///< Tasks that run at a time.
  std::int64_t boot = 0;                  ///< Of this process, from `begin_boot`.
  std::chrono::milliseconds drain_timeout{10'000}; ///< How long a drain lets tasks finish.
  std::chrono::milliseconds safety_net{5'000};     ///< How often to look although nothing woke it.
  /// Starts a worker; empty for one of `spawn_worker` with `handlers`.
  std::function<messages::worker_actor(caf::actor_system&)> start_worker;
};

/// Spawns `task_execution_service`: the durable queue. It claims by priority,
/// then by age, as many tasks as it has free workers, and writes what became of
/// them, fenced by their epoch.
messages::task_service_actor spawn_task_service(caf::actor_system& system,
                                                task_service_options options);

} // namespace quire::actors

#pragma once

#include "quire/actors/environment.hpp"
#include "quire/actors/read_port.hpp"
#include "quire/actors/restart_policy.hpp"
#include "quire/actors/task_handler.hpp"
#include "quire/actors/wal_plan.hpp"
#include "quire/actors/write_port.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/storage/sqlite/connection.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace quire::actors {

/// Everything that the actors of one runtime are made of.
struct service_tree_options {
  environment env;
  storage::connection_options database;
  std::int64_t boot = 0;
  durability sync = durability::normal;

  bool writes = true;      ///< With a writer.
  bool checkpoints = true; ///< The writer may checkpoint: it has no owner beside it.
  bool services = true;    ///< With tasks, pipelines and maintenance.

  int readers = 2;
  int quick_readers = 2;
  int lent_readers = 16;
  std::chrono::milliseconds snapshot_lease{30'000};
  std::size_t queries_waiting_max = 10'000;
  std::size_t batch_members_max = 1000;
  std::size_t waiting_max = 100'000;
  std::size_t waiting_bytes_max = std::size_t{256} << 20;
  std::size_t client_waiting_max = 100'000;
  std::size_t client_waiting_bytes_max = std::size_t{256} << 20;
  std::chrono::milliseconds key_retention{86'400'000};
  wal_limits wal;
  int workers = 4;
  task_handlers handlers;
  std::size_t output_bytes_inline = std::size_t{1} << 20; ///< Larger ones go into files.
  std::chrono::milliseconds query_limit{30'000};
  std::chrono::milliseconds drain_timeout{10'000};
  std::chrono::milliseconds maintenance_interval{3'600'000};
  std::chrono::hours retention{24 * 30};
  std::chrono::milliseconds stuck_after{7'200'000};
  restart_limits limits;
  std::function<void(const std::string&)> on_failed;
};

/// The addresses of a running tree.
struct service_tree {
  std::shared_ptr<write_port>
    writes;                         ///< For requests of whoever is no actor; null without a writer.
  std::shared_ptr<read_port> reads; ///< The same for readers.
  messages::gateway_actor gateway;
  messages::supervisor_actor supervisor;
};

/// Starts the whole tree: the gateway, and under the supervisor, in this order,
/// writer, reader pool, task_execution_service, pipeline_execution_service,
/// maintenance_service. The database must have its schema already.
/// @throws storage::error if something cannot be started.
service_tree spawn_service_tree(caf::actor_system& system, service_tree_options options);

} // namespace quire::actors

#pragma once

#include "quire/actors/environment.hpp"
#include "quire/actors/read_port.hpp"
#include "quire/actors/read_worker.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/storage/sqlite/connection.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace quire::actors {

struct reader_options {
  environment env;
  std::function<storage::connection()> open; ///< Opens a read-only connection.
  std::shared_ptr<read_port> port;
  reader_kind kind = reader_kind::slow;
  std::chrono::milliseconds query_limit{30'000}; ///< A longer query ends with `errc::timeout`.
  std::chrono::milliseconds lease{
    30'000}; ///< An older snapshot ends with `errc::snapshot_expired`.
  std::chrono::microseconds quick_limit{
    2'000}; ///< Then a quick reader leaves a query to a slow one.
};

/// Spawns a reader: it takes what waits in the port, opens a snapshot, answers, closes it,
/// and so on until nothing waits.
/// @throws storage::error if the database cannot be opened.
messages::service_actor spawn_reader(caf::actor_system& system, const reader_options& options);

/// What of it is for the reader's work.
read_worker_options worker_options_of(const reader_options& options);

} // namespace quire::actors

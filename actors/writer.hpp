#pragma once

#include "quire/actors/environment.hpp"
#include "quire/actors/read_port.hpp"
#include "quire/actors/wal_plan.hpp"
#include "quire/actors/write_port.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/storage/sqlite/connection.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace quire::actors {

struct writer_options {
  environment env;
  std::function<storage::connection()>
    open; ///< Opens the connection that writes; again after a lost one.
  durability sync = durability::normal;          ///< For requests that do not say.
  std::size_t batch_members_max = 1000;           ///< Requests in one transaction.
  std::chrono::milliseconds write_limit{30'000}; ///< Then a request that still runs is interrupted.
  std::shared_ptr<write_port> port;              ///< Where requests wait; a new one if null.
  std::chrono::milliseconds patience{30'000};    ///< How long another process's lock is waited for.
  bool checkpoints = true;                       ///< False beside another owner: only that one may.
  wal_limits wal;                                ///< When the log is moved, emptied, or too large.
  std::shared_ptr<read_port> reads; ///< Of the readers that are held back for that; may be null.
};

/// Spawns the writer: the owner of the only connection that writes. Requests
/// that wait together are committed together, each with its own result, and
/// answered after COMMIT. It alone checkpoints, between two batches.
/// @throws storage::error if the database cannot be opened.
messages::writer_actor spawn_writer(caf::actor_system& system, writer_options options);

} // namespace quire::actors

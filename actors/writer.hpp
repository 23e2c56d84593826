#pragma once

#include "quire/actors/admission.hpp"
#include "quire/actors/environment.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/storage/sqlite/connection.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace quire::actors {

struct writer_options {
  environment env;
  std::function<storage::connection()> open;   ///< Opens the connection that writes; again after a lost one.
  durability sync = durability::normal;        ///< For requests that do not say.
  std::size_t batch_members_max = 256;         ///< Requests in one transaction.
  std::chrono::milliseconds write_limit{30'000}; ///< Then a request that still runs is interrupted.
  std::shared_ptr<admission> waiting;          ///< Counts out what the gateway counted in; may be null.
  bool checkpoints = true;                     ///< False beside another owner: only that one may.
  std::int64_t checkpoint_frames = 1000;       ///< Checkpoint when the log has so many and nothing waits,
  std::int64_t checkpoint_frames_busy = 4000;  ///< or, although something waits, when it has so many.
  std::int64_t checkpoint_frames_max = 16'384; ///< Then readers are waited for, so that it starts over.
  std::chrono::milliseconds checkpoint_patience{100};
};

/// Spawns the writer: the owner of the only connection that writes. Requests
/// that wait together are committed together, each with its own result, and
/// answered after COMMIT. It alone checkpoints, between two batches.
/// @throws storage::error if the database cannot be opened.
messages::writer_actor spawn_writer(caf::actor_system& system, writer_options options);

} // namespace quire::actors

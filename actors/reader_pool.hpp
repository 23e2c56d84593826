#pragma once

#include "quire/actors/reader.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace quire::actors {

struct reader_pool_options {
  environment env;
  std::function<storage::connection()> open;
  std::shared_ptr<read_port> port; ///< Where requests wait; a new one if null.
  std::chrono::milliseconds query_limit{30'000};
  std::chrono::milliseconds lease{30'000}; ///< How old a snapshot may become.
  int readers = 2;                         ///< With a thread of their own, for what takes long.
  int quick_readers = 0;                   ///< On the threads of the scheduler, for what does not.
  int lent_readers = 0;          ///< Without a thread, for whoever has one; opened when needed.
  messages::writer_actor writer; ///< Holds back writes for `read_together`; null without one.
  int streams_max = 8;           ///< Open at a time before `overloaded`.
  int waiting_max = 10'000;      ///< Requests in a port of its own, before `overloaded`.
};

/// Spawns the pool: it opens readers at a port and replaces those that died. What is sent
/// to it waits in the port.
/// @throws storage::error if the database cannot be opened.
messages::reader_pool_actor spawn_reader_pool(caf::actor_system& system,
                                              reader_pool_options options);

} // namespace quire::actors

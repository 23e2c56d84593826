#pragma once

#include "quire/actors/guard.hpp"
#include "quire/actors/reader.hpp"
#include "quire/messages/query.hpp"

namespace quire::actors {

/// The most functions that run on one snapshot at a time.
inline constexpr std::size_t shared_readers_max = 16;

/// Runs the functions of `request` on as many connections and threads, all on one identical
/// snapshot: while they open it, `writer` holds the write lock, so that nobody commits in
/// between, whatever process. Ends when it has answered.
void spawn_shared_read(caf::actor_system& system, reader_options options,
                       messages::writer_actor writer, messages::read_together request,
                       promise<messages::read_done> answer);

} // namespace quire::actors

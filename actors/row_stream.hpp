#pragma once

#include "quire/actors/guard.hpp"
#include "quire/actors/reader.hpp"
#include "quire/messages/query.hpp"

namespace quire::actors {

/// Spawns the actor of one stream: it has a connection and a thread of its own, answers
/// `opened` when the query is compiled and its snapshot open, and then one portion for each
/// `next_chunk`. It ends with its last row, with its lease, or with `client` or `pool`.
caf::actor spawn_row_stream(caf::actor_system& system, reader_options options,
                            messages::open_stream request, promise<messages::stream_opened> opened,
                            caf::actor client, caf::actor pool);

} // namespace quire::actors

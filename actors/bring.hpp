#pragma once

// How messages of clients become requests at a port.

#include "quire/actors/read_port.hpp"
#include "quire/actors/submitter.hpp"
#include "quire/actors/write_port.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace quire::actors {

/// Brings `message` to the writer as a `Request`; `answer` gets the reply.
/// @param usual   how sure the commit is if the message does not say.
/// @param client  who it is from if the message does not say.
template <class Request, class Message, class Reply>
void bring_write(write_port& port, durability usual, Message message, std::uint64_t client,
                 submitter who, promise<Reply> answer) {
  if (message.terms.client == 0)
    message.terms.client = client;
  auto sync = message.sync.value_or(usual);
  port.submit(std::make_unique<Request>(std::move(message), sync, std::move(answer)), who);
}

/// The same for the readers.
template <class Request, class Reply, class Message>
void bring_read(read_port& port, Message message, std::uint64_t client, submitter who,
                promise<Reply> answer) {
  if (message.terms.client == 0)
    message.terms.client = client;
  port.submit(std::make_unique<Request>(std::move(message), std::move(answer)), who);
}

} // namespace quire::actors

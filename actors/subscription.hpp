#pragma once

#include "quire/actors/base.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace quire::actors {

/// Whether a service is told what the writer commits.
struct subscription {
  bool taken = false;
  bool asked = false;  ///< The answer is awaited.
};

/// Subscribes `self`, whose messages go to `address`, to the commits of `writer`,
/// unless it is subscribed. What fails is left to the next call and said in the
/// state's `note`. The state of the service has a `subscription` of that name.
template <class Self>
void subscribe_to(Self* self, const messages::writer_actor& writer, const caf::actor& address,
                  std::chrono::milliseconds timeout) {
  auto& own = state_of(self).subscription;
  if (own.taken || std::exchange(own.asked, true))
    return;
  ask(self, writer, timeout, messages::subscribe{address})
    .then(
      [self](const messages::subscribed&) {
        state_of(self).subscription = {true, false};
      },
      [self](const caf::error& error) {
        state_of(self).subscription.asked = false;
        state_of(self).note = "the writer did not take the subscription: " + text_of(error);
      });
}

} // namespace quire::actors

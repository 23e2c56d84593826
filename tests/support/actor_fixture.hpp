#pragma once

// The wiring of actors on a simulated clock, in one thread: nothing sleeps, and
// every run takes the same path.

#include "quire/actors/environment.hpp"
#include "quire/actors/guard.hpp"
#include "quire/messages/interfaces.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quire::tests {

/// A reply, or the error that came instead of it.
template <class Reply>
struct answer {
  std::optional<Reply> reply;
  caf::error error;

  bool failed_with(errc code) const {
    return !reply && actors::code_of(error) == code;
  }

  const Reply* operator->() const {
    return &*reply;
  }

  explicit operator bool() const {
    return reply.has_value();
  }

  std::string text() const {
    return error ? actors::text_of(error) : std::string{};
  }
};

struct actor_fixture {
  actor_fixture();

  static caf::actor_system_config& testing(caf::actor_system_config& config);

  /// Handles messages until none is left; time stands still.
  void settle();

  /// Lets `time` pass in steps, handling what comes due on the way.
  void advance(std::chrono::milliseconds time,
               std::chrono::milliseconds step = std::chrono::milliseconds{50});

  /// Sends `request` without waiting; `receive` gets the answer.
  template <class Handle, class Request>
  auto send(const Handle& to, Request request) {
    return ask(self.ptr(), to, std::chrono::minutes{60'000}, std::move(request));
  }

  template <class Reply, class Response>
  answer<Reply> receive(Response response) {
    settle();
    answer<Reply> result;
    std::move(response).receive([&](Reply& reply) { result.reply = std::move(reply); },
                                [&](caf::error& error) { result.error = std::move(error); });
    return result;
  }

  /// Sends, handles messages until none is left, returns the answer, which must
  /// be there by then.
  template <class Reply, class Handle, class Request>
  answer<Reply> call(const Handle& to, Request request) {
    return receive<Reply>(send(to, std::move(request)));
  }

  caf::actor_system_config config;
  caf::actor_system system;
  caf::scoped_actor self;
  caf::scheduler::test_coordinator& scheduler;
  actors::environment env;
};

} // namespace quire::tests

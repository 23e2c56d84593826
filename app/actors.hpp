#pragma once

// For programs that are made of actors themselves: talk to a runtime by messages
// (messages/interfaces.hpp) instead of blocking calls.

#include "quire/app/runtime.hpp"
#include "quire/messages/interfaces.hpp"

#include <memory>

namespace quire {

/// Returns the address that answers every request, across restarts of what is
/// behind it. Valid until the runtime is closed.
messages::gateway_actor gateway_of(runtime& running);

/// Returns the actor system that the runtime lives in; actors that are spawned in
/// it must end before the runtime is closed.
caf::actor_system& system_of(runtime& running);

/// Lets an actor handle a kind of tasks:
///
///     quire::actor_handler resizing;
///     options.handle("resize", resizing.handler());
///     quire::runtime runtime{options};
///     resizing.attach(system_of(runtime).spawn(resizer));
///
/// It gets `handle_task` for each attempt, as many at once as there are workers, and
/// `stop_task` when one is to end. While no actor is attached tasks wait, which costs no
/// attempt; those that one gets after its end fail (transient). Copies share the actor. It cannot
/// do steps (`task_context::step`), for which it would have to wait.
/// Thread-safe.
class actor_handler {
public:
  actor_handler();

  task_handler handler() const;

  /// Gives all attempts that begin from now on to `to`.
  void attach(messages::task_handler_actor to);
  void detach();

private:
  struct state;

  std::shared_ptr<state> state_;
};

/// Returns what the handler of a request may say while it runs. It refers to `request`.
task_context context_of(const messages::handle_task& request);

} // namespace quire

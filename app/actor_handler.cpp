#include "quire/actors/guard.hpp"
#include "quire/app/actors.hpp"

#include <caf/scoped_actor.hpp>

#include <mutex>
#include <utility>

namespace quire {

namespace {

using namespace std::chrono_literals;

// So often tasks look for an actor that is missing.
constexpr auto attach_pause = 1s;

task_outcome ask(const messages::task_handler_actor& actor, task_context& context) {
  auto& task = context.task;
  caf::scoped_actor self{actor.home_system()};
  messages::handle_task request{std::make_shared<const task_assignment>(task), context.report,
                                context.clock};
  // Limited by its task, as every attempt.
  auto pending = ask_without_limit(self.ptr(), actor, std::move(request));
  // Told after the request, even if somebody asked before: this thread only waits.
  auto stopping =
    context.cancel.on_cancel([actor, id = task.id, epoch = task.epoch, cancel = context.cancel] {
      caf::anon_send(actor, messages::stop_task{id, epoch, cancel.reason()});
    });
  task_outcome outcome;
  std::move(pending).receive([&](task_outcome& answer) { outcome = std::move(answer); },
                             [&](const caf::error& error) {
                               outcome =
                                 task_outcome::failure("the actor that handled it gave no answer: "
                                                       + actors::text_of(error));
                             });
  return outcome;
}

} // namespace

struct actor_handler::state {
  messages::task_handler_actor get() {
    std::lock_guard lock(mutex);
    return actor;
  }

  void set(messages::task_handler_actor to) {
    std::lock_guard lock(mutex);
    actor = std::move(to);
  }

  std::mutex mutex;
  messages::task_handler_actor actor;
};

actor_handler::actor_handler() : state_(std::make_shared<state>()) {}

task_handler actor_handler::handler() const {
  return [shared = state_](task_context& context) {
    auto actor = shared->get();
    if (!actor)
      return task_outcome::snoozed(attach_pause, "no actor handles its kind at present");
    return ask(actor, context);
  };
}

void actor_handler::attach(messages::task_handler_actor to) {
  state_->set(std::move(to));
}

void actor_handler::detach() {
  state_->set({});
}

task_context context_of(const messages::handle_task& request) {
  return {*request.task, {}, request.clock, request.report};
}

} // namespace quire

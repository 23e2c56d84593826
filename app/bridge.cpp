#include "quire/app/bridge.hpp"

#include "quire/actors/base.hpp"

namespace quire {

namespace {

caf::behavior bridge(caf::event_based_actor* self) {
  actors::install_handlers(self, "bridge");
  return {[self](const bridge_job& job) { (*job)(self); }};
}

} // namespace

caf::actor spawn_bridge(caf::actor_system& system) {
  return system.spawn(bridge);
}

void settle(const caf::actor& bridge, std::chrono::steady_clock::time_point deadline) {
  auto reached = std::make_shared<std::promise<void>>();
  auto settled = reached->get_future();
  // A bridge that is gone drops the job, and the broken promise is an end, too.
  caf::anon_send(bridge, std::make_shared<std::function<void(caf::event_based_actor*)>>(
                           [kept = std::move(reached)](caf::event_based_actor*) { kept->set_value(); }));
  settled.wait_until(deadline);
}

} // namespace quire

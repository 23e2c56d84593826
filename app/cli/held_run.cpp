#include "quire/app/cli/held_run.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/format.hpp"

#include <algorithm>

namespace quire::cli {

namespace {

bool is_in(const pipeline_spec& pipeline, const queue_record& queue) {
  return std::ranges::any_of(pipeline.stages,
                             [&](auto& stage) { return stage.task.queue == queue.name; });
}

bool needs(const pipeline_spec& pipeline, const breaker_record& breaker) {
  return std::ranges::any_of(pipeline.stages, [&](auto& stage) {
    return std::ranges::find(breaker.kinds, stage.task.kind) != breaker.kinds.end();
  });
}

std::string named(const std::string& name) {
  return "'" + actors::printable(name) + "'";
}

} // namespace

std::optional<std::string> what_holds(const pipeline_spec& pipeline,
                                      const std::vector<queue_record>& queues,
                                      const std::vector<breaker_record>& breakers,
                                      const std::vector<tenant_record>& tenants) {
  for (auto& queue : queues)
    if (queue.paused_at_ms && queue.ready > 0 && is_in(pipeline, queue))
      return "none of its tasks is started: their queue " + named(queue.name) + " is paused since "
             + time_text(*queue.paused_at_ms) + "; quire queue resume " + shell_quoted(queue.name);
  for (auto& tenant : tenants)
    if (tenant.policy.paused)
      return "none of its tasks is started: their tenant " + named(tenant.name)
             + " is paused; quire tenant set " + shell_quoted(tenant.name) + " --resume";
  for (auto& breaker : breakers) {
    if (breaker.state != breaker_state::open || !needs(pipeline, breaker))
      continue;
    return "none of its tasks is started: the circuit breaker " + named(breaker.name) + " is open"
           + (breaker.forced || !breaker.probe_at_ms ? std::string{", by hand"}
                                                     : " until " + time_text(*breaker.probe_at_ms))
           + "; to close it now: quire breaker close " + shell_quoted(breaker.name);
  }
  return std::nullopt;
}

} // namespace quire::cli

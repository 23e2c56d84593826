#include "quire/actors/upkeep_plan.hpp"

#include <utility>

namespace quire::actors {

std::string to_string(upkeep_operation operation) {
  switch (operation) {
    case upkeep_operation::stuck_tasks: return "stuck_tasks";
    case upkeep_operation::orphans: return "orphans";
    case upkeep_operation::old_tasks: return "old_tasks";
    case upkeep_operation::old_runs: return "old_runs";
    case upkeep_operation::old_outputs: return "old_outputs";
    case upkeep_operation::old_keys: return "old_keys";
    case upkeep_operation::checkpoint: return "checkpoint";
    case upkeep_operation::optimize: return "optimize";
  }
  return "unknown";
}

std::optional<upkeep_operation> upkeep_plan::begin(time_point now, std::int64_t now_ms) {
  if (running())
    return std::nullopt;
  due_.reset();
  if (interval_.count() > 0)
    due_ = now + interval_;
  return next_operation(now_ms);
}

bool upkeep_plan::portion_done(std::int64_t rows) {
  present_.rows += rows;
  auto in_portions = present_.operation != upkeep_operation::checkpoint
                     && present_.operation != upkeep_operation::optimize;
  return in_portions && rows > 0;
}

upkeep_result upkeep_plan::end_operation(std::string error, std::int64_t now_ms) {
  auto result = present_;
  result.error = std::move(error);
  result.ended_at_ms = now_ms;
  return result;
}

std::optional<upkeep_operation> upkeep_plan::next_operation(std::int64_t now_ms) {
  if (next_ == operations_.size()) {
    next_ = 0;
    return std::nullopt;
  }
  present_ = {operations_[next_++], now_ms, 0, 0, {}};
  return present_.operation;
}

} // namespace quire::actors

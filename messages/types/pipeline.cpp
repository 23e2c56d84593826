#include "quire/messages/types/pipeline.hpp"

#include <algorithm>
#include <array>

namespace quire {

namespace {

constexpr std::array<std::string_view, 4> condition_names{"success", "not_failed", "failed", "any"};

} // namespace

std::string_view to_string(edge_condition condition) noexcept {
  auto index = static_cast<std::size_t>(condition);
  return index < condition_names.size() ? condition_names[index] : "unknown";
}

std::optional<edge_condition> edge_condition_from_string(std::string_view name) noexcept {
  auto found = std::ranges::find(condition_names, name);
  if (found == condition_names.end())
    return std::nullopt;
  return static_cast<edge_condition>(found - condition_names.begin());
}

std::string_view to_string(stage_state state) noexcept {
  switch (state) {
    case stage_state::waiting: return "waiting";
    case stage_state::fanning: return "fanning";
    case stage_state::running: return "running";
    case stage_state::completed: return "completed";
    case stage_state::partial_success: return "partial_success";
    case stage_state::failed: return "failed";
    case stage_state::cancelled: return "cancelled";
    case stage_state::skipped: return "skipped";
  }
  return "unknown";
}

bool satisfied(edge_condition condition, stage_state state) noexcept {
  switch (condition) {
    case edge_condition::success: return state == stage_state::completed;
    case edge_condition::not_failed:
      return state == stage_state::completed || state == stage_state::partial_success;
    case edge_condition::failed: return state == stage_state::failed;
    case edge_condition::any: return is_terminal(state);
  }
  return false;
}

std::string_view to_string(run_state state) noexcept {
  switch (state) {
    case run_state::running: return "running";
    case run_state::completed: return "completed";
    case run_state::partial_success: return "partial_success";
    case run_state::failed: return "failed";
    case run_state::cancelled: return "cancelled";
  }
  return "unknown";
}

std::optional<run_state> run_state_from_string(std::string_view name) noexcept {
  for (auto state : {run_state::running, run_state::completed, run_state::partial_success,
                     run_state::failed, run_state::cancelled})
    if (to_string(state) == name)
      return state;
  return std::nullopt;
}

} // namespace quire

#include "quire/messages/types/task.hpp"

#include "quire/messages/types/name_table.hpp"

#include <utility>

namespace quire {

namespace {

using enum task_state;

constexpr std::array<std::pair<task_state, std::string_view>, 12> state_names{{
  {created, "created"},
  {ready, "ready"},
  {blocked, "blocked"},
  {running, "running"},
  {scheduled, "scheduled"},
  {retryable, "retryable"},
  {suspended, "suspended"},
  {completed, "completed"},
  {partial_success, "partial_success"},
  {failed, "failed"},
  {cancelled, "cancelled"},
  {skipped, "skipped"},
}};

constexpr detail::name_table<4> priority_names{"urgent", "high", "normal", "low"};

constexpr detail::name_table<3> duplicate_names{"existing", "replace", "reject"};

constexpr detail::name_table<8> error_class_names{
  "none", "transient", "permanent", "timeout", "cancelled", "dependency_down", "poison", "lost"};

} // namespace

std::string_view to_string(task_state state) noexcept {
  for (auto& [candidate, name] : state_names)
    if (candidate == state)
      return name;
  return "unknown";
}

std::optional<task_state> task_state_from_string(std::string_view name) noexcept {
  for (auto& [state, candidate] : state_names)
    if (candidate == name)
      return state;
  return std::nullopt;
}

bool can_transition(task_state from, task_state to) noexcept {
  if (to == cancelled || to == skipped)
    return !is_terminal(from);
  switch (from) {
    case created: return to == ready || to == blocked || to == scheduled;
    case ready: return to == running || to == suspended || to == failed || to == created;
    case blocked: return to == ready || to == suspended || to == failed || to == created;
    case running:
      return to == completed || to == partial_success || to == failed || to == retryable
             || to == scheduled || to == ready || to == created;
    case scheduled:
    case retryable:
    case suspended:
      return to == ready || to == blocked || to == suspended || to == failed || to == created;
    // A person may start a task again that has ended without full success.
    case failed:
    case cancelled:
    case partial_success: return to == ready || to == blocked || to == created;
    case completed:
    case skipped: return false;
  }
  return false;
}

const std::vector<task_state>& all_task_states() {
  static const auto states = [] {
    std::vector<task_state> result;
    for (auto& [state, name] : state_names)
      result.push_back(state);
    return result;
  }();
  return states;
}

std::string_view to_string(task_priority priority) noexcept {
  return detail::name_in(priority_names, priority);
}

std::optional<task_priority> task_priority_from_string(std::string_view name) noexcept {
  return detail::value_in<task_priority>(priority_names, name);
}

std::string_view to_string(on_duplicate x) noexcept {
  return detail::name_in(duplicate_names, x);
}

std::optional<on_duplicate> on_duplicate_from_string(std::string_view name) noexcept {
  return detail::value_in<on_duplicate>(duplicate_names, name);
}

std::string_view to_string(error_class x) noexcept {
  return detail::name_in(error_class_names, x);
}

std::optional<error_class> error_class_from_string(std::string_view name) noexcept {
  auto found = std::ranges::find(error_class_names, name);
  if (found == error_class_names.end())
    return std::nullopt;
  return static_cast<error_class>(found - error_class_names.begin());
}

const std::vector<error_class>& all_error_classes() {
  static const auto classes = [] {
    std::vector<error_class> result;
    for (std::size_t i = 0; i < error_class_names.size(); ++i)
      result.push_back(static_cast<error_class>(i));
    return result;
  }();
  return classes;
}

task_outcome task_outcome::success(std::string output) {
  task_outcome result;
  result.output = std::move(output);
  return result;
}

task_outcome task_outcome::partial(std::string output, std::string reason) {
  task_outcome result;
  result.what = verdict::partial_success;
  result.output = std::move(output);
  result.error = std::move(reason);
  return result;
}

task_outcome task_outcome::failure(std::string error, error_class kind) {
  task_outcome result;
  result.what = verdict::failed;
  result.error = error.empty() ? "the handler gave no reason" : std::move(error);
  result.error_kind = kind;
  return result;
}

task_outcome task_outcome::released(std::string reason) {
  task_outcome result;
  result.what = verdict::released;
  result.error = std::move(reason);
  return result;
}

task_outcome task_outcome::snoozed(std::chrono::milliseconds delay, std::string reason) {
  task_outcome result;
  result.what = verdict::snoozed;
  result.error = std::move(reason);
  result.retry_after = delay;
  return result;
}

task_outcome task_outcome::cancelled(std::string reason) {
  task_outcome result;
  result.what = verdict::cancelled;
  result.error = std::move(reason);
  result.error_kind = error_class::cancelled;
  return result;
}

} // namespace quire

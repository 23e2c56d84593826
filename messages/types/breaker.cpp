#include "quire/messages/types/breaker.hpp"

#include "quire/messages/types/name_table.hpp"

#include <utility>

namespace quire {

namespace {

using namespace std::chrono_literals;

constexpr detail::name_table<3> state_names{"closed", "open", "half_open"};
constexpr detail::name_table<3> mode_names{"hold", "skip", "fail"};

struct preset {
  std::string_view name;
  breaker_policy policy;
};

constexpr breaker_policy after(int failures, std::chrono::milliseconds open_for) {
  breaker_policy policy;
  policy.failures = failures;
  policy.open_for = open_for;
  return policy;
}

constexpr breaker_policy of_an_api() {
  auto policy = after(3, 60s);
  policy.window = 10;
  policy.window_percent = 50;
  return policy;
}

constexpr breaker_policy of_utilities() {
  auto policy = after(5, 30s);
  policy.successes = 2;
  return policy;
}

constexpr std::array<preset, 7> presets{{
  {"service", after(5, 120s)},
  {"api", of_an_api()},
  {"utility", of_utilities()},
  {"static", after(3, 20s)},
  {"dynamic", after(3, 60s)},
  {"performance", after(3, 30s)},
  {"ai", after(3, 30s)},
}};

} // namespace

std::string_view to_string(breaker_state x) noexcept {
  return detail::name_in(state_names, x);
}

std::string_view to_string(breaker_mode x) noexcept {
  return detail::name_in(mode_names, x);
}

std::optional<breaker_mode> breaker_mode_from_string(std::string_view name) noexcept {
  return detail::value_in<breaker_mode>(mode_names, name);
}

std::optional<breaker_policy> breaker_preset(std::string_view name) noexcept {
  auto found = std::ranges::find(presets, name, &preset::name);
  if (found == presets.end())
    return std::nullopt;
  return found->policy;
}

const std::vector<std::string>& breaker_presets() {
  static const auto names = [] {
    std::vector<std::string> result;
    for (auto& one : presets)
      result.emplace_back(one.name);
    return result;
  }();
  return names;
}

} // namespace quire

#include "quire/messages/types/schedule.hpp"

#include <array>
#include <utility>

namespace quire {

namespace {

constexpr std::array<std::pair<schedule_overlap, std::string_view>, 4> overlaps{{
  {schedule_overlap::allow, "allow"},
  {schedule_overlap::skip, "skip"},
  {schedule_overlap::queue_one, "queue_one"},
  {schedule_overlap::cancel_previous, "cancel_previous"},
}};

constexpr std::array<std::pair<schedule_catch_up, std::string_view>, 3> catch_ups{{
  {schedule_catch_up::none, "none"},
  {schedule_catch_up::last, "last"},
  {schedule_catch_up::all, "all"},
}};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) noexcept {
  for (auto& [known, name] : table)
    if (known == value)
      return name;
  return "unknown";
}

template <class Table>
auto value_in(const Table& table, std::string_view name) noexcept
  -> std::optional<decltype(table[0].first)> {
  for (auto& [value, known] : table)
    if (known == name)
      return value;
  return std::nullopt;
}

} // namespace

std::string_view to_string(schedule_overlap x) noexcept {
  return name_in(overlaps, x);
}

std::optional<schedule_overlap> schedule_overlap_from_string(std::string_view name) noexcept {
  return value_in(overlaps, name);
}

std::string_view to_string(schedule_catch_up x) noexcept {
  return name_in(catch_ups, x);
}

std::optional<schedule_catch_up> schedule_catch_up_from_string(std::string_view name) noexcept {
  return value_in(catch_ups, name);
}

} // namespace quire

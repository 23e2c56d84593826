#include "quire/messages/types/schedule.hpp"

#include "quire/messages/types/name_table.hpp"

namespace quire {

namespace {

constexpr detail::name_table<4> overlaps{"allow", "skip", "queue_one", "cancel_previous"};
constexpr detail::name_table<3> catch_ups{"none", "last", "all"};

} // namespace

std::string_view to_string(schedule_overlap x) noexcept {
  return detail::name_in(overlaps, x);
}

std::optional<schedule_overlap> schedule_overlap_from_string(std::string_view name) noexcept {
  return detail::value_in<schedule_overlap>(overlaps, name);
}

std::string_view to_string(schedule_catch_up x) noexcept {
  return detail::name_in(catch_ups, x);
}

std::optional<schedule_catch_up> schedule_catch_up_from_string(std::string_view name) noexcept {
  return detail::value_in<schedule_catch_up>(catch_ups, name);
}

} // namespace quire

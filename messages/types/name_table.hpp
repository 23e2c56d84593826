#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

/// Names of enumerations whose values count from 0 without a gap.
namespace quire::detail {

template <std::size_t Size>
using name_table = std::array<std::string_view, Size>;

template <class Enum, std::size_t Size>
constexpr std::string_view name_in(const name_table<Size>& names, Enum x) noexcept {
  auto index = static_cast<std::size_t>(x);
  return index < Size ? names[index] : "unknown";
}

template <class Enum, std::size_t Size>
constexpr std::optional<Enum> value_in(const name_table<Size>& names, std::string_view name) noexcept {
  auto found = std::ranges::find(names, name);
  if (found == names.end())
    return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

} // namespace quire::detail

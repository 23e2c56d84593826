#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

/// How many fields a plain struct has, and which. For `typed_rows.hpp`.
namespace quire::detail {

inline constexpr std::size_t fields_max = 16;

/// Stands for a value of any type while fields are counted. Nothing is ever converted.
struct anything {
  template <class T>
  operator T() const noexcept;
};

template <class T, std::size_t... Numbers>
constexpr bool takes_values(std::index_sequence<Numbers...>) {
  return requires {
    T{(static_cast<void>(Numbers), anything{})...};
  };
}

/// Returns the number of fields of the aggregate `T`, or more than `fields_max` for
/// all that are larger. A struct may not leave out fields without a default, so the
/// largest number of values that fits is what counts.
template <class T, std::size_t Count = fields_max + 1>
constexpr std::size_t count_fields() {
  if constexpr (Count == 0 || takes_values<T>(std::make_index_sequence<Count>{}))
    return Count;
  else
    return count_fields<T, Count - 1>();
}

/// Returns references to the fields of `x`, in their order.
template <class T>
constexpr auto fields_of(T& x) {
  constexpr auto count = count_fields<std::remove_const_t<T>>();
  static_assert(count >= 1 && count <= fields_max);
  if constexpr (count == 1) {
    auto& [f1] = x;
    return std::tie(f1);
  } else if constexpr (count == 2) {
    auto& [f1, f2] = x;
    return std::tie(f1, f2);
  } else if constexpr (count == 3) {
    auto& [f1, f2, f3] = x;
    return std::tie(f1, f2, f3);
  } else if constexpr (count == 4) {
    auto& [f1, f2, f3, f4] = x;
    return std::tie(f1, f2, f3, f4);
  } else if constexpr (count == 5) {
    auto& [f1, f2, f3, f4, f5] = x;
    return std::tie(f1, f2, f3, f4, f5);
  } else if constexpr (count == 6) {
    auto& [f1, f2, f3, f4, f5, f6] = x;
    return std::tie(f1, f2, f3, f4, f5, f6);
  } else if constexpr (count == 7) {
    auto& [f1, f2, f3, f4, f5, f6, f7] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7);
  } else if constexpr (count == 8) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8);
  } else if constexpr (count == 9) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8, f9);
  } else if constexpr (count == 10) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10);
  } else if constexpr (count == 11) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11);
  } else if constexpr (count == 12) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12);
  } else if constexpr (count == 13) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13);
  } else if constexpr (count == 14) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14);
  } else if constexpr (count == 15) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15);
  } else if constexpr (count == 16) {
    auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16] = x;
    return std::tie(f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16);
  }
}

} // namespace quire::detail

#pragma once

#include "quire/messages/types/aggregate_fields.hpp"
#include "quire/messages/types/errc.hpp"
#include "quire/messages/types/ids.hpp"
#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/value.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace quire {

/// Rows are not what was asked for. The text says which column (number and name),
/// what was expected and what was there; it never shows a value.
class row_error : public std::runtime_error {
public:
  row_error(errc code, const std::string& what) : std::runtime_error(what), code_(code) {}

  /// `not_found`: there is no row; `conflict`: there is more than one;
  /// `invalid_argument`: the columns do not fit the type.
  errc code() const noexcept { return code_; }

private:
  errc code_;
};

namespace detail {

template <class T>
inline constexpr bool is_id = false;
template <class Tag>
inline constexpr bool is_id<id<Tag>> = true;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_number =
  std::integral<T> || std::same_as<T, double> || std::same_as<T, float>;

template <class T>
inline constexpr bool is_content =
  std::same_as<T, std::string> || std::same_as<T, blob> || std::same_as<T, value>;

// Constants are none of them, as std::integral would have it.
template <class T>
inline constexpr bool is_plain_scalar =
  std::same_as<
    T, std::remove_cv_t<T>> && (is_number<T> || is_content<T> || std::is_enum_v<T> || is_id<T>);

template <class T>
inline constexpr bool is_scalar = is_plain_scalar<T>;
template <class T>
inline constexpr bool is_scalar<std::optional<T>> = is_plain_scalar<T>;

/// The types of the columns that `T` is read from, as a tuple; void if a row cannot be
/// read as `T`.
template <class T>
struct columns_of {
  template <class... Fields>
  static auto of_fields(std::type_identity<std::tuple<Fields&...>>)
    -> std::type_identity<std::tuple<std::remove_cv_t<Fields>...>>;

  static constexpr auto find() {
    if constexpr (is_scalar<T>)
      return std::type_identity<std::tuple<T>>{};
    else if constexpr (!std::is_aggregate_v<
                         T> || std::is_union_v<T> || std::is_array_v<T> || std::is_empty_v<T>)
      return std::type_identity<void>{};
    else if constexpr (count_fields<T>() > fields_max)
      return std::type_identity<void>{};
    else
      return decltype(of_fields(std::type_identity<decltype(fields_of(std::declval<T&>()))>{})){};
  }

  using type = typename decltype(find())::type;
};

template <class... Ts>
struct columns_of<std::tuple<Ts...>> {
  using type = std::tuple<Ts...>;
};

template <class First, class Second>
struct columns_of<std::pair<First, Second>> {
  using type = std::tuple<First, Second>;
};

template <class Columns>
inline constexpr bool all_scalars = false;
template <class... Ts>
inline constexpr bool all_scalars<std::tuple<Ts...>> = sizeof...(Ts) > 0 && (is_scalar<Ts> && ...);

} // namespace detail

/// What one column can be read as. Nothing is converted silently:
/// - `bool` from 0 and 1; integers, enums (by their number) and `quire::id` from an
///   integer that they can hold;
/// - `double` and `float` from a real number or an integer that they hold exactly;
/// - `std::string` from text, `quire::blob` from a blob;
/// - `std::optional` of these also from null, and `quire::value` from anything.
template <class T>
concept readable_scalar = detail::is_scalar<T>;

/// What a row can be read as: a scalar (the row has one column), a `std::tuple` or
/// `std::pair` of scalars, or an aggregate of at most 16 scalars: a plain struct without
/// bases, arrays and constructors. Columns go to fields by their order, not by name.
template <class T>
concept readable_row = detail::all_scalars<typename detail::columns_of<T>::type>;

namespace detail {

/// Throw row_error. `place` is "row 3, column 2 ('name')".
[[noreturn]] void refuse_value(const std::string& place, const std::string& expected,
                               value::kind found, bool right_kind);
[[noreturn]] void refuse_column_count(const std::string& place, std::size_t expected,
                                      std::size_t found);
[[noreturn]] void refuse_row_count(std::size_t found);
std::string place_of(std::size_t row, std::size_t column, std::string_view name);
std::string place_of(std::size_t row);

template <class T>
constexpr void require_row() {
  static_assert(
    readable_row<T>,
    "a row cannot be read as this type: it must be a scalar (bool, an integer, double, float, "
    "std::string, quire::blob, quire::value, quire::id, an enum, or std::optional of one), a "
    "std::tuple or std::pair of scalars, or a plain struct of 1 to 16 scalars");
}

template <class T>
std::string expected_text() {
  if constexpr (std::same_as<T, bool>)
    return "0 or 1";
  else if constexpr (std::is_enum_v<T>)
    return expected_text<std::underlying_type_t<T>>();
  else if constexpr (is_id<T>)
    return expected_text<std::int64_t>();
  else if constexpr (std::signed_integral<T>)
    return "an integer from "
           + std::to_string(static_cast<std::int64_t>(std::numeric_limits<T>::min())) + " to "
           + std::to_string(static_cast<std::int64_t>(std::numeric_limits<T>::max()));
  else if constexpr (std::integral<T>)
    return "an integer from 0 to "
           + std::to_string(static_cast<std::uint64_t>(std::numeric_limits<T>::max()));
  else if constexpr (std::same_as<T, double>)
    return "a real number, or an integer that a double holds exactly";
  else if constexpr (std::same_as<T, float>)
    return "a number that a float holds exactly";
  else if constexpr (std::same_as<T, std::string>)
    return "text";
  else
    return "a blob";
}

template <class T>
constexpr bool can_hold(std::int64_t x) {
  using limits = std::numeric_limits<T>;
  if (x < 0)
    return std::is_signed_v<T> && x >= static_cast<std::int64_t>(limits::min());
  return static_cast<std::uint64_t>(x) <= static_cast<std::uint64_t>(limits::max());
}

/// Returns `x` if it is exact.
template <std::floating_point T>
constexpr std::optional<T> exact(std::int64_t x) {
  auto result = static_cast<T>(x);
  // 2^63 is the one result that no 64-bit integer can be compared with.
  if (result >= T{9223372036854775808.0} || static_cast<std::int64_t>(result) != x)
    return std::nullopt;
  return result;
}

template <std::floating_point T>
std::optional<T> exact(double x) {
  if constexpr (std::same_as<T, float>)
    if (x <= std::numeric_limits<double>::max() && x >= std::numeric_limits<double>::lowest()
        && (x > T{std::numeric_limits<T>::max()} || x < T{std::numeric_limits<T>::lowest()}))
      return std::nullopt;
  auto result = static_cast<T>(x);
  if (static_cast<double>(result) != x)
    return std::nullopt;
  return result;
}

/// Reads one value, which is moved from if it is an rvalue. `place()` says where it is.
template <class T, class Value, class Place>
T read_value(Value&& x, const Place& place) {
  auto refuse = [&](bool right_kind = false) {
    refuse_value(place(), expected_text<T>(), x.type(), right_kind);
  };
  [[maybe_unused]] auto content = [&]<class Content>(std::type_identity<Content>) -> Content {
    if constexpr (std::is_lvalue_reference_v<Value>)
      return std::get<Content>(x.data());
    else
      return std::get<Content>(std::forward<Value>(x).take());
  };
  if constexpr (std::same_as<T, value>) {
    return std::forward<Value>(x);
  } else if constexpr (is_optional<T>) {
    if (x.is_null())
      return std::nullopt;
    return read_value<typename T::value_type>(std::forward<Value>(x), place);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(read_value<std::underlying_type_t<T>>(std::forward<Value>(x), place));
  } else if constexpr (is_id<T>) {
    return T{read_value<std::int64_t>(std::forward<Value>(x), place)};
  } else if constexpr (std::integral<T>) {
    if (x.type() != value::kind::integer)
      refuse();
    if (!can_hold<T>(x.integer()))
      refuse(true);
    return static_cast<T>(x.integer());
  } else if constexpr (std::floating_point<T>) {
    if (x.type() != value::kind::integer && x.type() != value::kind::real)
      refuse();
    auto result = x.type() == value::kind::integer ? exact<T>(x.integer()) : exact<T>(x.real());
    if (!result)
      refuse(true);
    return *result;
  } else {
    if (x.type() != (std::same_as<T, blob> ? value::kind::bytes : value::kind::text))
      refuse();
    return content(std::type_identity<T>{});
  }
}

template <class T, class Row>
void check_column_count(const Row& row) {
  constexpr auto count = std::tuple_size_v<typename columns_of<T>::type>;
  if (row.size() != count)
    refuse_column_count(place_of(row.number()), count, row.size());
}

/// Reads a `T` from a row, which has `size()`, `at(column)`, `name(column)` and
/// `number()`: from 1, or 0 if it is the only one.
template <class T, class Row>
T read_row(Row&& row) {
  check_column_count<T>(row);
  auto field = [&]<class Field>(std::type_identity<Field>, std::size_t column) {
    return read_value<Field>(row.at(column),
                             [&] { return place_of(row.number(), column, row.name(column)); });
  };
  if constexpr (readable_scalar<T>)
    return field(std::type_identity<T>{}, 0);
  else
    return [&]<class... Fields, std::size_t... Numbers>(std::type_identity<std::tuple<Fields...>>,
                                                        std::index_sequence<Numbers...>) {
      return T{field(std::type_identity<Fields>{}, Numbers)...};
    }(std::type_identity<typename columns_of<T>::type>{},
           std::make_index_sequence<std::tuple_size_v<typename columns_of<T>::type>>{});
}

/// A row of a row_set; its values are moved from if `Values` is no constant.
template <class Values>
class listed_row {
public:
  listed_row(Values& values, const std::vector<std::string>& names, std::size_t number)
    : values_(&values), names_(&names), number_(number) {}

  std::size_t size() const noexcept { return values_->size(); }
  std::size_t number() const noexcept { return number_; }

  decltype(auto) at(std::size_t column) const {
    if constexpr (std::is_const_v<Values>)
      return static_cast<const value&>((*values_)[column]);
    else
      return static_cast<value&&>((*values_)[column]);
  }

  std::string_view name(std::size_t column) const {
    return column < names_->size() ? std::string_view{(*names_)[column]} : std::string_view{};
  }

private:
  Values* values_;
  const std::vector<std::string>* names_;
  std::size_t number_;
};

/// Takes a row from a set: to be moved from if the set is an rvalue.
template <class T, class Rows>
T row_of(Rows&& set, std::size_t index, std::size_t number) {
  if constexpr (std::is_lvalue_reference_v<Rows>)
    return read_row<T>(listed_row<const std::vector<value>>(set.rows[index], set.columns, number));
  else
    return read_row<T>(listed_row<std::vector<value>>(set.rows[index], set.columns, number));
}

/// Without a row there is nothing to read, but a type that does not fit is a mistake all the same.
template <class T>
void check_columns(const row_set& set) {
  if (set.rows.empty() && !set.columns.empty()) {
    std::vector<value> row(set.columns.size());
    check_column_count<T>(listed_row<const std::vector<value>>(row, set.columns, 0));
  }
}

template <class Rows>
concept rows_reference = std::same_as<std::remove_cvref_t<Rows>, row_set>;

} // namespace detail

/// Reads one row. `columns` are the names of its columns, for the text of an error.
/// @throws row_error
template <class T>
T row_as(const std::vector<value>& row, const std::vector<std::string>& columns = {}) {
  detail::require_row<T>();
  return detail::read_row<T>(detail::listed_row<const std::vector<value>>(row, columns, 0));
}

/// The same; texts and blobs are moved out of `row`.
template <class T>
T row_as(std::vector<value>&& row, const std::vector<std::string>& columns = {}) {
  detail::require_row<T>();
  return detail::read_row<T>(detail::listed_row<std::vector<value>>(row, columns, 0));
}

/// Reads all rows of `set`: `rows_as<visit>(runtime.query("SELECT id, who FROM visit"))`.
/// Texts and blobs are moved out of an rvalue.
/// @throws row_error
template <class T, detail::rows_reference Rows>
std::vector<T> rows_as(Rows&& set) {
  detail::require_row<T>();
  detail::check_columns<T>(set);
  std::vector<T> result;
  result.reserve(set.rows.size());
  for (std::size_t i = 0; i < set.rows.size(); ++i)
    result.push_back(detail::row_of<T>(std::forward<Rows>(set), i, i + 1));
  return result;
}

/// Reads the row of a `set` that has none or one.
/// @throws row_error, with `errc::conflict` if there are more.
template <class T, detail::rows_reference Rows>
std::optional<T> optional_row_as(Rows&& set) {
  detail::require_row<T>();
  detail::check_columns<T>(set);
  if (set.rows.size() > 1)
    detail::refuse_row_count(set.rows.size());
  if (set.rows.empty())
    return std::nullopt;
  return detail::row_of<T>(std::forward<Rows>(set), 0, 0);
}

/// Reads the row of a `set` that has exactly one.
/// @throws row_error, with `errc::not_found` if there is none, and `errc::conflict` if
///         there are more.
template <class T, detail::rows_reference Rows>
T only_row_as(Rows&& set) {
  detail::require_row<T>();
  detail::check_columns<T>(set);
  if (set.rows.size() != 1)
    detail::refuse_row_count(set.rows.size());
  return detail::row_of<T>(std::forward<Rows>(set), 0, 0);
}

/// Reads the only value of a `set` of one row with one column:
/// `scalar_as<std::int64_t>(runtime.query("SELECT count(*) FROM visit"))`.
/// @throws row_error as `only_row_as` does.
template <class T, detail::rows_reference Rows>
T scalar_as(Rows&& set) {
  static_assert(readable_scalar<T>,
                "one value cannot be read as this type: see quire::readable_scalar");
  return only_row_as<T>(std::forward<Rows>(set));
}

} // namespace quire

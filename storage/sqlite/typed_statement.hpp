#pragma once

#include "quire/messages/types/typed_rows.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/statement.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reads rows of a statement as types of C++, by the rules of
/// `messages/types/typed_rows.hpp`, without a row_set between.
namespace quire::storage {

namespace detail {

/// The current row of a statement, as the functions of `typed_rows.hpp` want it.
class current_row {
public:
  current_row(const statement& stmt, std::size_t number) : stmt_(&stmt), number_(number) {}

  std::size_t size() const noexcept { return static_cast<std::size_t>(stmt_->column_count()); }
  std::size_t number() const noexcept { return number_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::string name(std::size_t column) const {
    return stmt_->column_name(static_cast<int>(column));
  }

  value at(std::size_t column) {
    auto result = stmt_->column(static_cast<int>(column));
    bytes_ += bytes_of(result);
    return result;
  }

private:
  const statement* stmt_;
  std::size_t number_;
  std::size_t bytes_ = 0;
};

/// Throws storage::error, with the beginning of `sql`.
[[noreturn]] void raise_row_error(const row_error& failure, std::string_view sql);
[[noreturn]] void raise_too_many(std::size_t rows_max, std::size_t bytes_max, std::string_view sql);

/// Runs `read`; what it says about rows becomes an error of the statement `sql`.
template <class Read>
auto with_sql(std::string_view sql, Read read) {
  try {
    return read();
  } catch (const row_error& failure) {
    raise_row_error(failure, sql);
  }
}

} // namespace detail

/// Reads the current row of `stmt`: after a `step` that returned true.
/// @throws error: `invalid_argument` if the columns do not fit `T`.
template <class T>
T read_row(const statement& stmt) {
  quire::detail::require_row<T>();
  return detail::with_sql({},
                          [&] { return quire::detail::read_row<T>(detail::current_row(stmt, 0)); });
}

/// Runs `stmt`, whose text is `sql`, to its end and returns all rows.
/// @throws error: `invalid_argument` if the columns do not fit `T`; `too_large` past
///         `rows_max` rows or about `bytes_max` bytes.
template <class T>
std::vector<T> read_rows(statement& stmt, std::string_view sql, std::size_t rows_max,
                         std::size_t bytes_max) {
  quire::detail::require_row<T>();
  return detail::with_sql(sql, [&] {
    std::vector<T> result;
    std::size_t bytes = 0;
    auto more = stmt.step();
    quire::detail::check_column_count<T>(detail::current_row(stmt, 0));
    for (; more; more = stmt.step()) {
      detail::current_row row(stmt, result.size() + 1);
      if (result.size() == rows_max)
        detail::raise_too_many(rows_max, bytes_max, sql);
      result.push_back(quire::detail::read_row<T>(row));
      bytes += row.bytes();
      if (bytes > bytes_max)
        detail::raise_too_many(rows_max, bytes_max, sql);
    }
    return result;
  });
}

/// Runs `stmt`, whose text is `sql`, and returns its row, if it has one.
/// @throws error: `invalid_argument` if the columns do not fit `T`; `conflict` if there
///         is more than one row.
template <class T>
std::optional<T> read_optional_row(statement& stmt, std::string_view sql) {
  quire::detail::require_row<T>();
  return detail::with_sql(sql, [&]() -> std::optional<T> {
    auto found = stmt.step();
    quire::detail::check_column_count<T>(detail::current_row(stmt, 0));
    if (!found)
      return std::nullopt;
    std::optional<T> result{quire::detail::read_row<T>(detail::current_row(stmt, 0))};
    if (stmt.step())
      throw row_error(errc::conflict, "one row was expected, but there are more");
    return result;
  });
}

/// Runs `stmt`, whose text is `sql`, and returns its only row.
/// @throws error: as above, and `not_found` if there is no row.
template <class T>
T read_only_row(statement& stmt, std::string_view sql) {
  auto result = read_optional_row<T>(stmt, sql);
  if (!result)
    detail::with_sql(sql, [] { quire::detail::refuse_row_count(0); });
  return *std::move(result);
}

} // namespace quire::storage

#pragma once

#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/value.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

struct sqlite3; // Headers never include <sqlite3.h>.
struct sqlite3_stmt;

namespace quire::storage {

/// A prepared SQL statement that is compiled once and run many times.
///
/// It belongs to the connection it was prepared on and must not outlive it.
/// Like its connection it may move between threads, but must never be used by
/// two at once; that one actor owns both is what guarantees this.
class statement {
public:
  /// Compiles `sql`, which must be exactly one statement; a semicolon, spaces
  /// and comments may follow it.
  /// @throws error with `errc::sql` if it does not compile, is empty, or is
  ///         followed by another statement.
  statement(sqlite3* db, std::string_view sql);

  /// Rewinds, then binds `values` to `?1, ?2, ...` in order. Text and blobs are
  /// copied. An empty `std::optional` binds null.
  /// @throws error with `errc::sql` if the number of values is not the number
  ///         of parameters.
  template <class... Values>
  statement& bind(const Values&... values) {
    rewind(sizeof...(values));
    int index = 0;
    (bind_at(++index, values), ...);
    return *this;
  }

  /// The same for values whose number is known at run time only.
  statement& bind_all(std::span<const value> values);

  /// These do the same without copies: the values must stay as they are until the statement is
  /// reset, as the end of a loan does.
  statement& bind_all_borrowed(std::span<const value> values);
  template <class... Values>
  statement& bind_borrowed(const Values&... values) {
    rewind(sizeof...(values));
    int index = 0;
    (bind_borrowed_at(++index, values), ...);
    return *this;
  }

  /// Binds those of the `row`-th of several rows, from 0, of as many values each, without copies.
  /// The statement must be new or reset; what is never bound is null.
  template <class... Values>
  statement& bind_borrowed_row(std::size_t row, const Values&... values) {
    auto index = static_cast<int>(row * sizeof...(values));
    (bind_borrowed_at(++index, values), ...);
    return *this;
  }

  /// Advances to the next row.
  /// @returns `false` when there are no more rows; the statement is then
  ///          rewound, so that it holds no read lock while it waits for reuse.
  /// @throws error on any SQLite failure; the statement is rewound.
  bool step();

  /// Runs to the end, dropping rows.
  void run() {
    while (step()) {
    }
  }

  /// Runs to the end and returns all rows.
  /// @throws error with `errc::too_large` past `rows_max` rows or `bytes_max` bytes.
  row_set fetch_all(std::size_t rows_max, std::size_t bytes_max);

  /// Returns the next rows, as many as there are but at most `rows_max`, and no further one
  /// once they have `bytes_max` bytes; `more` says whether any may follow.
  std::vector<std::vector<value>> fetch_some(std::size_t rows_max, std::size_t bytes_max,
                                             bool& more);

  /// The names of all columns, once it has been stepped: only then are they certain.
  const quire::column_names& column_names();

  /// The columns of the current row, from 0. SQLite converts as its manual says
  /// (https://www.sqlite.org/c3ref/column_blob.html).
  int column_count() const noexcept;
  std::string column_name(int column) const;
  bool is_null(int column) const noexcept;
  std::int64_t int64(int column) const noexcept;
  double real(int column) const noexcept;
  std::string text(int column) const;
  std::optional<std::int64_t> optional_int64(int column) const;
  value column(int column) const;

  /// Returns whether the statement itself cannot change the database file, as
  /// `sqlite3_stmt_readonly` tells.
  bool read_only() const noexcept;

  /// Rewinds and forgets what was bound.
  void reset() noexcept;

private:
  value column_as(int column, int type) const;
  std::vector<value> row(int count, std::size_t& bytes, std::size_t bytes_max);
  [[noreturn]] void refuse_size(std::size_t rows_max, std::size_t bytes_max);
  void rewind(std::size_t values);
  void bind_at(int index, std::nullptr_t);
  void bind_at(int index, std::int64_t x);
  void bind_at(int index, int x) { bind_at(index, static_cast<std::int64_t>(x)); }
  void bind_at(int index, bool x) { bind_at(index, static_cast<std::int64_t>(x)); }
  void bind_at(int index, std::size_t x) { bind_at(index, static_cast<std::int64_t>(x)); }
  void bind_at(int index, double x);
  void bind_at(int index, std::string_view x);
  void bind_at(int index, const std::string& x) { bind_at(index, std::string_view{x}); }
  void bind_at(int index, const char* x) { bind_at(index, std::string_view{x}); }
  void bind_at(int index, const value& x);
  template <class T>
  void bind_at(int index, const std::optional<T>& x) {
    x ? bind_at(index, *x) : bind_at(index, nullptr);
  }
  void bind_borrowed_text(int index, std::string_view x);
  void bind_borrowed_value(int index, const value& x);
  // What would first have to be converted is not there for long enough, and is copied.
  template <class T>
  void bind_borrowed_at(int index, const T& x) {
    if constexpr (std::is_null_pointer_v<T>)
      bind_at(index, nullptr);
    else if constexpr (std::is_convertible_v<const T&, std::string_view>)
      bind_borrowed_text(index, x);
    else if constexpr (std::is_same_v<T, value>)
      bind_borrowed_value(index, x);
    else
      bind_at(index, x);
  }
  template <class T>
  void bind_borrowed_at(int index, const std::optional<T>& x) {
    x ? bind_borrowed_at(index, *x) : bind_at(index, nullptr);
  }

  struct finalizer {
    void operator()(sqlite3_stmt* stmt) const noexcept;
  };

  std::unique_ptr<sqlite3_stmt, finalizer> stmt_;
  quire::column_names names_;
  int names_compiled_ = -1; ///< How often it had been compiled again when it had these names.
};

} // namespace quire::storage

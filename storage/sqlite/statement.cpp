#include "quire/storage/sqlite/statement.hpp"

#include "quire/storage/sqlite/raise.hpp"

#include <sqlite3.h>

#include <climits>
#include <limits>

namespace quire::storage {

namespace {

/// Returns what is left of `text` after spaces, comments and semicolons, in the
/// sense of SQLite's tokenizer.
std::string_view skip_nothing(std::string_view text) {
  while (!text.empty()) {
    if (std::string_view{" \t\n\f\r;"}.find(text.front()) != std::string_view::npos) {
      text.remove_prefix(1);
    } else if (text.starts_with("--")) {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    } else if (text.starts_with("/*")) {
      auto end = text.find("*/", 2);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    } else {
      break;
    }
  }
  return text;
}

std::string_view sql_of(sqlite3_stmt* stmt) {
  auto* sql = sqlite3_sql(stmt);
  return sql ? sql : "";
}

void check_bound(sqlite3_stmt* stmt, int code) {
  if (code != SQLITE_OK)
    raise(sqlite3_db_handle(stmt), code, sql_of(stmt));
}

/// SQLite takes a null pointer for the value null, whatever the length.
template <class T>
const void* never_null(const T* data) {
  return data ? static_cast<const void*>(data) : "";
}

} // namespace

statement::statement(sqlite3* db, std::string_view sql) {
  if (sql.size() > INT_MAX)
    throw error(errc::too_large, "the SQL text is longer than 2 GB");
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  // PERSISTENT: these live as long as the connection, so they stay out of the
  // memory that short-lived statements share.
  auto code = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()),
                                 SQLITE_PREPARE_PERSISTENT, &raw, &tail);
  stmt_.reset(raw);
  if (code != SQLITE_OK)
    throw make_error(db, code, sql).refused_before_running();
  if (!raw)
    throw error(errc::sql, "the SQL text holds no statement: " + shortened(sql));
  if (!skip_nothing(sql.substr(static_cast<std::size_t>(tail - sql.data()))).empty())
    throw error(errc::sql,
                "one statement was expected, but more follows it, in: " + shortened(sql));
}

statement& statement::bind_all(std::span<const value> values) {
  rewind(values.size());
  int index = 0;
  for (auto& x : values)
    bind_at(++index, x);
  return *this;
}

statement& statement::bind_all_borrowed(std::span<const value> values) {
  rewind(values.size());
  int index = 0;
  for (auto& x : values)
    bind_borrowed_value(++index, x);
  return *this;
}

bool statement::step() {
  auto code = sqlite3_step(stmt_.get());
  if (code == SQLITE_ROW)
    return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(stmt_.get());
    return false;
  }
  auto failure = make_error(sqlite3_db_handle(stmt_.get()), code, sql_of(stmt_.get()));
  sqlite3_reset(stmt_.get());
  throw failure;
}

row_set statement::fetch_all(std::size_t rows_max, std::size_t bytes_max) {
  row_set result;
  // Only after the first step are the columns certain: where the schema has changed
  // since it was compiled, it compiles the statement again.
  auto more = step();
  result.columns = column_names();
  auto count = static_cast<int>(result.columns.size());
  std::size_t bytes = 0;
  for (; more; more = step()) {
    if (result.rows.size() == rows_max)
      refuse_size(rows_max, bytes_max);
    result.rows.push_back(row(count, bytes, bytes_max));
    if (bytes > bytes_max)
      refuse_size(rows_max, bytes_max);
  }
  return result;
}

void statement::refuse_size(std::size_t rows_max, std::size_t bytes_max) {
  sqlite3_reset(stmt_.get());
  throw error(errc::too_large, "the result is larger than " + std::to_string(rows_max) + " rows or "
                                 + std::to_string(bytes_max)
                                 + " bytes, in: " + shortened(sql_of(stmt_.get())));
}

std::vector<std::vector<value>> statement::fetch_some(std::size_t rows_max, std::size_t bytes_max,
                                                      bool& more) {
  std::vector<std::vector<value>> rows;
  std::size_t bytes = 0;
  while (rows.size() < rows_max && (rows.empty() || bytes < bytes_max)) {
    more = step();
    if (!more)
      break;
    rows.push_back(row(column_count(), bytes, std::numeric_limits<std::size_t>::max()));
  }
  return rows;
}

const quire::column_names& statement::column_names() {
  // For a schema that has changed it is compiled again, and may have others then.
  auto compiled = sqlite3_stmt_status(stmt_.get(), SQLITE_STMTSTATUS_REPREPARE, 0);
  if (compiled == names_compiled_)
    return names_;
  std::vector<std::string> names;
  auto count = column_count();
  names.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    names.push_back(column_name(i));
  names_ = std::move(names);
  names_compiled_ = compiled;
  return names_;
}

/// Returns the current row and adds about what it takes to `bytes`; stops, and copies no more,
/// past `bytes_max`.
std::vector<value> statement::row(int count, std::size_t& bytes, std::size_t bytes_max) {
  std::vector<value> result;
  result.reserve(static_cast<std::size_t>(count));
  bytes += static_cast<std::size_t>(count) * sizeof(value);
  for (int i = 0; i < count; ++i) {
    auto type = sqlite3_column_type(stmt_.get(), i);
    if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
      bytes += static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), i));
      if (bytes > bytes_max)
        break;
    }
    result.push_back(column_as(i, type));
  }
  return result;
}

int statement::column_count() const noexcept {
  return sqlite3_column_count(stmt_.get());
}

std::string statement::column_name(int column) const {
  auto* name = sqlite3_column_name(stmt_.get(), column);
  return name ? name : "";
}

bool statement::is_null(int column) const noexcept {
  return sqlite3_column_type(stmt_.get(), column) == SQLITE_NULL;
}

std::int64_t statement::int64(int column) const noexcept {
  return sqlite3_column_int64(stmt_.get(), column);
}

double statement::real(int column) const noexcept {
  return sqlite3_column_double(stmt_.get(), column);
}

std::string statement::text(int column) const {
  // The text before its length: asking for it may convert the value.
  auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt_.get(), column));
  if (!text)
    return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), column))};
}

std::optional<std::int64_t> statement::optional_int64(int column) const {
  if (is_null(column))
    return std::nullopt;
  return int64(column);
}

value statement::column(int column) const {
  return column_as(column, sqlite3_column_type(stmt_.get(), column));
}

value statement::column_as(int column, int type) const {
  switch (type) {
    case SQLITE_INTEGER: return int64(column);
    case SQLITE_FLOAT: return real(column);
    case SQLITE_TEXT: return text(column);
    case SQLITE_BLOB: {
      auto* data = static_cast<const std::byte*>(sqlite3_column_blob(stmt_.get(), column));
      auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), column));
      return data ? blob(data, data + size) : blob{};
    }
    default: return nullptr;
  }
}

bool statement::read_only() const noexcept {
  return sqlite3_stmt_readonly(stmt_.get()) != 0;
}

void statement::reset() noexcept {
  sqlite3_reset(stmt_.get());
  sqlite3_clear_bindings(stmt_.get());
}

void statement::rewind(std::size_t values) {
  sqlite3_reset(stmt_.get());
  auto expected = static_cast<std::size_t>(sqlite3_bind_parameter_count(stmt_.get()));
  if (values != expected)
    throw error(errc::sql, "the statement has " + std::to_string(expected) + " parameters, but "
                             + std::to_string(values)
                             + " values were given, in: " + shortened(sql_of(stmt_.get())));
}

void statement::bind_at(int index, std::nullptr_t) {
  check_bound(stmt_.get(), sqlite3_bind_null(stmt_.get(), index));
}

void statement::bind_at(int index, std::int64_t x) {
  check_bound(stmt_.get(), sqlite3_bind_int64(stmt_.get(), index, x));
}

void statement::bind_at(int index, double x) {
  check_bound(stmt_.get(), sqlite3_bind_double(stmt_.get(), index, x));
}

void statement::bind_at(int index, std::string_view x) {
  auto* text = static_cast<const char*>(never_null(x.data()));
  check_bound(stmt_.get(), sqlite3_bind_text64(stmt_.get(), index, text, x.size(), SQLITE_TRANSIENT,
                                               SQLITE_UTF8));
}

void statement::bind_at(int index, const value& x) {
  switch (x.type()) {
    case value::kind::null: return bind_at(index, nullptr);
    case value::kind::integer: return bind_at(index, x.integer());
    case value::kind::real: return bind_at(index, x.real());
    case value::kind::text: return bind_at(index, std::string_view{x.text()});
    case value::kind::bytes:
      check_bound(stmt_.get(), sqlite3_bind_blob64(stmt_.get(), index, never_null(x.bytes().data()),
                                                   x.bytes().size(), SQLITE_TRANSIENT));
  }
}

void statement::bind_borrowed_text(int index, std::string_view x) {
  auto* text = static_cast<const char*>(never_null(x.data()));
  check_bound(stmt_.get(), sqlite3_bind_text64(stmt_.get(), index, text, x.size(), SQLITE_STATIC,
                                               SQLITE_UTF8));
}

void statement::bind_borrowed_value(int index, const value& x) {
  if (x.type() == value::kind::text)
    bind_borrowed_text(index, x.text());
  else if (x.type() == value::kind::bytes)
    check_bound(stmt_.get(), sqlite3_bind_blob64(stmt_.get(), index, never_null(x.bytes().data()),
                                                 x.bytes().size(), SQLITE_STATIC));
  else
    bind_at(index, x);
}

void statement::finalizer::operator()(sqlite3_stmt* stmt) const noexcept {
  sqlite3_finalize(stmt);
}

} // namespace quire::storage

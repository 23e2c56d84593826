#include "quire/app/cli/sql_values.hpp"

#include "quire/app/cli/text_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace quire::cli {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t skip_digits(std::string_view& text) {
  auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  auto count = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(count);
  return count;
}

enum class form { text, integer, real };

/// The grammar of numbers in JSON: what looks like a number but has a leading
/// zero or a plus (a postal code, a telephone number) is none.
form form_of(std::string_view text) {
  if (text.starts_with('-'))
    text.remove_prefix(1);
  auto starts_with_zero = text.starts_with('0');
  auto digits = skip_digits(text);
  if (digits == 0 || (starts_with_zero && digits > 1))
    return form::text;
  if (text.empty())
    return form::integer;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (skip_digits(text) == 0)
      return form::text;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+'))
      text.remove_prefix(1);
    if (skip_digits(text) == 0)
      return form::text;
  }
  return text.empty() ? form::real : form::text;
}

template <class T>
value number_or_text(const std::string& text) {
  T number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    return text; // Too large to be one.
  return number;
}

} // namespace

value parameter_value(const std::string& text) {
  switch (form_of(text)) {
    case form::integer: return number_or_text<std::int64_t>(text);
    case form::real: return number_or_text<double>(text);
    case form::text: break;
  }
  return text;
}

std::string rows_text(const row_set& rows, std::size_t width_max) {
  std::vector<text_table::column> columns;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    auto is_number = [&](const std::vector<value>& row) {
      auto type = row[i].type();
      return type == value::kind::integer || type == value::kind::real || row[i].is_null();
    };
    columns.push_back({rows.columns[i], std::all_of(rows.rows.begin(), rows.rows.end(), is_number)});
  }
  text_table table(std::move(columns), width_max);
  for (auto& row : rows.rows) {
    std::vector<std::string> cells;
    for (auto& cell : row)
      cells.push_back(to_display(cell));
    table.add(cells);
  }
  return table.to_text();
}

} // namespace quire::cli

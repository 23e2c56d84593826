#include "quire/messages/types/typed_rows.hpp"

namespace quire::detail {

namespace {

std::string_view shown(value::kind kind) {
  switch (kind) {
    case value::kind::null: return "null";
    case value::kind::integer: return "an integer";
    case value::kind::real: return "a real number";
    case value::kind::text: return "text";
    case value::kind::bytes: return "a blob";
  }
  return "something else";
}

std::string columns_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " column" : " columns");
}

} // namespace

void refuse_value(const std::string& place, const std::string& expected, value::kind found,
                  bool right_kind) {
  throw row_error(errc::invalid_argument, place + ": " + expected + " was expected, but there is "
                                            + std::string{shown(found)}
                                            + (right_kind ? " that does not fit" : ""));
}

void refuse_column_count(const std::string& place, std::size_t expected, std::size_t found) {
  throw row_error(errc::invalid_argument,
                  (place.empty() ? "" : place + ": ") + columns_text(expected)
                    + (expected == 1 ? " was" : " were") + " expected, but there "
                    + (found == 1 ? "is " : "are ") + std::to_string(found));
}

void refuse_row_count(std::size_t found) {
  if (found == 0)
    throw row_error(errc::not_found, "one row was expected, but there is none");
  throw row_error(errc::conflict, "one row was expected, but there are " + std::to_string(found));
}

std::string place_of(std::size_t row) {
  return row == 0 ? std::string{} : "row " + std::to_string(row);
}

std::string place_of(std::size_t row, std::size_t column, std::string_view name) {
  auto result = place_of(row);
  if (!result.empty())
    result += ", ";
  result += "column " + std::to_string(column + 1);
  if (!name.empty())
    (result += " ('").append(name) += "')";
  return result;
}

} // namespace quire::detail

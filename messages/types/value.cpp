#include "quire/messages/types/value.hpp"

#include <charconv>

namespace quire {

namespace {

std::string display_real(double x) {
  // The shortest text that reads back as the same double.
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, x);
  std::string text(buffer, end);
  if (text.find_first_of(".eni") == std::string::npos)
    text += ".0";
  return text;
}

std::string display_blob(const blob& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "x'";
  for (auto byte : bytes) {
    auto number = std::to_integer<unsigned>(byte);
    text += digits[number >> 4];
    text += digits[number & 15];
  }
  return text + '\'';
}

} // namespace

std::size_t bytes_of(const value& x) noexcept {
  switch (x.type()) {
    case value::kind::text: return sizeof(value) + x.text().size();
    case value::kind::bytes: return sizeof(value) + x.bytes().size();
    default: return sizeof(value);
  }
}

std::string to_display(const value& x) {
  switch (x.type()) {
    case value::kind::null: return "NULL";
    case value::kind::integer: return std::to_string(x.integer());
    case value::kind::real: return display_real(x.real());
    case value::kind::text: return x.text();
    case value::kind::bytes: return display_blob(x.bytes());
  }
  return {};
}

} // namespace quire

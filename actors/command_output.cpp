#include "quire/actors/command_output.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <stdexcept>

namespace quire::actors {

namespace {

using json = nlohmann::json;

/// Readers of JSON recurse: SQLite stops at 2000 levels, others overflow their stack.
constexpr std::size_t depth_max = 500;

constexpr std::string_view white_space = " \t\r\n\v\f";

bool is_plain(char letter) noexcept {
  return letter >= ' ' && letter <= '~' && letter != '"' && letter != '\\';
}

void append_json_string(std::string& to, std::string_view text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    to += '"';
    to += text;
    to += '"';
    return;
  }
  to += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Looks at JSON without keeping it, and remembers what is wrong with it.
class json_check : public nlohmann::json_sax<json> {
public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool start_object(std::size_t) override { return descend(); }
  bool start_array(std::size_t) override { return descend(); }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const std::string_view text{error.what()};
    // Without the "[json.exception.parse_error.101] " of the library.
    const auto end = text.find("] ");
    fault_ = text.substr(end == std::string_view::npos ? 0 : end + 2);
    return false;
  }

  const std::string& fault() const noexcept { return fault_; }

private:
  bool descend() {
    if (++depth_ <= depth_max)
      return true;
    fault_ = "it is nested more than " + std::to_string(depth_max) + " levels deep";
    return false;
  }

  std::size_t depth_ = 0;
  std::string fault_;
};

} // namespace

std::string as_utf8(std::string_view text) {
  const auto quoted = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(quoted).get<std::string>();
}

std::string last_line(std::string_view text, std::size_t bytes_max) {
  const auto last = text.find_last_not_of(white_space);
  if (last == std::string_view::npos)
    return {};
  text = text.substr(0, last + 1);
  // A carriage return begins anew on the screen, too: a progress bar is one line.
  const auto before = text.find_last_of("\r\n");
  text.remove_prefix(before == std::string_view::npos ? 0 : before + 1);
  text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
  if (text.size() > bytes_max) {
    auto end = bytes_max;
    // Not in the middle of a letter.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
      --end;
    text = text.substr(0, end);
  }
  return as_utf8(text);
}

std::string json_of_text(std::string_view text, std::uint64_t bytes_cut) {
  std::string result;
  if (bytes_cut > 0) {
    append_json_string(result, std::string{text} + "\n[... " + std::to_string(bytes_cut)
                                 + " bytes cut ...]");
    return result;
  }
  append_json_string(result, text.substr(0, text.find_last_not_of("\r\n") + 1));
  return result;
}

std::string json_of_lines(std::string_view text) {
  std::string result{"["};
  result.reserve(text.size() + text.size() / 8 + 2);
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    if (end != std::string_view::npos && line.ends_with('\r'))
      line.remove_suffix(1);
    if (result.size() > 1)
      result += ',';
    append_json_string(result, line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  result += ']';
  return result;
}

std::string compact_json(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    throw std::invalid_argument{"it is empty"};
  json_check check;
  if (!json::sax_parse(text, &check))
    throw std::invalid_argument{as_utf8(check.fault())};
  // A byte order mark, which the parser skips.
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  std::string result;
  result.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (!in_string && (letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n'))
      continue;
    result += letter;
    if (letter == '"')
      in_string = !in_string;
    else if (in_string && letter == '\\')
      result += text[++i];
  }
  return result;
}

} // namespace quire::actors

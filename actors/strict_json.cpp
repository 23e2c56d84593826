#include "quire/actors/strict_json.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/actors/pipeline_parser.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace quire::actors {

namespace {

using nlohmann::json;

// Where a byte of the text stands, for people.
std::string line_and_column(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  auto before = text.substr(0, offset);
  if (before.starts_with("\xef\xbb\xbf"))
    before.remove_prefix(3);
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  if (auto newline = before.rfind('\n'); newline != before.npos)
    before.remove_prefix(newline + 1);
  auto column = 1 + std::count_if(before.begin(), before.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  });
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
}

// Builds the value from the parser's events, with checks.
class strict_builder : public nlohmann::json_sax<json> {
public:
  strict_builder(std::string_view text, std::size_t depth_max, const text_place& becomes_text)
      : text_{text}, depth_max_{depth_max}, becomes_text_{becomes_text} {}

  json take() {
    return std::move(root_);
  }

  bool null() override {
    return add(nullptr);
  }
  bool boolean(bool value) override {
    return add(value);
  }
  bool number_integer(number_integer_t value) override {
    return add(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(value);
  }
  bool number_float(number_float_t value, const string_t& written) override {
    // A number of digits only is an integer that was too long for one.
    auto whole = written.find_first_of(".eE") == written.npos;
    if (whole || (becomes_text_ && json(value).dump() != written && becomes_text_(next_path())))
      throw pipeline_error(next_path() + ": the number " + printable(written, 60)
                           + " would become " + json(value).dump() + ": write it as a text, in quotes");
    return add(value);
  }
  bool string(string_t& value) override {
    return add(std::move(value));
  }
  bool binary(binary_t&) override {
    return false;
  }

  bool start_object(std::size_t) override {
    return open(json::object());
  }
  bool key(string_t& name) override {
    if (stack_.back()->contains(name))
      throw pipeline_error(member_path(path(), name) + ": the key is there twice");
    key_ = std::move(name);
    key_pending_ = true;
    return true;
  }
  bool end_object() override {
    return close();
  }
  bool start_array(std::size_t) override {
    return open(json::array());
  }
  bool end_array() override {
    return close();
  }

  bool parse_error(std::size_t position, const std::string& last_read,
                   const json::exception& problem) override {
    // The parser counts the end of the text as a character.
    auto at_end = position > text_.size();
    std::string_view what = problem.what();
    if (at_end)
      throw pipeline_error(line_and_column(text_, text_.size())
                           + (has_open_quote(what) ? "expected a closing quote" : expected(text_.size()))
                           + ", but the text ends here");
    if (auto lexical = lexical_problem(what); !lexical.empty())
      throw pipeline_error(line_and_column(text_, position - 1) + lexical);
    auto start = token_start(position, last_read);
    throw pipeline_error(line_and_column(text_, start) + expected(start) + ", found "
                         + printable(text_.substr(start, position - start), 30));
  }

private:
  template <class Value>
  bool add(Value&& value) {
    place(json(std::forward<Value>(value)));
    return true;
  }

  json* place(json&& value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      complete_ = true;
      return &root_;
    }
    auto& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    key_pending_ = false;
    auto& slot = parent[key_];
    slot = std::move(value);
    return &slot;
  }

  bool open(json&& empty) {
    if (stack_.size() == depth_max_)
      throw pipeline_error(printable(path(), 100) + ": nested deeper than "
                           + std::to_string(depth_max_) + " levels");
    auto name = !stack_.empty() && stack_.back()->is_object() ? key_ : std::string{};
    stack_.push_back(place(std::move(empty)));
    names_.push_back(std::move(name));
    complete_ = false;
    return true;
  }

  bool close() {
    stack_.pop_back();
    names_.pop_back();
    complete_ = stack_.empty();
    return true;
  }

  // The path of the innermost open object or list.
  std::string path() const {
    std::string path;
    for (std::size_t i = 1; i < stack_.size(); ++i)
      path = stack_[i - 1]->is_array() ? element_path(path, stack_[i - 1]->size() - 1)
                                       : member_path(path, names_[i]);
    return path;
  }

  // The path of the value that comes next.
  std::string next_path() const {
    if (stack_.empty())
      return "the file";
    return stack_.back()->is_array() ? element_path(path(), stack_.back()->size())
                                     : member_path(path(), key_);
  }

  // Where the token that ends at `end` begins. The parser's own memory of what it
  // read is exact for texts and numbers only.
  std::size_t token_start(std::size_t end, const std::string& last_read) const {
    auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    if (end > 0 && std::string_view{"[]{},:"}.find(text_[end - 1]) != std::string_view::npos)
      return end - 1;
    auto start = end;
    while (start > 0 && is_letter(text_[start - 1]))
      --start;
    return start < end ? start : end - std::min(end, last_read.size());
  }

  // What could have stood at `offset`.
  std::string expected(std::size_t offset) const {
    auto last = text_.substr(0, offset).find_last_not_of(" \t\r\n");
    auto before = last == text_.npos ? '\0' : text_[last];
    if (complete_)
      return "expected the end of the text";
    if (stack_.empty())
      return "expected '{'";
    if (stack_.back()->is_array())
      return before == '['   ? "expected a value or ']'"
             : before == ',' ? "expected a value"
                             : "expected ',' or ']'";
    if (key_pending_)
      return before == ':' ? "expected a value" : "expected ':'";
    return before == '{'   ? "expected a key in quotes or '}'"
           : before == ',' ? "expected a key in quotes"
                           : "expected ',' or '}'";
  }

  static bool has_open_quote(std::string_view what) {
    return what.find("missing closing quote") != what.npos;
  }

  // In our words what the parser's lexer says; empty if the problem is one of structure.
  static std::string lexical_problem(std::string_view what) {
    auto says = [&](std::string_view part) { return what.find(part) != what.npos; };
    if (says("number overflow") || says("out_of_range"))
      return "a number that is too large";
    if (says("invalid number"))
      return "this is no number of JSON";
    if (says("UTF-8"))
      return "a text with bytes that are no UTF-8";
    if (says("control character"))
      return "a control character or line end inside a text: write it as an escape (\\n)";
    if (says("surrogate") || says("forbidden character") || says("must be followed by 4 hex"))
      return "an escape in a text that JSON does not know";
    if (says("invalid literal"))
      return "this is no value of JSON (a text needs quotes; comments are not allowed)";
    if (says("BOM"))
      return "a damaged byte order mark";
    return {};
  }

  std::string_view text_;
  std::size_t depth_max_;
  const text_place& becomes_text_;
  json root_;
  std::vector<json*> stack_;
  std::vector<std::string> names_;
  std::string key_;
  bool key_pending_ = false;
  bool complete_ = false;
};

} // namespace

json parse_strict_json(std::string_view text, std::size_t depth_max, const text_place& becomes_text) {
  strict_builder builder{text, depth_max, becomes_text};
  if (!json::sax_parse(text.begin(), text.end(), &builder))
    throw pipeline_error("line 1, column 1: this is no JSON");
  return builder.take();
}

std::string member_path(const std::string& path, std::string_view key) {
  auto plain = !key.empty() && key.size() <= 100 && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-';
  });
  auto name = plain ? std::string{key} : "\"" + printable(key) + "\"";
  return path.empty() ? name : path + "." + name;
}

std::string element_path(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

} // namespace quire::actors

#include "quire/actors/json_cursor.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/actors/pipeline_parser.hpp"
#include "quire/actors/strict_json.hpp"

#include <algorithm>
#include <sstream>

namespace quire::actors {

namespace {

using nlohmann::json;

std::string kind_of(const json& value) {
  switch (value.type()) {
    case json::value_t::null: return "null";
    case json::value_t::boolean: return value.get<bool>() ? "true" : "false";
    case json::value_t::string: return "a text";
    case json::value_t::array: return "a list";
    case json::value_t::object: return "an object";
    default: return value.dump();
  }
}

std::string shown_number(double x) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(12);
  out << x;
  return out.str();
}

} // namespace

void json_cursor::expect_object() const {
  if (!value_->is_object())
    refuse_type("an object");
}

void json_cursor::expect_object(const std::vector<std::string>& known) const {
  expect_object();
  for (const auto& [key, member] : value_->items())
    if (std::ranges::find(known, key) == known.end())
      throw pipeline_error(member_path(path_, key) + ": unknown key" + suggestion(key, known));
}

void json_cursor::expect_list(std::size_t size_min, std::size_t size_max) const {
  if (!value_->is_array())
    refuse_type("a list");
  if (value_->size() < size_min)
    refuse("the list is empty");
  if (value_->size() > size_max)
    refuse("the list has " + std::to_string(value_->size()) + " elements; at most "
           + std::to_string(size_max) + " are allowed");
}

std::optional<json_cursor> json_cursor::find(const std::string& key) const {
  auto found = value_->find(key);
  if (found == value_->end())
    return std::nullopt;
  return json_cursor{*found, member_path(path_, key)};
}

json_cursor json_cursor::at(const std::string& key) const {
  if (auto found = find(key))
    return *found;
  throw pipeline_error(member_path(path_, key) + ": this key is missing");
}

json_cursor json_cursor::element(std::size_t index) const {
  return {(*value_)[index], element_path(path_, index)};
}

const std::string& json_cursor::text() const {
  if (!value_->is_string())
    refuse_type("a text");
  return value_->get_ref<const std::string&>();
}

bool json_cursor::flag() const {
  if (!value_->is_boolean())
    refuse_type("true or false");
  return value_->get<bool>();
}

std::int64_t json_cursor::whole_number(std::int64_t least, std::int64_t most) const {
  auto fits = value_->is_number_unsigned()
                ? value_->get<std::uint64_t>() <= static_cast<std::uint64_t>(most)
                    && static_cast<std::int64_t>(value_->get<std::uint64_t>()) >= least
                : value_->is_number_integer() && value_->get<std::int64_t>() >= least
                    && value_->get<std::int64_t>() <= most;
  if (!fits)
    refuse_type("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value_->get<std::int64_t>();
}

double json_cursor::number(double least, double most) const {
  if (!value_->is_number() || value_->get<double>() < least || value_->get<double>() > most)
    refuse_type("a number from " + shown_number(least) + " to " + shown_number(most));
  return value_->get<double>();
}

const std::string& json_cursor::name() const {
  expect_name(text(), path_);
  return text();
}

const std::string& json_cursor::one_of(const std::vector<std::string>& known) const {
  if (std::ranges::find(known, text()) == known.end())
    refuse("unknown value '" + printable(text()) + "'" + suggestion(text(), known));
  return text();
}

void json_cursor::refuse(const std::string& reason) const {
  throw pipeline_error((path_.empty() ? "the file" : path_) + ": " + reason);
}

void json_cursor::refuse_type(const std::string& expected) const {
  refuse("expected " + expected + ", found " + kind_of(*value_));
}

void expect_name(std::string_view name, const std::string& path) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.'
           || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > 100 || !std::ranges::all_of(name, allowed))
    throw pipeline_error(path + ": '" + printable(name)
                         + "' is no name: 1 to 100 letters, digits, '.', '_' or '-'");
}

} // namespace quire::actors

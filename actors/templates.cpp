#include "quire/actors/templates.hpp"

#include "quire/actors/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <utility>

namespace quire::actors {

namespace {

using nlohmann::json;
using source = template_part::source;

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template_part classified(std::string_view name) {
  constexpr std::string_view params = "params.", stages = "stages.";
  constexpr std::string_view output = ".output", outputs = ".outputs";
  if (name == "item")
    return {source::item, {}};
  if (name == "index")
    return {source::index, {}};
  if (name.starts_with(params) && name.size() > params.size())
    return {source::param, std::string{name.substr(params.size())}};
  for (auto [suffix, from] : {std::pair{outputs, source::outputs}, {output, source::output}})
    if (name.starts_with(stages) && name.ends_with(suffix)
        && name.size() > stages.size() + suffix.size())
      return {from, std::string{name.substr(stages.size(),
                                            name.size() - stages.size() - suffix.size())}};
  return {source::unknown, std::string{name}};
}

using visitor
  = std::function<void(const std::string& path, const std::string& text, template_use use)>;

void visit_texts(const json& value, const std::string& path, template_use use,
                 const visitor& visit) {
  if (value.is_string())
    return visit(path, value.get_ref<const std::string&>(), use);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i)
      visit_texts(value[i], element_path(path, i), use, visit);
  if (value.is_object())
    for (const auto& [key, member] : value.items())
      visit_texts(member, member_path(path, key), use, visit);
}

} // namespace

std::string template_part::name() const {
  switch (from) {
    case source::param: return "params." + text;
    case source::item: return "item";
    case source::index: return "index";
    case source::output: return "stages." + text + ".output";
    case source::outputs: return "stages." + text + ".outputs";
    case source::literal:
    case source::unknown: break;
  }
  return text;
}

std::vector<template_part> parse_template(std::string_view text) {
  std::vector<template_part> parts;
  std::string literal;
  auto flush = [&] {
    if (!literal.empty())
      parts.push_back({source::literal, std::exchange(literal, {})});
  };
  for (;;) {
    auto open = text.find("{{");
    literal += text.substr(0, open);
    if (open == text.npos)
      break;
    text.remove_prefix(open + 2);
    if (text.starts_with("{{")) {
      literal += "{{";
      text.remove_prefix(2);
      continue;
    }
    auto close = text.find("}}");
    if (close == text.npos || text.substr(0, close).find("{{") != text.npos)
      throw std::invalid_argument("'{{' without its '}}' (two literal braces are written '{{{{')");
    flush();
    parts.push_back(classified(trimmed(text.substr(0, close))));
    text.remove_prefix(close + 2);
  }
  flush();
  return parts;
}

void visit_templates(const json& task, const visitor& visit) {
  auto at = [&](const char* key, template_use use) {
    if (auto found = task.find(key); found != task.end())
      visit_texts(*found, key, use, visit);
  };
  if (task.value("kind", "") != "command")
    return at("payload", template_use::payload);
  at("argv", template_use::argument);
  at("cwd", template_use::argument);
  at("env", template_use::argument);
  auto input = task.find("stdin");
  auto is_list = input != task.end() && input->is_array();
  at("stdin", is_list ? template_use::input_line : template_use::input);
}

} // namespace quire::actors

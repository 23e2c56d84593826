#include "quire/actors/payload_builder.hpp"

#include "quire/actors/json_elements.hpp"
#include "quire/actors/nearest_name.hpp"
#include "quire/actors/strict_json.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace quire::actors {

namespace {

using nlohmann::json;
using source = template_part::source;

constexpr std::array<std::string_view, 9> command_payload_keys{
  "argv",         "stdin",   "cwd",           "env",   "output",
  "output_limit", "grace_s", "success_codes", "report"};

void append_line(std::string& text, std::string_view element, const std::string& name) {
  text += plain_text(element);
  text += '\n';
  if (text.size() > payload_bytes_max)
    throw std::runtime_error("{{" + name + "}} is over 64 MiB, the most a task may have");
}

template_use use_of(std::string_view key, const json& value) {
  if (key == "stdin")
    return value.is_array() ? template_use::input_line : template_use::input;
  return template_use::argument;
}

bool holds_templates(std::string_view key) {
  return key == "argv" || key == "stdin" || key == "cwd" || key == "env";
}

// Counts the places in `value` that differ from item to item.
std::size_t item_places(const json& value) {
  std::size_t count = 0;
  if (value.is_string())
    for (const auto& part : parse_template(value.get_ref<const std::string&>()))
      count += part.from == source::item || part.from == source::index ? 1u : 0u;
  else if (value.is_structured())
    for (const auto& inner : value)
      count += item_places(inner);
  return count;
}

} // namespace

void visit_elements(const std::string& stage, const std::vector<std::string>& outputs,
                    const std::function<void(std::string_view element)>& visit) {
  for (const auto& output : outputs) {
    auto value = checked_output(stage, output);
    if (value.starts_with('['))
      for_each_element(value, visit);
    else
      visit(value);
  }
}

payload_builder::payload_builder(const stage_spec& stage, const std::set<std::string>& fanned_out,
                                 std::map<std::string, std::string> params,
                                 const std::map<std::string, std::vector<std::string>>& outputs)
    : stage_{stage.name}, is_command_{stage.task.kind == "command"}, params_{std::move(params)} {
  try {
    prepare(json::parse(stage.task.payload), fanned_out, outputs);
  } catch (const json::exception& problem) {
    // Only parameters from elsewhere may hold bytes that JSON does not know.
    refuse("the task", std::string{"cannot be written as JSON: "} + printable(problem.what(), 200));
  }
}

void payload_builder::prepare(const json& task, const std::set<std::string>& fanned_out,
                              const std::map<std::string, std::vector<std::string>>& outputs) {
  static const std::vector<std::string> none;
  visit_templates(task, [&](const std::string& path, const std::string& text, template_use use) {
    for (const auto& part : parse_template(text)) {
      if (part.from == source::unknown
          || (part.from == source::param && !params_.contains(part.text)))
        refuse(path, "unknown template {{" + printable(part.name()) + "}}");
      if (part.from == source::item && use == template_use::argument)
        item_is_argument_ = true;
      if (part.from == source::output || part.from == source::outputs) {
        auto found = outputs.find(part.text);
        try {
          add_value(part, fanned_out.contains(part.text),
                    found == outputs.end() ? none : found->second);
        } catch (const std::runtime_error& problem) {
          refuse(path, problem.what());
        }
      }
    }
  });
  if (is_command_) {
    for (auto key : command_payload_keys)
      if (auto found = task.find(key); found != task.end())
        add_member(std::string{key}, std::string{key}, *found, use_of(key, *found));
    return;
  }
  auto payload = task.value("payload", json{});
  is_object_ = payload.is_object();
  if (!is_object_)
    return add_member({}, "payload", payload, template_use::payload);
  for (const auto& [key, value] : payload.items())
    add_member(key, member_path("payload", key), value, template_use::payload);
}

void payload_builder::add_value(const template_part& part, bool fanned_out,
                                const std::vector<std::string>& outputs) {
  auto [slot, is_new] = values_.try_emplace(part.name());
  if (!is_new)
    return;
  auto& value = slot->second;
  if (part.from == source::outputs) {
    value.is_list = true;
    value.value = json::array();
    visit_elements(part.text, outputs, [&](std::string_view element) {
      append_line(value.text, element, part.name());
      if (!is_command_)
        value.value.push_back(json::parse(element));
    });
    return;
  }
  if (fanned_out)
    throw std::runtime_error("stage '" + part.text + "' has an output for each item: use {{stages."
                             + part.text + ".outputs}}");
  if (outputs.empty())
    throw std::runtime_error("the stage '" + part.text + "' has no output, because it did not "
                             + "succeed: {{stages." + part.text + ".outputs}} would be empty");
  auto output = checked_output(part.text, outputs.front());
  value.is_list = output.starts_with('[');
  if (value.is_list)
    for_each_element(output, [&](std::string_view element) {
      append_line(value.text, element, part.name());
    });
  else
    value.text = plain_text(output);
  if (!is_command_)
    value.value = json::parse(output);
}

void payload_builder::add_member(std::string key, const std::string& path, const json& value,
                                 template_use use) {
  member added;
  added.use = use;
  auto is_pattern = !is_command_ || holds_templates(key);
  auto places = is_pattern ? item_places(value) : 0;
  auto text = (is_pattern ? filled(value, {path, use}, {}, 0) : value).dump();
  fixed_bytes_ += json(key).dump().size() + text.size() + 4;
  item_uses_ += places;
  if (places > 0)
    added.pattern = value;
  else
    added.ready = std::move(text);
  added.key = std::move(key);
  members_.push_back(std::move(added));
}

std::string payload_builder::build(const std::string& item, std::int64_t index) const {
  std::string payload;
  // Complete JSON values are put side by side here; a value is only ever put into
  // a text as a value.
  auto value_of = [&](const member& part) {
    if (!part.ready.empty())
      return part.ready;
    auto path = is_command_ ? part.key
                : is_object_ ? member_path("payload", part.key)
                             : std::string{"payload"};
    return filled(part.pattern, {path, part.use}, item, index).dump();
  };
  if (!is_object_) {
    payload = value_of(members_.front());
  } else {
    payload = "{";
    for (const auto& part : members_) {
      if (payload.size() > 1)
        payload += ',';
      payload += json(part.key).dump();
      payload += ':';
      payload += value_of(part);
    }
    payload += '}';
  }
  if (payload.size() > payload_bytes_max)
    refuse("the task", "is over 64 MiB, the most a task may have");
  return payload;
}

bool payload_builder::is_fixed() const noexcept {
  return std::ranges::none_of(members_, [](const member& part) { return part.ready.empty(); });
}

std::size_t payload_builder::bytes_bound(std::size_t item_bytes) const noexcept {
  // A byte becomes at most six in JSON; an index has at most seven digits.
  constexpr std::size_t escaped_max = 6, index_digits_max = 7;
  return fixed_bytes_ + item_uses_ * std::max(index_digits_max, escaped_max * item_bytes);
}

json payload_builder::filled(const json& pattern, const place& at, const std::string& item,
                             std::int64_t index) const {
  if (pattern.is_string())
    return filled_text(pattern.get_ref<const std::string&>(), at, item, index);
  if (!pattern.is_structured())
    return pattern;
  auto result = pattern;
  if (result.is_array())
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = filled(pattern[i], {element_path(at.path, i), at.use}, item, index);
  else
    for (auto& [key, value] : result.items())
      value = filled(pattern[key], {member_path(at.path, key), at.use}, item, index);
  return result;
}

json payload_builder::filled_text(const std::string& pattern, const place& at,
                                  const std::string& item, std::int64_t index) const {
  auto parts = parse_template(pattern);
  if (parts.size() == 1 && at.use == template_use::payload)
    if (auto value = values_.find(parts.front().name()); value != values_.end())
      return value->second.value;
  std::string text;
  for (const auto& part : parts) {
    text += fill_part(part, at, item, index);
    if (text.size() > payload_bytes_max)
      refuse(at.path, "is over 64 MiB, the most a task may have");
  }
  if (at.use == template_use::argument && text.find('\0') != text.npos)
    refuse(at.path, "a value with a NUL byte cannot stand here");
  return text;
}

std::string payload_builder::fill_part(const template_part& part, const place& at,
                                       const std::string& item, std::int64_t index) const {
  switch (part.from) {
    case source::literal: return part.text;
    case source::param: return params_.at(part.text);
    case source::item: return item;
    case source::index: return std::to_string(index);
    case source::output:
    case source::outputs: {
      const auto& value = values_.at(part.name());
      if (value.is_list && at.use != template_use::input)
        refuse(at.path, "{{" + part.name() + "}} is a list: "
                          + (at.use == template_use::payload ? "it must be all of the text"
                                                             : "a list may stand in stdin only"));
      return value.text;
    }
    case source::unknown: break;
  }
  refuse(at.path, "unknown template {{" + printable(part.name()) + "}}");
}

void payload_builder::refuse(const std::string& path, const std::string& reason) const {
  throw std::runtime_error("stage '" + stage_ + "': " + path + ": " + reason);
}

} // namespace quire::actors

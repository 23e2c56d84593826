#include "quire/actors/stage_plan.hpp"

#include "quire/actors/json_elements.hpp"
#include "quire/actors/payload_builder.hpp"
#include "quire/actors/templates.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <variant>

namespace quire::actors {

namespace {

using nlohmann::json;

constexpr std::size_t items_max = 1'000'000;

void expect_item_count(const stage_spec& stage, std::size_t count) {
  if (count > items_max)
    throw std::runtime_error("stage '" + stage.name
                             + "': for_each has more than 1,000,000 items");
}

// The list that the stage `name` gave.
std::vector<std::string> items_of(const stage_spec& stage, const std::string& name,
                                  const std::vector<std::string>& outputs, bool fanned_out) {
  auto refuse = [&](const std::string& reason) {
    throw std::runtime_error("stage '" + stage.name + "': for_each: " + reason);
  };
  if (!fanned_out) {
    if (outputs.empty())
      refuse("the stage '" + name + "' has no output, because it did not succeed");
    // The first character tells; a list of a million items is read once only.
    auto first = outputs.front().find_first_not_of(" \t\r\n");
    if (first == std::string::npos || outputs.front()[first] != '[')
      refuse("the output of the stage '" + name + "' is no list");
  }
  std::vector<std::string> items;
  visit_elements(name, outputs, [&](std::string_view element) {
    auto first = element.front();
    if (first == '"' || first == '-' || (first >= '0' && first <= '9'))
      items.push_back(plain_text(element));
    else
      refuse("element " + std::to_string(items.size()) + " of the output of the stage '" + name
             + "' is no text or number");
    expect_item_count(stage, items.size());
  });
  return items;
}

void expect_items_fit(const stage_spec& stage, const payload_builder& builder,
                      const std::vector<std::string>& items) {
  std::size_t longest = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    longest = std::max(longest, items[i].size());
    if (builder.item_is_argument() && items[i].find('\0') != std::string::npos)
      throw std::runtime_error("stage '" + stage.name + "': item " + std::to_string(i)
                               + " has a NUL byte and cannot be an argument");
  }
  // Only where a task might be too large is it worth the time to make all of them.
  if (!builder.is_fixed() && builder.bytes_bound(longest) > payload_bytes_max)
    for (std::size_t i = 0; i < items.size(); ++i)
      builder.build(items[i], static_cast<std::int64_t>(i));
}

// For whom the run is; nothing if the pipeline does not say.
std::string tenant_of(const pipeline_spec& pipeline,
                      const std::map<std::string, std::string>& params) {
  constexpr std::size_t bytes_most = 100;
  std::string tenant;
  for (const auto& part : parse_template(pipeline.tenant)) {
    auto param = params.find(part.text);
    if (part.from == template_part::source::param && param != params.end())
      tenant += param->second;
    else
      tenant += part.text;
  }
  if (tenant.size() > bytes_most)
    throw std::runtime_error("the name of the tenant is over its limit of 100 bytes");
  return tenant;
}

} // namespace

std::vector<std::string> stages_needed(const stage_spec& stage) {
  std::vector<std::string> names;
  auto add = [&](const std::string& name) {
    if (std::ranges::find(names, name) == names.end())
      names.push_back(name);
  };
  if (auto source = std::get_if<std::string>(&stage.for_each))
    add(*source);
  auto task = json::parse(stage.task.payload, nullptr, false);
  if (!task.is_object())
    throw std::runtime_error("stage '" + stage.name + "': the task is no JSON object");
  visit_templates(task, [&](const std::string&, const std::string& text, template_use) {
    for (const auto& part : parse_template(text))
      if (part.from == template_part::source::output || part.from == template_part::source::outputs)
        add(part.text);
  });
  return names;
}

stage_plan::stage_plan(const pipeline_spec& pipeline, const stage_spec& stage, stage_inputs inputs,
                       std::string_view gate_prefix)
    : base_{stage.task}, for_each_{!std::holds_alternative<std::monostate>(stage.for_each)} {
  base_.payload.clear();
  if (!pipeline.tenant.empty())
    base_.tenant = tenant_of(pipeline, inputs.params);
  if (stage.concurrent_max > 0) {
    base_.gate = std::string{gate_prefix} + stage.name;
    base_.gate_capacity = stage.concurrent_max;
  }
  std::set<std::string> fanned_out;
  for (const auto& other : pipeline.stages)
    if (!std::holds_alternative<std::monostate>(other.for_each))
      fanned_out.insert(other.name);

  if (auto list = std::get_if<std::vector<std::string>>(&stage.for_each))
    items_ = *list;
  else if (auto source = std::get_if<std::string>(&stage.for_each))
    items_ = items_of(stage, *source, inputs.outputs[*source], fanned_out.contains(*source));
  expect_item_count(stage, items_.size());

  auto builder = std::make_shared<const payload_builder>(stage, fanned_out,
                                                         std::move(inputs.params), inputs.outputs);
  expect_items_fit(stage, *builder, items_);
  if (builder->is_fixed())
    payload_ = [ready = builder->build({}, 0)](const std::string&, std::int64_t) { return ready; };
  else
    payload_ = [builder](const std::string& item, std::int64_t index) {
      return builder->build(item, index);
    };
}

std::int64_t stage_plan::size() const noexcept {
  return for_each_ ? static_cast<std::int64_t>(items_.size()) : 1;
}

task_spec stage_plan::task(std::int64_t item) const {
  if (item < 0 || item >= size())
    throw std::out_of_range("stage_plan::task: there is no item " + std::to_string(item));
  auto task = base_;
  task.payload
    = payload_(for_each_ ? items_[static_cast<std::size_t>(item)] : std::string{}, item);
  return task;
}

} // namespace quire::actors

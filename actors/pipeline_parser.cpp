#include "quire/actors/pipeline_parser.hpp"

#include "quire/actors/json_cursor.hpp"
#include "quire/actors/nearest_name.hpp"
#include "quire/actors/pipeline_graph.hpp"
#include "quire/actors/pipeline_templates.hpp"
#include "quire/actors/strict_json.hpp"
#include "quire/actors/task_reader.hpp"
#include "quire/actors/templates.hpp"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace quire::actors {

namespace {

using nlohmann::json;

constexpr std::size_t file_bytes_max = std::size_t{16} << 20;
constexpr std::size_t depth_max = 64;
constexpr std::size_t params_max = 1000;
constexpr std::int64_t items_max = 1'000'000;

bool number_becomes_text(const std::string& path) {
  return path.starts_with("params.")
         || (path.starts_with("stages[") && path.find("].for_each[") != path.npos);
}

std::map<std::string, std::string> read_params(const json_cursor& params) {
  params.expect_object();
  if (params.value().size() > params_max)
    params.refuse("more than " + std::to_string(params_max) + " parameters");
  std::map<std::string, std::string> result;
  for (const auto& [name, value] : params.value().items()) {
    json_cursor param{value, member_path(params.path(), name)};
    expect_name(name, param.path());
    if (value.is_string() && param.text().find('\0') != std::string::npos)
      param.refuse("holds a zero byte, which no argument can");
    if (value.is_string())
      result[name] = param.text();
    else if (value.is_number() || value.is_boolean())
      result[name] = value.dump();
    else
      param.refuse_type("a text, a number, true or false");
  }
  return result;
}

// The run that is started says for whom it is, so there is nothing but parameters in it.
std::string read_tenant(const json_cursor& tenant, const std::map<std::string, std::string>& params) {
  auto& text = tenant.text();
  if (text.empty())
    tenant.refuse("the name of a tenant is empty: leave it out for none");
  try {
    for (const auto& part : parse_template(text)) {
      auto known = part.from == template_part::source::literal
                   || (part.from == template_part::source::param && params.contains(part.text));
      if (!known)
        tenant.refuse("{{" + printable(part.name(), 120) + "}} is no parameter of the pipeline");
    }
  } catch (const std::invalid_argument& error) {
    tenant.refuse(error.what());
  }
  return text;
}

std::vector<stage_dependency> read_after(const json_cursor& after) {
  after.expect_list(0, stages_max);
  std::vector<stage_dependency> result;
  for (std::size_t i = 0; i < after.value().size(); ++i) {
    auto entry = after.element(i);
    if (entry.value().is_string()) {
      result.push_back({entry.text(), edge_condition::success});
      continue;
    }
    if (!entry.value().is_object())
      entry.refuse_type("the name of a stage or {\"stage\": ..., \"when\": ...}");
    entry.expect_object({"stage", "when"});
    stage_dependency edge{entry.at("stage").text(), edge_condition::success};
    if (auto when = entry.find("when"))
      edge.when
        = *edge_condition_from_string(when->one_of({"success", "not_failed", "failed", "any"}));
    result.push_back(std::move(edge));
  }
  return result;
}

decltype(stage_spec::for_each) read_for_each(const json_cursor& list) {
  if (list.value().is_string())
    return list.text();
  if (!list.value().is_array())
    list.refuse_type("the name of a stage or a list");
  list.expect_list(0, items_max);
  std::vector<std::string> items;
  items.reserve(list.value().size());
  for (std::size_t i = 0; i < list.value().size(); ++i) {
    const auto& item = list.value()[i];
    if (!item.is_string() && !item.is_number())
      list.element(i).refuse_type("a text or a number");
    items.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    if (items.back().find('\0') != std::string::npos)
      list.element(i).refuse("holds a zero byte, which no argument can");
  }
  return items;
}

success_policy read_success(const json_cursor& success, const stage_spec& stage) {
  success.expect_object({"min_percent", "min_count"});
  if (std::holds_alternative<std::monostate>(stage.for_each))
    success.refuse("has a meaning only in a stage with for_each");
  success_policy policy;
  if (auto percent = success.find("min_percent"))
    policy.percent_min = static_cast<int>(percent->whole_number(0, 100));
  if (auto count = success.find("min_count")) {
    policy.count_min = count->whole_number(1, items_max);
    auto items = std::get_if<std::vector<std::string>>(&stage.for_each);
    if (items && policy.count_min > static_cast<std::int64_t>(items->size()))
      count->refuse("can never be reached: for_each has only " + std::to_string(items->size()));
  }
  return policy;
}

stage_spec read_stage(const json_cursor& stage) {
  stage.expect_object({"name", "description", "after", "for_each", "max_concurrent", "success",
                       "optional", "task"});
  stage_spec result;
  result.name = stage.at("name").name();
  if (auto description = stage.find("description"))
    description->text();
  if (auto after = stage.find("after"))
    result.after = read_after(*after);
  if (auto for_each = stage.find("for_each"))
    result.for_each = read_for_each(*for_each);
  if (auto limit = stage.find("max_concurrent"))
    result.concurrent_max = static_cast<int>(limit->whole_number(1, 100'000));
  if (auto success = stage.find("success"))
    result.success = read_success(*success, result);
  if (auto optional = stage.find("optional"))
    result.optional = optional->flag();
  read_task(stage.at("task"), result);
  return result;
}

void refuse_equal_names(const json_cursor& stages, const std::vector<stage_spec>& specs) {
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    auto [first, is_new] = seen.emplace(specs[i].name, i);
    if (!is_new)
      stages.element(i).at("name").refuse("'" + specs[i].name + "' is already the name of stages["
                                          + std::to_string(first->second) + "]");
  }
}

// The list of a for_each must exist when the stage starts, and be a list.
void check_for_each(const pipeline_spec& spec, const pipeline_graph& graph, std::size_t stage) {
  const auto* name = std::get_if<std::string>(&spec.stages[stage].for_each);
  if (!name)
    return;
  auto place = "stages[" + std::to_string(stage) + "].for_each: ";
  auto source = graph.find(*name);
  if (!source) {
    std::vector<std::string> names;
    for (const auto& other : spec.stages)
      names.push_back(other.name);
    throw pipeline_error(place + "unknown stage '" + printable(*name) + "'"
                         + suggestion(*name, names));
  }
  if (!graph.is_before(*source, stage))
    throw pipeline_error(place + "stage '" + *name + "' is not before this one: add it to after");
  const auto& list = spec.stages[*source];
  if (std::holds_alternative<std::monostate>(list.for_each) && list.output == "text")
    throw pipeline_error(place + "stage '" + *name + "' has the output text, no list: use lines");
}

} // namespace

pipeline_spec parse_pipeline(std::string_view text) {
  if (text.size() > file_bytes_max)
    throw pipeline_error("the file: more than " + std::to_string(file_bytes_max)
                         + " bytes (16 MiB), the most that is allowed");
  auto document = parse_strict_json(text, depth_max, number_becomes_text);
  json_cursor root{document, {}};
  root.expect_object({"name", "description", "params", "tenant", "stages"});

  pipeline_spec spec;
  spec.source = text;
  spec.name = root.at("name").name();
  if (auto description = root.find("description"))
    description->text();
  if (auto params = root.find("params"))
    spec.params = read_params(*params);
  if (auto tenant = root.find("tenant"))
    spec.tenant = read_tenant(*tenant, spec.params);
  auto stages = root.at("stages");
  stages.expect_list(1, stages_max);
  for (std::size_t i = 0; i < stages.value().size(); ++i)
    spec.stages.push_back(read_stage(stages.element(i)));
  refuse_equal_names(stages, spec.stages);

  pipeline_graph graph{spec.stages};
  for (std::size_t i = 0; i < spec.stages.size(); ++i) {
    check_for_each(spec, graph, i);
    check_templates(spec, graph, i, stages.element(i).at("task"));
  }
  return spec;
}

std::map<std::string, std::string> resolve_params(
  const pipeline_spec& spec, const std::map<std::string, std::string>& overrides) {
  auto params = spec.params;
  for (const auto& [name, value] : overrides) {
    auto found = params.find(name);
    if (found == params.end()) {
      std::vector<std::string> known;
      for (const auto& param : spec.params)
        known.push_back(param.first);
      throw pipeline_error("unknown parameter '" + printable(name) + "' for the pipeline '"
                           + spec.name + "'" + suggestion(name, known));
    }
    // Everything a run knows is stored as JSON, which has no other bytes.
    if (!is_utf8(value))
      throw pipeline_error("parameter '" + name + "': the value is no UTF-8: '" + printable(value)
                           + "'");
    if (value.find('\0') != value.npos)
      throw pipeline_error("parameter '" + name + "': the value holds a zero byte");
    found->second = value;
  }
  return params;
}

} // namespace quire::actors

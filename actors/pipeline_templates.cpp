#include "quire/actors/pipeline_templates.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/actors/pipeline_parser.hpp"
#include "quire/actors/templates.hpp"

#include <stdexcept>

namespace quire::actors {

namespace {

using source = template_part::source;

bool is_fanned_out(const stage_spec& stage) {
  return !std::holds_alternative<std::monostate>(stage.for_each);
}

std::string braced(const template_part& part) {
  return "{{" + printable(part.name(), 120) + "}}";
}

class template_checker {
public:
  template_checker(const pipeline_spec& spec, const pipeline_graph& graph, std::size_t stage)
      : spec_{spec}, graph_{graph}, stage_{stage} {}

  // Throws std::invalid_argument with a sentence without the place.
  void check(const std::string& text, template_use use) const {
    auto parts = parse_template(text);
    for (const auto& part : parts)
      check(part, use, parts.size() == 1);
  }

private:
  void check(const template_part& part, template_use use, bool alone) const {
    switch (part.from) {
      case source::literal: return;
      case source::unknown: refuse_unknown(part);
      case source::param:
        if (!spec_.params.contains(part.text))
          refuse_unknown(part);
        return;
      case source::item:
      case source::index:
        if (!is_fanned_out(spec_.stages[stage_]))
          throw std::invalid_argument(braced(part)
                                      + " has a meaning only in a stage with for_each");
        return;
      case source::output:
      case source::outputs: return check_output(part, use, alone);
    }
  }

  void check_output(const template_part& part, template_use use, bool alone) const {
    auto other = graph_.find(part.text);
    if (!other)
      refuse_unknown(part);
    const auto& producer = spec_.stages[*other];
    if (!graph_.is_before(*other, stage_))
      throw std::invalid_argument("stage '" + part.text
                                  + "' is not before this one: add it to after");
    if (part.from == source::output && is_fanned_out(producer))
      throw std::invalid_argument("stage '" + part.text + "' has an output for each item: use "
                                  + "{{stages." + part.text + ".outputs}}");
    auto is_list = part.from == source::outputs || producer.output == "lines";
    if (!is_list || use == template_use::input || (use == template_use::payload && alone))
      return;
    throw std::invalid_argument(
      braced(part)
      + (use == template_use::payload      ? " is a list: it must be all of the text"
         : use == template_use::input_line ? " is a list: write stdin as one text"
                                           : " is a list: a list may stand in stdin only"));
  }

  [[noreturn]] void refuse_unknown(const template_part& part) const {
    std::vector<std::string> known;
    for (const auto& param : spec_.params)
      known.push_back("params." + param.first);
    if (is_fanned_out(spec_.stages[stage_]))
      known.insert(known.end(), {"item", "index"});
    for (std::size_t i = 0; i < spec_.stages.size(); ++i)
      if (graph_.is_before(i, stage_))
        known.push_back("stages." + spec_.stages[i].name
                        + (is_fanned_out(spec_.stages[i]) ? ".outputs" : ".output"));
    throw std::invalid_argument("unknown template " + braced(part)
                                + suggestion(part.name(), known));
  }

  const pipeline_spec& spec_;
  const pipeline_graph& graph_;
  std::size_t stage_;
};

} // namespace

void check_templates(const pipeline_spec& spec, const pipeline_graph& graph, std::size_t stage,
                     const json_cursor& task) {
  template_checker checker{spec, graph, stage};
  visit_templates(task.value(),
                  [&](const std::string& path, const std::string& text, template_use use) {
                    try {
                      checker.check(text, use);
                    } catch (const std::invalid_argument& problem) {
                      throw pipeline_error(task.path() + "." + path + ": " + problem.what());
                    }
                  });
}

} // namespace quire::actors

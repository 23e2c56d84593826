#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quire::actors {

/// A piece of a text with templates.
struct template_part {
  enum class source : std::uint8_t {
    literal, ///< `text` itself.
    param,   ///< `{{params.TEXT}}`
    item,    ///< `{{item}}`
    index,   ///< `{{index}}`, from 0
    output,  ///< `{{stages.TEXT.output}}`
    outputs, ///< `{{stages.TEXT.outputs}}`, a list
    unknown, ///< Anything else between the braces.
  };

  source from = source::literal;
  std::string text;

  /// Returns what stands between the braces.
  std::string name() const;
};

/// Takes a text apart. `{{{{` stands for two literal braces; spaces inside the
/// braces do not matter. Values are never searched for templates again.
/// @throws std::invalid_argument if a `{{` has no `}}`.
std::vector<template_part> parse_template(std::string_view text);

/// What may be put into a place.
enum class template_use : std::uint8_t {
  argument, ///< argv, cwd, env: one text without NUL bytes, never a list.
  input,    ///< stdin: texts, and lists with one element a line.
  input_line, ///< An element of a stdin that is written as a list: a text.
  payload,  ///< A text in a handler's payload: texts; as all of the text also lists.
};

/// Calls `visit` with every text of a stage's "task" object that may hold
/// templates, and its path inside the task (`argv[2]`).
void visit_templates(
  const nlohmann::json& task,
  const std::function<void(const std::string& path, const std::string& text, template_use use)>&
    visit);

} // namespace quire::actors

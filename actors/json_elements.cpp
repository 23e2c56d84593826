#include "quire/actors/json_elements.hpp"

#include "quire/actors/command_output.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace quire::actors {

std::string checked_output(const std::string& stage, const std::string& output) {
  if (output.empty())
    return "null";
  try {
    return compact_json(output);
  } catch (const std::invalid_argument& problem) {
    throw std::runtime_error("the output of the stage '" + stage + "' is no JSON: " + problem.what());
  }
}

void for_each_element(std::string_view list, const std::function<void(std::string_view)>& visit) {
  constexpr std::string_view empty_list = "[]";
  if (list == empty_list)
    return;
  std::size_t begin = 1;
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 1; i < list.size(); ++i) {
    const char letter = list[i];
    if (in_string) {
      if (letter == '\\')
        ++i;
      else if (letter == '"')
        in_string = false;
    } else if (letter == '"') {
      in_string = true;
    } else if (letter == '[' || letter == '{') {
      ++depth;
    } else if (depth > 0) {
      depth -= letter == ']' || letter == '}' ? 1u : 0u;
    } else if (letter == ',' || letter == ']') {
      visit(list.substr(begin, i - begin));
      begin = i + 1;
    }
  }
}

std::string plain_text(std::string_view value) {
  if (!value.starts_with('"'))
    return std::string{value};
  if (value.find('\\') == value.npos)
    return std::string{value.substr(1, value.size() - 2)};
  return nlohmann::json::parse(value).get<std::string>();
}

} // namespace quire::actors

#include "quire/actors/command_words.hpp"

#include "quire/actors/command_output.hpp"
#include "quire/actors/nearest_name.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <stdexcept>
#include <vector>

namespace quire::actors {

namespace {

using json = nlohmann::json;

/// What one line says.
struct words {
  std::optional<int> progress;
  std::optional<std::string> step;
  std::optional<std::string> log;
  std::optional<std::string> output;
};

std::string text_in(const std::string& key, const json& value) {
  if (!value.is_string())
    throw std::invalid_argument{key + " must be a text, not " + value.type_name()};
  return value.get<std::string>();
}

int percent_in(const json& value) {
  if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 100))
    throw std::invalid_argument{"progress must be a number from 0 to 100, not " + value.dump()};
  return static_cast<int>(std::lround(value.get<double>()));
}

words words_in(std::string_view line) {
  static const std::vector<std::string> known{"progress", "step", "log", "output"};
  auto object = json::parse(compact_json(line));
  if (!object.is_object())
    throw std::invalid_argument{std::string{"it must be an object, not "} + object.type_name()};
  words said;
  for (auto& [key, value] : object.items()) {
    if (key == "progress")
      said.progress = percent_in(value);
    else if (key == "step")
      said.step = text_in(key, value);
    else if (key == "log")
      said.log = text_in(key, value);
    else if (key == "output")
      said.output = value.dump();
    else
      throw std::invalid_argument{"unknown key '" + printable(key) + "'" + suggestion(key, known)};
  }
  if (said.step && !said.progress)
    throw std::invalid_argument{"step needs progress"};
  return said;
}

} // namespace

void command_words::hear(std::string_view line) {
  context_->heartbeat();
  try {
    auto said = words_in(line);
    if (said.progress)
      context_->progress(*said.progress, std::move(said.step));
    if (said.log)
      context_->log(std::move(*said.log));
    if (said.output)
      output_ = std::move(*said.output);
  } catch (const std::invalid_argument& wrong) {
    context_->log("a line on descriptor 3 was not understood: " + std::string{wrong.what()} + ": "
                  + printable(std::string{line.substr(0, 200)}));
  }
}

} // namespace quire::actors

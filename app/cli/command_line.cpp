#include "quire/app/cli/command_line.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/exit_status.hpp"
#include "quire/app/cli/grammar.hpp"
#include "quire/app/cli/limits_line.hpp"
#include "quire/app/cli/queue_line.hpp"
#include "quire/app/cli/schedule_line.hpp"
#include "quire/app/cli/task_line.hpp"
#include "quire/app/cli/words.hpp"

#include <algorithm>
#include <utility>

namespace quire::cli {

namespace {

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (auto* option : app.get_options())
    for (auto& name : option->get_lnames())
      names.push_back("--" + name);
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// The part of an option before its value.
std::string option_part(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

[[noreturn]] void refuse_surplus(const CLI::App& app, const std::string& argument) {
  refuse(app, "'" + actors::printable(argument) + "' is one argument too many");
}

[[noreturn]] void refuse_argument(const CLI::App& app, const CLI::App& inner,
                                  const std::string& argument) {
  if (!is_option(argument) && app.get_parent() && command_names(app).empty())
    refuse_surplus(app, argument);
  if (!is_option(argument))
    refuse(app, "unknown command '" + actors::printable(argument) + "'"
                  + actors::suggestion(argument, command_names(app)));
  auto name = option_part(argument);
  auto inner_names = option_names(inner);
  if (&app != &inner
      && std::find(inner_names.begin(), inner_names.end(), name) != inner_names.end())
    refuse(app, name + " belongs behind the command: " + full_name(inner) + " " + name);
  refuse(app, actors::printable(name) + ": unknown option"
                + actors::suggestion(name, option_names(app)));
}

/// Refuses what no option and no argument took.
void refuse_extras(const CLI::App& root, const CLI::App& inner) {
  for (auto* app = &root; app;) {
    auto rest = app->remaining();
    if (!rest.empty() && rest.front() != "--")
      refuse_argument(*app, inner, rest.front());
    if (rest.size() > 1)
      refuse_surplus(*app, rest[1]);
    app = app->get_subcommands().empty() ? nullptr : app->get_subcommands().front();
  }
}

/// The library takes `--db= FILE` for `--db FILE`.
void refuse_empty_values(const std::vector<std::string>& arguments) {
  for (auto& argument : arguments) {
    if (argument == "--")
      return;
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1)
      throw usage_error("quire: " + actors::printable(option_part(argument))
                        + ": its value is missing");
  }
}

/// How the library's exceptions read in one line of ours.
std::string one_line(const CLI::ParseError& error) {
  std::string text = error.what();
  auto name = text.substr(0, text.find(':'));
  if (text.find("required but received") != text.npos)
    return name + ": given more than once";
  if (text.find("missing") != text.npos)
    return name + ": its value is missing";
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

run_arguments read_run(const words& line) {
  run_arguments result;
  result.file = line.argument("FILE");
  result.database = read_database(line);
  for (auto& setting : line.all("--set")) {
    auto equals = setting.find('=');
    if (equals == setting.npos || equals == 0)
      refuse(line.app(), "--set: '" + actors::printable(setting) + "' is not KEY=VALUE");
    auto key = setting.substr(0, equals);
    if (!result.settings.emplace(key, setting.substr(equals + 1)).second)
      refuse(line.app(), "--set: the parameter '" + actors::printable(key) + "' is given twice");
  }
  if (auto workers = line.number("--workers", 1, 1024))
    result.workers = static_cast<int>(*workers);
  result.json = line.flag("--json");
  result.quiet = line.flag("--quiet");
  result.resume = line.flag("--resume");
  result.exclusive = line.flag("--exclusive");
  if (result.json && result.quiet)
    refuse(line.app(), "--json and --quiet contradict each other");
  return result;
}

pipeline_list_arguments read_pipeline_list(const words& line) {
  std::vector<std::string> states;
  for (auto state : {run_state::running, run_state::completed, run_state::partial_success,
                     run_state::failed, run_state::cancelled})
    states.emplace_back(to_string(state));
  pipeline_list_arguments result;
  result.filter.state = line.choice("--state", "state", run_state_from_string, states);
  result.filter.pipeline = line.text("--name");
  result.filter.limit = line.number("--limit", 0);
  return result;
}

command read_command(const grammar& known, const words& line) {
  auto* app = &line.app();
  if (app == known.run)
    return read_run(line);
  if (app == known.sql)
    return with_shared(line, sql_arguments{line.argument("SQL"), line.all("PARAM"), {}, false});
  if (app == known.pipeline_list)
    return with_shared(line, read_pipeline_list(line));
  if (app == known.pipeline_show) {
    auto id = line.number("RUN", line.argument("RUN"), 1, largest);
    return with_shared(line, pipeline_show_arguments{run_id{id}, {}, false});
  }
  if (app == known.status)
    return with_shared(line, status_arguments{});
  if (app == known.doctor)
    return with_shared(line, doctor_arguments{line.flag("--repair"), {}, false});
  if (auto found = read_task_command(known, line))
    return std::move(*found);
  if (auto found = read_schedule_command(known, line))
    return std::move(*found);
  if (auto found = read_queue_command(known, line))
    return std::move(*found);
  if (auto found = read_limits_command(known, line))
    return std::move(*found);
  refuse(*app, "a command is missing" + actors::suggestion("", command_names(*app)));
}

} // namespace

command parse_command_line(const std::vector<std::string>& arguments) {
  refuse_empty_values(arguments);
  grammar known;
  // The library takes the arguments from the end of the list.
  std::vector<std::string> reversed;
  std::transform(arguments.rbegin(), arguments.rend(), std::back_inserter(reversed), protect);
  try {
    known.root.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return print_text{innermost(known.root).help()};
  } catch (const CLI::ParseError& error) {
    refuse(innermost(known.root), one_line(error));
  }
  auto& inner = innermost(known.root);
  refuse_extras(known.root, inner);
  if (known.root.count("--version") > 0)
    return print_text{std::string{"quire "} + QUIRE_VERSION + "\n"};
  return read_command(known, words{inner});
}

} // namespace quire::cli

#pragma once

#include <CLI/CLI.hpp>

#include <string>

/// What commands are made of. What is given is asked for later, by name: `given`.
namespace quire::cli {

/// An option if `name` begins with dashes, an argument otherwise; `value` is
/// what the help calls its value.
CLI::Option* add_value(CLI::App* app, const std::string& name, const std::string& value,
                       const std::string& description);

/// The same for one that may be repeated.
CLI::Option* add_values(CLI::App* app, const std::string& name, const std::string& value,
                        const std::string& description);

void add_flag(CLI::App* app, const std::string& name, const std::string& description);

void add_database(CLI::App* app);

/// What says which task is to be put into a queue.
void add_task_options(CLI::App* app);

} // namespace quire::cli

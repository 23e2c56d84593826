#include "quire/app/cli/grammar_parts.hpp"

#include <vector>

namespace quire::cli {

CLI::Option* add_value(CLI::App* app, const std::string& name, const std::string& value,
                       const std::string& description) {
  return app
    ->add_option_function<std::string>(
      name, [](const std::string&) {}, description)
    ->type_name(value);
}

CLI::Option* add_values(CLI::App* app, const std::string& name, const std::string& value,
                        const std::string& description) {
  using texts = std::vector<std::string>;
  return app
    ->add_option_function<texts>(
      name, [](const texts&) {}, description)
    ->type_name(value);
}

void add_flag(CLI::App* app, const std::string& name, const std::string& description) {
  app->add_flag_callback(
    name, [] {}, description);
}

void add_database(CLI::App* app) {
  add_value(app, "--db", "PATH", "The database (default: $QUIRE_DB, then var/quire.db)");
  add_flag(app, "--allow-network-fs",
           "Also on a network file system, where locks are not reliable");
}

void add_task_options(CLI::App* app) {
  add_value(app, "KIND", "", "Which handler runs it");
  add_value(app, "PAYLOAD", "",
            "What the handler gets, JSON (default: {}); - for the standard input");
  add_flag(app, "--text", "PAYLOAD is any text");
  add_value(app, "--queue", "NAME", "Its queue (default: default)");
  add_value(app, "--tenant", "NAME", "For whom it is done: tenants share the workers");
  add_value(app, "--priority", "P", "urgent, high, normal (the default) or low; a number: so many minutes of head start");
  add_value(app, "--attempts", "N", "All attempts, the first included (default: 3)");
  add_value(app, "--timeout", "SECONDS", "For one attempt; 0: no limit (default: 600)");
  add_value(app, "--start-within", "SECONDS", "It fails if it has not started by then; 0: no limit");
  add_value(app, "--end-within", "SECONDS",
            "It fails if it has not ended by then, with all attempts; 0: no limit");
  add_value(app, "--heartbeat", "SECONDS",
            "Between two signs of life of an attempt (of a command: lines on descriptor 3); 0: no limit");
  add_value(app, "--gate", "NAME", "Tasks of one gate run at most --gate-capacity at a time");
  add_value(app, "--gate-capacity", "N", "If the gate is new (default: 1)");
}

} // namespace quire::cli

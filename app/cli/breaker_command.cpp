#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/text_table.hpp"

#include <cstdio>

namespace quire::cli {

namespace {

using change = breaker_change_arguments::change;

std::string state_of(const breaker_record& breaker) {
  return std::string{to_string(breaker.state)} + (breaker.forced ? " (by hand)" : "");
}

/// `5 failures, or 50 % of 10`.
std::string opens_after(const breaker_policy& policy) {
  std::string text;
  if (policy.failures > 0)
    text = count_text(policy.failures, "failure");
  if (policy.window > 0)
    text += (text.empty() ? "" : ", or ") + std::to_string(policy.window_percent) + " % of "
            + std::to_string(policy.window);
  return text;
}

/// `120 s`, or `120 s, each time 2 times longer up to 3600 s`.
std::string opens_for(const breaker_policy& policy) {
  auto text = duration_text(policy.open_for);
  if (policy.factor > 1) {
    char factor[32];
    std::snprintf(factor, sizeof factor, "%g", policy.factor);
    text += ", each time " + std::string{factor} + " times longer up to "
            + duration_text(policy.open_max);
  }
  return text;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (auto& name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

json to_json(const breaker_record& breaker) {
  auto& policy = breaker.policy;
  json object;
  object["name"] = breaker.name;
  object["state"] = to_string(breaker.state);
  object["forced"] = breaker.forced;
  object["mode"] = to_string(policy.mode);
  object["failures"] = breaker.failures;
  object["openings"] = breaker.openings;
  object["opened_at_ms"] = or_null(breaker.opened_at_ms);
  object["probe_at_ms"] = or_null(breaker.probe_at_ms);
  object["kinds"] = breaker.kinds;
  object["policy"] = {{"failures", policy.failures},
                      {"window", policy.window},
                      {"window_percent", policy.window_percent},
                      {"open_for_ms", policy.open_for.count()},
                      {"factor", policy.factor},
                      {"open_max_ms", policy.open_max.count()},
                      {"probes", policy.probes},
                      {"successes", policy.successes}};
  return object;
}

std::string breaker_text(const breaker_record& breaker) {
  auto& policy = breaker.policy;
  auto text = field("breaker", breaker.name);
  text += field("state", state_of(breaker));
  text += field("opens after", opens_after(policy));
  text += field("for", opens_for(policy));
  text += field("probes", std::to_string(policy.probes) + " at a time; "
                            + std::to_string(policy.successes) + " in succession to close it");
  text += field("mode", std::string{to_string(policy.mode)});
  text += field("kinds", listed(breaker.kinds));
  return text;
}

} // namespace

exit_status list_breakers(const breaker_list_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto breakers = database.look_at_tasks()->breakers();
  text_table table({{"name"},
                    {"state"},
                    {"failures", true},
                    {"opened"},
                    {"probe"},
                    {"mode"},
                    {"opens after"},
                    {"kinds"}},
                   to.table_width());
  std::string text;
  for (auto& breaker : breakers)
    if (arguments.json)
      text += json_line(to_json(breaker));
    else
      table.add({breaker.name, state_of(breaker), std::to_string(breaker.failures),
                 time_text(breaker.opened_at_ms), time_text(breaker.probe_at_ms),
                 std::string{to_string(breaker.policy.mode)}, opens_after(breaker.policy),
                 listed(breaker.kinds)});
  to.out(arguments.json || breakers.empty() ? text : table.to_text());
  if (!arguments.json)
    to.out(count_text(static_cast<std::int64_t>(breakers.size()), "breaker")
           + "; database: " + database.description() + "\n");
  return exit_completed;
}

exit_status put_breaker(const breaker_put_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  database.look_at_tasks(); // Says what is missing, and creates nothing.
  auto breaker = database.visit()->put_breaker(arguments.name, arguments.policy);
  if (arguments.json)
    to.out(json_line(to_json(breaker)));
  else
    to.out(breaker_text(breaker) + "database: " + database.description() + "\n");
  if (breaker.kinds.empty())
    to.note("it guards nothing yet: quire kind set KIND --breaker "
            + actors::printable(breaker.name));
  return exit_completed;
}

exit_status change_breakers(const breaker_change_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  database.look_at_tasks();
  auto visiting = database.visit();
  for (auto& name : arguments.names) {
    if (arguments.what == change::remove) {
      visiting->remove_breaker(name);
      to.out(arguments.json ? json_line(json{{"name", name}, {"removed", true}})
                            : "breaker " + actors::printable(name) + ": removed\n");
      continue;
    }
    auto breaker =
      arguments.what == change::open ? visiting->open_breaker(name) : visiting->close_breaker(name);
    to.out(arguments.json ? json_line(to_json(breaker))
                          : "breaker " + actors::printable(name) + ": " + state_of(breaker) + "\n");
  }
  if (!arguments.json)
    to.out("database: " + database.description() + "\n");
  return exit_completed;
}

} // namespace quire::cli

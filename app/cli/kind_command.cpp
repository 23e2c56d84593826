#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/text_table.hpp"

#include <algorithm>

namespace quire::cli {

namespace {

/// `10/1m, burst 3`.
std::string rate_text(const std::optional<rate_limit>& rate) {
  if (!rate)
    return {};
  return std::to_string(rate->count) + " in " + duration_text(rate->period) + ", burst "
         + std::to_string(rate->burst);
}

json to_json(const kind_record& kind) {
  auto& policy = kind.policy;
  json object;
  object["name"] = kind.name;
  object["limit"] = or_null(policy.limit);
  object["rate"] = nullptr;
  if (auto& rate = policy.rate)
    object["rate"] = {
      {"count", rate->count}, {"period_ms", rate->period.count()}, {"burst", rate->burst}};
  object["breaker"] = or_null(policy.breaker);
  object["ready"] = kind.ready;
  object["running"] = kind.running;
  object["next_start_ms"] = or_null(kind.next_start_ms);
  return object;
}

kind_policy changed(kind_policy policy, const kind_set_arguments& arguments) {
  if (arguments.limit)
    policy.limit = *arguments.limit;
  if (arguments.rate) {
    auto burst = policy.rate ? policy.rate->burst : 1;
    policy.rate = *arguments.rate;
    if (policy.rate)
      policy.rate->burst = burst;
  }
  if (arguments.burst) {
    if (!policy.rate)
      throw command_error("--burst needs a rate, and this kind has none; nothing was changed");
    policy.rate->burst = *arguments.burst;
  }
  if (arguments.breaker)
    policy.breaker = *arguments.breaker;
  return policy;
}

std::string kind_text(const kind_record& kind) {
  auto& policy = kind.policy;
  auto text = field("kind", kind.name);
  text += field("limit", policy.limit ? std::to_string(*policy.limit) : "none");
  text += field("rate", policy.rate ? rate_text(policy.rate) : "none");
  text += field("breaker", policy.breaker.empty() ? "none" : policy.breaker);
  text += field("ready", std::to_string(kind.ready));
  text += field("running", std::to_string(kind.running));
  return text;
}

} // namespace

exit_status list_kinds(const kind_list_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto kinds = database.look_at_tasks()->kinds();
  text_table table({{"name"},
                    {"limit", true},
                    {"rate"},
                    {"breaker"},
                    {"ready", true},
                    {"running", true},
                    {"next start"}},
                   to.table_width());
  std::string text;
  for (auto& kind : kinds) {
    auto& policy = kind.policy;
    if (arguments.json)
      text += json_line(to_json(kind));
    else
      table.add({kind.name, policy.limit ? std::to_string(*policy.limit) : "",
                 rate_text(policy.rate), policy.breaker, std::to_string(kind.ready),
                 std::to_string(kind.running), time_text(kind.next_start_ms)});
  }
  to.out(arguments.json || kinds.empty() ? text : table.to_text());
  if (!arguments.json)
    to.out(count_text(static_cast<std::int64_t>(kinds.size()), "kind")
           + "; database: " + database.description() + "\n");
  return exit_completed;
}

exit_status set_kind(const kind_set_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto known = database.look_at_tasks()->kinds(); // Says what is missing, and creates nothing.
  auto found = std::ranges::find(known, arguments.name, &kind_record::name);
  auto policy = changed(found == known.end() ? kind_policy{} : found->policy, arguments);
  auto kind = database.visit()->set_kind_policy(arguments.name, policy);
  if (found == known.end()) {
    std::vector<std::string> names;
    for (auto& one : known)
      names.push_back(one.name);
    to.note("there was never a task of the kind '" + actors::printable(arguments.name) + "'"
            + actors::suggestion(arguments.name, names));
  }
  if (arguments.json)
    to.out(json_line(to_json(kind)));
  else
    to.out(kind_text(kind) + "database: " + database.description() + "\n");
  return exit_completed;
}

} // namespace quire::cli

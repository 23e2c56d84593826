#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/text_table.hpp"

#include <algorithm>

namespace quire::cli {

namespace {

json to_json(const tenant_record& tenant) {
  auto& policy = tenant.policy;
  json object;
  object["name"] = or_null(tenant.name);
  object["weight"] = policy.weight;
  object["limit"] = or_null(policy.limit);
  object["paused"] = policy.paused;
  object["ready"] = tenant.ready;
  object["running"] = tenant.running;
  object["blocked"] = tenant.blocked;
  object["scheduled"] = tenant.scheduled;
  return object;
}

tenant_policy changed(tenant_policy policy, const tenant_set_arguments& arguments) {
  policy.weight = arguments.weight.value_or(policy.weight);
  policy.limit = arguments.limit.value_or(policy.limit);
  policy.paused = arguments.paused.value_or(policy.paused);
  return policy;
}

std::string tenant_text(const tenant_record& tenant) {
  auto& policy = tenant.policy;
  auto text = field("tenant", tenant.name);
  text += field("weight", std::to_string(policy.weight));
  text += field("limit", policy.limit ? std::to_string(*policy.limit) : "none");
  text += field("state", policy.paused ? "paused" : "started");
  text += field("ready", std::to_string(tenant.ready));
  text += field("running", std::to_string(tenant.running));
  return text;
}

} // namespace

exit_status list_tenants(const tenant_list_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto tenants = database.look_at_tasks()->tenants();
  text_table table({{"name"},
                    {"weight", true},
                    {"limit", true},
                    {"state"},
                    {"ready", true},
                    {"running", true},
                    {"blocked", true},
                    {"scheduled", true}},
                   to.table_width());
  std::string text;
  for (auto& tenant : tenants) {
    auto& policy = tenant.policy;
    if (arguments.json)
      text += json_line(to_json(tenant));
    else
      table.add({tenant.name.empty() ? "(none)" : tenant.name, std::to_string(policy.weight),
                 policy.limit ? std::to_string(*policy.limit) : "", policy.paused ? "paused" : "",
                 std::to_string(tenant.ready), std::to_string(tenant.running),
                 std::to_string(tenant.blocked), std::to_string(tenant.scheduled)});
  }
  to.out(arguments.json || tenants.empty() ? text : table.to_text());
  if (!arguments.json)
    to.out(count_text(static_cast<std::int64_t>(tenants.size()), "tenant")
           + "; database: " + database.description() + "\n");
  return exit_completed;
}

exit_status set_tenant(const tenant_set_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto known = database.look_at_tasks()->tenants(); // Says what is missing, and creates nothing.
  auto found = std::ranges::find(known, arguments.name, &tenant_record::name);
  auto policy = changed(found == known.end() ? tenant_policy{} : found->policy, arguments);
  auto tenant = database.visit()->set_tenant_policy(arguments.name, policy);
  if (found == known.end()) {
    std::vector<std::string> names;
    for (auto& one : known)
      names.push_back(one.name);
    to.note("there was never a task of the tenant '" + actors::printable(arguments.name) + "'"
            + actors::suggestion(arguments.name, names));
  }
  if (arguments.json)
    to.out(json_line(to_json(tenant)));
  else
    to.out(tenant_text(tenant) + "database: " + database.description() + "\n");
  return exit_completed;
}

} // namespace quire::cli

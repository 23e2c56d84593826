#include "quire/app/cli/grammar.hpp"
#include "quire/app/cli/grammar_parts.hpp"

namespace quire::cli {

namespace {

constexpr auto limits_footer =
  R"(Tasks that may not start wait: it costs no attempt, and holds up no others. What is
decided is kept in the database, and works while another process runs it: that process
keeps to it with the next tasks it starts.)";

constexpr auto breaker_footer =
  R"(A circuit breaker guards what tasks need, as a service. When it fails too often the
breaker opens: tasks of its kinds wait (or end, as --mode says) until its time is over;
then a probe decides whether it closes.

Presets: service (5 failures, 120 s), api (3 failures or half of 10, 60 s), utility
(5 failures, 30 s, 2 successes), static (3, 20 s), dynamic (3, 60 s), performance (3,
30 s), ai (3, 30 s). Options change what the preset says.)";

} // namespace

void grammar::add_kind() {
  kind = add_command(root, "kind", "Limit kinds of tasks, in whatever queue they are.",
                     "quire kind COMMAND [OPTION]...");
  kind_list = add_command(*kind, "list", "List kinds by name with what was decided about them.",
                          "quire kind list [OPTION]...");
  kind_set = add_command(*kind, "set", "Decide about a kind; what is not given stays as it is.",
                         "quire kind set NAME [OPTION]...");
  add_value(kind_set, "NAME", "", "Name of the kind");
  add_value(kind_set, "--limit", "N",
            "At most so many of its tasks run at a time; none: any number");
  add_value(kind_set, "--rate", "N/TIME",
            "So many start in each period, as 30/m or 10/60s; none: as they come");
  add_value(kind_set, "--burst", "N", "So many may start at once (default: 1)");
  add_value(kind_set, "--breaker", "NAME", "Which circuit breaker guards its tasks; none: none");
  kind_set->footer(limits_footer);
  for (auto* each : {kind_list, kind_set}) {
    add_database(each);
    add_flag(each, "--json", "JSON lines, one kind each, with all fields");
  }
}

void grammar::add_tenant() {
  tenant = add_command(root, "tenant", "Share the workers among those for whom tasks are done.",
                       "quire tenant COMMAND [OPTION]...");
  tenant_list = add_command(*tenant, "list", "List tenants by name with what waits and runs.",
                            "quire tenant list [OPTION]...");
  tenant_set =
    add_command(*tenant, "set", "Decide about a tenant; what is not given stays as it is.",
                "quire tenant set NAME [OPTION]...");
  add_value(tenant_set, "NAME", "", "Name of the tenant, as in quire task submit --tenant");
  add_value(tenant_set, "--weight", "N",
            "While others wait, too, so many of its tasks start where one of weight 1 has one (default: 1)");
  add_value(tenant_set, "--limit", "N",
            "At most so many of its tasks run at a time; none: any number");
  add_flag(tenant_set, "--pause", "Start none of its tasks");
  add_flag(tenant_set, "--resume", "Start its tasks again");
  tenant_set->footer(limits_footer);
  for (auto* each : {tenant_list, tenant_set}) {
    add_database(each);
    add_flag(each, "--json", "JSON lines, one tenant each, with all fields");
  }
}

void grammar::add_breaker() {
  breaker = add_command(root, "breaker", "Keep tasks from services that are down.",
                        "quire breaker COMMAND [OPTION]...");
  breaker_list = add_command(*breaker, "list", "List circuit breakers by name.",
                             "quire breaker list [OPTION]...");
  breaker_put = add_command(*breaker, "put",
                            "Create a circuit breaker, or change when the one of its name opens.",
                            "quire breaker put NAME [OPTION]...");
  add_value(breaker_put, "NAME", "", "Its name, up to 100 bytes");
  add_value(breaker_put, "--preset", "PRESET", "Where to begin (default: service)");
  add_value(breaker_put, "--failures", "N", "So many in succession open it; 0: they do not");
  add_value(breaker_put, "--window", "N", "Look at the last N attempts, up to 64, too; 0: do not");
  add_value(breaker_put, "--percent", "N", "So many percent failures among them open it");
  add_value(breaker_put, "--open-for", "SECONDS", "Until the first probe");
  add_value(breaker_put, "--factor", "N", "Each probe that fails makes the wait N times longer");
  add_value(breaker_put, "--open-max", "SECONDS", "But no longer than this");
  add_value(breaker_put, "--probes", "N", "So many run at a time");
  add_value(breaker_put, "--successes", "N", "So many probes must succeed in succession");
  add_value(breaker_put, "--mode", "MODE",
            "What becomes of tasks meanwhile: hold (the default), skip or fail");
  breaker_open =
    add_command(*breaker, "open", "Open circuit breakers until they are closed by hand.",
                "quire breaker open NAME... [OPTION]...");
  breaker_close =
    add_command(*breaker, "close", "Close circuit breakers and forget what they have seen.",
                "quire breaker close NAME... [OPTION]...");
  breaker_remove = add_command(*breaker, "remove", "Delete circuit breakers.",
                               "quire breaker remove NAME... [OPTION]...");
  for (auto* each : {breaker_open, breaker_close, breaker_remove})
    add_values(each, "NAME", "", "Names of circuit breakers");
  for (auto* each : {breaker_list, breaker_put, breaker_open, breaker_close, breaker_remove}) {
    add_database(each);
    add_flag(each, "--json", "JSON lines, one breaker each, with all fields");
    each->footer(breaker_footer);
  }
}

} // namespace quire::cli

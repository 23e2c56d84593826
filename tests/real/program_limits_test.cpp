#include "quire/tests/support/program_json.hpp"

using namespace quire::tests;

namespace {

/// A folder whose database has two tasks of no handler, of the kind fetch.
struct limits_fixture : command_fixture {
  limits_fixture() {
    write("p.json", pipeline_of(script_stage("one", "true")));
    BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
    for (int i = 0; i < 2; ++i)
      BOOST_REQUIRE(quire({"task", "submit", "fetch"}).status == 0);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(program_limits, limits_fixture)

BOOST_AUTO_TEST_CASE(what_is_decided_about_a_kind_is_shown_and_kept) {
  auto set =
    only_object({"kind", "set", "fetch", "--limit", "8", "--rate", "30/m", "--burst", "5"});
  BOOST_TEST(set["limit"] == 8);
  BOOST_TEST(set["rate"]["count"] == 30);
  BOOST_TEST(set["rate"]["period_ms"] == 60'000);
  BOOST_TEST(set["rate"]["burst"] == 5);
  BOOST_TEST(set["breaker"].is_null());
  BOOST_TEST(set["ready"] == 2);
  // What is not given stays as it is.
  auto faster = only_object({"kind", "set", "fetch", "--rate", "10/30s"});
  BOOST_TEST(faster["limit"] == 8);
  BOOST_TEST(faster["rate"]["period_ms"] == 30'000);
  BOOST_TEST(faster["rate"]["burst"] == 5);
  auto list = quire({"kind", "list"});
  BOOST_TEST_CONTEXT(list) {
    BOOST_TEST(list.out_has("fetch"));
    BOOST_TEST(list.out_has("10 in 30"));
    BOOST_TEST(list.out_has("2 kinds; database: "));
  }
  auto free = only_object({"kind", "set", "fetch", "--rate", "none", "--limit", "none"});
  BOOST_TEST(free["rate"].is_null());
  BOOST_TEST(free["limit"].is_null());
}

BOOST_AUTO_TEST_CASE(what_is_decided_about_a_tenant_is_shown_and_kept) {
  BOOST_REQUIRE(quire({"task", "submit", "fetch", "--tenant", "acme"}).status == 0);
  auto set = only_object({"tenant", "set", "acme", "--weight", "3", "--limit", "8", "--pause"});
  BOOST_TEST(set["weight"] == 3);
  BOOST_TEST(set["limit"] == 8);
  BOOST_TEST(set["paused"] == true);
  BOOST_TEST(set["ready"] == 1);
  auto resumed = only_object({"tenant", "set", "acme", "--resume", "--limit", "none"});
  BOOST_TEST(resumed["weight"] == 3);
  BOOST_TEST(resumed["limit"].is_null());
  BOOST_TEST(resumed["paused"] == false);
  auto list = quire({"tenant", "list"});
  BOOST_TEST_CONTEXT(list) {
    BOOST_TEST(list.out_has("acme"));
    BOOST_TEST(list.out_has("(none)"));
    BOOST_TEST(list.out_has("2 tenants; database: "));
  }
  BOOST_TEST(only_object({"task", "list", "--tenant", "acme"})["tenant"] == "acme");
}

BOOST_AUTO_TEST_CASE(tasks_of_a_paused_tenant_wait) {
  write("t.json", R"({"name": "t", "params": {"customer": "acme"}, "tenant": "{{params.customer}}",
    "stages": [{"name": "one", "task": {"kind": "command", "argv": ["true"]}}]})");
  BOOST_REQUIRE(quire({"tenant", "set", "acme", "--pause"}).status == 0);
  auto id = only_object({"task", "submit", "command", R"({"argv": ["true"]})", "--tenant",
                         "acme"})["id"].dump();
  BOOST_REQUIRE(quire({"run", "t.json", "--quiet", "--set", "customer=other"}).status == 0);
  BOOST_TEST(only_object({"task", "list", "--tenant", "other"})["state"] == "completed");
  BOOST_TEST(only_object({"task", "show", id})["state"] == "ready");
  BOOST_REQUIRE(quire({"tenant", "set", "acme", "--resume"}).status == 0);
  BOOST_REQUIRE(quire({"run", "t.json", "--quiet"}).status == 0);
  BOOST_TEST(only_object({"task", "show", id})["state"] == "completed");
}

BOOST_AUTO_TEST_CASE(a_breaker_is_created_opened_closed_and_removed) {
  auto put = quire({"breaker", "put", "api", "--preset", "api", "--mode", "skip"});
  BOOST_TEST_CONTEXT(put) {
    BOOST_TEST(put.status == 0);
    BOOST_TEST(put.out_has("3 failures, or 50 % of 10"));
    BOOST_TEST(put.err_has("it guards nothing yet: quire kind set KIND --breaker api"));
  }
  BOOST_TEST(only_object({"kind", "set", "fetch", "--breaker", "api"})["breaker"] == "api");
  auto opened = only_object({"breaker", "open", "api"});
  BOOST_TEST(opened["state"] == "open");
  BOOST_TEST(opened["forced"] == true);
  BOOST_TEST(opened["kinds"][0] == "fetch");
  auto list = quire({"breaker", "list"});
  BOOST_TEST_CONTEXT(list) {
    BOOST_TEST(list.out_has("open (by hand)"));
    BOOST_TEST(list.out_has("1 breaker; database: "));
  }
  BOOST_TEST(only_object({"breaker", "close", "api"})["state"] == "closed");
  BOOST_TEST(only_object({"breaker", "remove", "api"})["removed"] == true);
  BOOST_TEST(quire({"breaker", "list"}).out_has("0 breakers"));
}

BOOST_AUTO_TEST_CASE(programs_wait_while_their_breaker_is_open_and_run_afterwards) {
  BOOST_REQUIRE(quire({"breaker", "put", "shell"}).status == 0);
  BOOST_REQUIRE(quire({"kind", "set", "command", "--breaker", "shell"}).status == 0);
  BOOST_REQUIRE(quire({"breaker", "open", "shell"}).status == 0);
  auto task = only_object({"task", "submit", "command", R"({"argv": ["true"]})"});
  auto id = task["id"].dump();
  auto waited = quire({"task", "wait", id, "--timeout", "1"});
  BOOST_TEST(waited.status == 1);
  BOOST_REQUIRE(quire({"breaker", "close", "shell"}).status == 0);
  BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  BOOST_TEST(only_object({"task", "show", id})["state"] == "completed");
}

BOOST_AUTO_TEST_CASE(a_task_that_did_not_start_in_time_has_failed) {
  auto task =
    only_object({"task", "submit", "command", R"({"argv": ["true"]})", "--start-within", "1"});
  auto id = task["id"].dump();
  BOOST_TEST(!only_object({"task", "show", id})["expires_at_ms"].is_null());
  // The clock of the program is the machine's: this one makes it late.
  BOOST_REQUIRE(
    run({"sqlite3", "var/quire.db", "UPDATE quire_task SET expires_at = 5 WHERE id = " + id}).status
    == 0);
  BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  auto late = only_object({"task", "show", id});
  BOOST_TEST(late["state"] == "failed");
  BOOST_TEST(late["error"] == "it had not started when its time was up");
  BOOST_TEST(late["error_class"] == "timeout");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  refused({"kind", "set"}, 2, "quire kind set: the argument NAME is missing");
  refused({"kind", "set", "fetch"}, 2, "nothing is to be set");
  refused({"kind", "set", "fetch", "--limit", "0"}, 2, "quire kind set");
  for (auto rate : {"10", "10/", "/m", "x/m", "10/w", "10/0m", "0/m"})
    refused({"kind", "set", "fetch", "--rate", rate}, 2, "--rate");
  refused({"kind", "set", "fetch", "--rate", "2000/s"}, 1, "at most 1000 a second");
  refused({"kind", "set", "fetch", "--burst", "2"}, 1, "--burst needs a rate");
  refused({"kind", "set", "fetch", "--breaker", "gone"}, 1, "there is no breaker 'gone'");
  refused({"tenant", "set"}, 2, "quire tenant set: the argument NAME is missing");
  refused({"tenant", "set", "acme"}, 2, "nothing is to be set");
  refused({"tenant", "set", "acme", "--weight", "0"}, 2, "--weight");
  refused({"tenant", "set", "acme", "--pause", "--resume"}, 2, "contradict each other");
  refused({"tenant", "set", std::string(101, 'x'), "--weight", "2"}, 1, "1 to 100 bytes");
  refused({"breaker", "put", "api", "--preset", "apo"}, 2, "did you mean api?");
  refused({"breaker", "put", "api", "--mode", "halt"}, 2, "unknown mode 'halt'");
  refused({"breaker", "put", "api", "--failures", "0"}, 2, "would never open");
  refused({"breaker", "close"}, 2, "the argument NAME is missing");
  refused({"breaker", "close", "api"}, 1, "there is no breaker 'api'");
  refused({"breaker", "list", "--db", "missing.db"}, 1, "missing.db");
  auto misspelt = quire({"kind", "set", "fecth", "--limit", "1"});
  BOOST_TEST(misspelt.err_has("there was never a task of the kind 'fecth'; did you mean fetch?"));
}

BOOST_AUTO_TEST_SUITE_END()

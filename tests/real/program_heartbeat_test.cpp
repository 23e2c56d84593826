#include "quire/tests/support/run_program.hpp"

#include <nlohmann/json.hpp>

using namespace quire::tests;
using nlohmann::json;

namespace {

/// A stage of one program that has to give signs of life.
std::string watched_stage(const std::string& name, const std::string& script,
                          const std::string& heartbeat_s, const std::string& more = {}) {
  return script_stage(name, script, {},
                      R"("report": true, "heartbeat_s": )" + heartbeat_s + ", " + more);
}

struct heartbeat_fixture : program_folder {
  json shown(const std::string& task) const {
    auto result = quire({"task", "show", task, "--json"});
    BOOST_REQUIRE_MESSAGE(result.status == 0, result);
    return json::parse(result.out);
  }
};

} // namespace

/// Programs that say on descriptor 3 that they are alive, and some that do not.
BOOST_FIXTURE_TEST_SUITE(program_heartbeat, heartbeat_fixture)

// It takes longer than its heartbeat: 50 times 0.1 s at least.
BOOST_AUTO_TEST_CASE(a_program_that_says_it_is_alive_may_go_on) {
  write("p.json", pipeline_of(watched_stage(
                    "alive", "for i in $(seq 50); do echo '{}' >&3; sleep 0.1; done; echo done", "4")));
  auto result = quire({"run", "p.json"});
  BOOST_TEST(result.status == 0, result);
  auto task = shown("1");
  BOOST_TEST(task["state"] == "completed");
  BOOST_TEST(task["output"] == "done");
  BOOST_TEST(task["log"].empty());
}

// What stands in a line that has no end says nothing, and neither does stdout.
BOOST_AUTO_TEST_CASE(a_silent_program_is_ended_and_its_attempt_has_failed) {
  write("p.json",
        pipeline_of(watched_stage("silent", "printf '{}' >&3; while echo; do sleep 0.1; done", "1") + ","
                    + watched_stage("deaf", "trap '' TERM; while :; do sleep 0.1; done", "1",
                                    R"("grace_s": 0.2, )")
                    + ","
                    + script_stage("after", "echo told",
                                   R"("after": [{"stage": "silent", "when": "failed"}], )")));
  auto result = quire({"run", "p.json"});
  const std::string why =
    "its program gave no sign of life on descriptor 3 for its 1 s: it was ended";
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 4);
    BOOST_TEST(result.out_has("): " + why));
    BOOST_TEST(result.out_has("after: completed"));
  }
  for (auto name : {"silent", "deaf"}) {
    auto list = quire({"task", "list", "--stage", name, "--json"});
    BOOST_REQUIRE_MESSAGE(count_lines(list.out) == 1u, list);
    auto task = json::parse(list.out);
    BOOST_TEST(task["state"] == "failed");
    BOOST_TEST(task["error"] == why);
    BOOST_TEST(task["error_class"] == "timeout");
  }
}

BOOST_AUTO_TEST_CASE(a_program_that_could_not_say_it_is_not_run) {
  write("mute.json", pipeline_of(script_stage("mute", "touch ran", {}, R"("heartbeat_s": 4, )")));
  auto result = quire({"run", "mute.json"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 2);
    BOOST_TEST(result.err_has("stages[0].task.heartbeat_s: "));
    BOOST_TEST(result.err_has("set report to true"));
  }
  write("p.json", pipeline_of(script_stage("one", "true")));
  BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  auto submitted = quire({"task", "submit", "command", R"({"argv": ["touch", "ran"]})",
                          "--heartbeat", "4", "--json"});
  BOOST_REQUIRE_MESSAGE(submitted.status == 0, submitted);
  BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  auto task = shown(json::parse(submitted.out)["id"].dump());
  BOOST_TEST(task["state"] == "failed");
  auto error = task["error"].get<std::string>();
  BOOST_TEST(error.find("nothing was run: add that to the payload") != std::string::npos, error);
  BOOST_TEST(read("ran").empty());
  BOOST_TEST(names() == (words{"mute.json", "p.json", "var"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

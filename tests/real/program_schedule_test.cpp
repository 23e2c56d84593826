#include "quire/tests/support/program_json.hpp"

using namespace quire::tests;
using nlohmann::json;

namespace {

/// A folder whose database has the tables of Quire.
struct schedule_fixture : command_fixture {
  schedule_fixture() {
    write("p.json", pipeline_of(script_stage("one", "true")));
    BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(program_schedule, schedule_fixture)

BOOST_AUTO_TEST_CASE(the_head_start_of_its_tasks_is_shown) {
  BOOST_REQUIRE(
    quire({"schedule", "put", "soon", "every 1h", "report", "{}", "--priority", "25"}).status == 0);
  BOOST_TEST(quire({"schedule", "show", "soon"}).out_has("normal, 25 min of head start\n"));
  BOOST_TEST(only_object({"schedule", "show", "soon"})["head_start_min"] == 25);
}

BOOST_AUTO_TEST_CASE(a_schedule_is_put_shown_paused_resumed_and_removed) {
  auto put = quire({"schedule", "put", "nightly", "30 2 * * MON-FRI", "report", R"({"width": 3})", "--tz",
                    "Europe/Berlin", "--queue", "slow", "--priority", "high", "--overlap", "skip", "--catch-up",
                    "all", "--catch-up-max", "7", "--jitter", "60"});
  BOOST_TEST_CONTEXT(put) {
    BOOST_TEST(put.status == 0);
    BOOST_TEST(put.out_has("schedule nightly: next 2"));
    BOOST_TEST(put.out_has("T02:30:00+0"));
    BOOST_TEST(put.out_has("nobody runs the database: schedules fire when a process does"));
  }
  auto shown = only_object({"schedule", "show", "nightly"});
  BOOST_TEST(shown["spec"] == "30 2 * * MON-FRI");
  BOOST_TEST(shown["tz"] == "Europe/Berlin");
  BOOST_TEST(shown["payload"]["width"] == 3);
  BOOST_TEST((shown["queue"] == "slow" && shown["priority"] == "high" && shown["kind"] == "report"));
  BOOST_TEST((shown["overlap"] == "skip" && shown["catch_up"] == "all" && shown["catch_up_max"] == 7));
  BOOST_TEST((shown["jitter_ms"] == 60'000 && shown["paused"] == false && shown["fired"] == 0));
  BOOST_TEST(shown["fires"].empty());

  BOOST_TEST(quire({"schedule", "pause", "nightly"}).out_has("schedule nightly: paused\n"));
  BOOST_TEST(only_object({"schedule", "list"})["paused"] == true);
  BOOST_TEST(only_object({"schedule", "list"})["next_at_ms"].is_null());
  auto text = quire({"schedule", "show", "nightly"});
  BOOST_TEST(text.out_has("state         paused\n"));
  BOOST_TEST(text.out_has("catch-up      all, at most 7\n"));
  BOOST_TEST(only_object({"schedule", "resume", "nightly"})["next_at_ms"] == shown["next_at_ms"]);
  auto list = quire({"schedule", "list"});
  BOOST_TEST_CONTEXT(list) {
    BOOST_TEST(list.out_has("nightly"));
    BOOST_TEST(list.out_has("1 schedule; database: "));
  }
  BOOST_TEST(quire({"schedule", "remove", "nightly"}).out_has("schedule nightly: removed\n"));
  BOOST_TEST(quire({"schedule", "list", "--json"}).out == "");
  for (auto what : {"pause", "resume", "remove", "show"})
    refused({"schedule", what, "nightly"}, 1, "there is no schedule 'nightly'");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused_before_anything_is_touched) {
  refused({"schedule", "put", "x", "61 * * * *", "a"}, 2, "quire schedule put: the field 'minute'");
  refused({"schedule", "put", "x", "* * * *", "a"}, 2, "has 4 fields");
  refused({"schedule", "put", "x", "0 0 30 2 *", "a"}, 2, "no day that exists");
  refused({"schedule", "put", "x", "@daily", "a", "--tz", "Mars/Olympus"}, 2, "time zone 'Mars/Olympus'");
  refused({"schedule", "put", "x", "@daily", "a", "{x"}, 2, "PAYLOAD is no JSON");
  refused({"schedule", "put", "x", "@daily"}, 2, "the argument KIND is missing");
  refused({"schedule", "put", "x", "@daily", "a", "--overlap", "skp"}, 2, "unknown policy 'skp'");
  refused({"schedule", "put", "x", "@daily", "a", "--catch-up-max", "3"}, 2, "needs --catch-up all");
  refused({"schedule", "put", "x", "@daily", "a", "--start", "tomorrow"}, 2, "is no time as 2026-");
  refused({"schedule", "put", "x", "@daily", "a", "--start", "2026-02-30T00:00Z"}, 2, "is no time as 2026-");
  refused({"schedule", "put", "x", "@daily", "a", "--end", "2026-01-01T00:00Z", "--start", "2026-01-02T00:00Z"}, 1,
          "end must not be before start");
  refused({"schedule", "put", std::string(101, 'n'), "@daily", "a"}, 1, "name must be 1 to 100 bytes long");
  refused({"schedule", "put", "x", "@daily", "a", "--db", "nowhere.db"}, 1, "there is no database nowhere.db");
  refused({"schedule", "pause"}, 2, "the argument NAME is missing");
  refused({"schedule"}, 2, "a command is missing");
  refused({"schedule", "next", "every 0s"}, 2, "from 1 second to 3660 days");
  refused({"schedule", "next", "@daily", "--count", "0"}, 2, "--count");
  BOOST_TEST(quire({"schedule", "list", "--json"}).out == "");
}

BOOST_AUTO_TEST_CASE(the_next_times_are_told_without_a_database) {
  auto result = quire({"schedule", "next", "30 2 * * *", "--tz", "Europe/Berlin", "--after",
                       "2026-03-27T12:00Z", "--count", "3"});
  BOOST_TEST(result.out == "2026-03-28T02:30:00+01:00\n2026-03-29T03:30:00+02:00\n2026-03-30T02:30:00+02:00\n");
  auto first = quire({"schedule", "next", "every 90s", "--after", "2026-03-28T12:00:30Z", "--count", "1", "--json"});
  auto object = json::parse(first.out);
  BOOST_TEST(object["local"] == "2026-03-28T12:02:00+00:00");
  BOOST_TEST(object["at_ms"] == 1'774'699'320'000);
  BOOST_TEST(count_lines(quire({"schedule", "next", "@hourly"}).out) == 5u);
}

// The stage goes on when a task of the schedule that it puts does: both through one fifo.
BOOST_AUTO_TEST_CASE(whoever_runs_the_database_fires_what_is_put_beside_it) {
  const std::string script = "mkfifo done && \\\"$QUIRE\\\" schedule put beat 'every 1s' command - --timeout 60 "
                             "< task.json > said.txt && cat done && \\\"$QUIRE\\\" schedule remove beat";
  write("task.json", R"({"argv": ["sh", "-c", "mkdir once && echo made > done || true"]})");
  write("p.json", pipeline_of(script_stage("wait", script, "", R"("output": "text", )")));
  auto result = quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result)
  BOOST_TEST(result.status == 0);
  BOOST_TEST(read("said.txt").find("runs the database and takes notice within seconds") != std::string::npos);
  BOOST_TEST(json::parse(quire({"task", "show", "3", "--json"}).out)["kind"] == "command");
}

BOOST_AUTO_TEST_SUITE_END()

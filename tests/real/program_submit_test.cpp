#include "quire/tests/support/run_program.hpp"

#include <nlohmann/json.hpp>

using namespace quire::tests;
using nlohmann::json;

namespace {

/// A folder whose database has the tables of Quire.
struct submit_fixture : program_folder {
  submit_fixture() {
    write("p.json", pipeline_of(script_stage("one", "true")));
    BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  }

  std::size_t count() const { return count_lines(quire({"task", "list", "--json"}).out); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(program_submit, submit_fixture)

BOOST_AUTO_TEST_CASE(a_task_waits_for_who_can_run_it) {
  auto result = quire({"task", "submit", "resize", R"({"width": 3})", "--priority", "high"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out_has("task 2: ready; database: "));
    BOOST_TEST(result.out_has("nobody runs the database: the task waits"));
  }
  auto later = quire({"task", "submit", "resize", "-", "--delay", "3600", "--json"}, "[1, 2]");
  BOOST_TEST_CONTEXT(later) {
    BOOST_REQUIRE(later.status == 0);
    BOOST_TEST(json::parse(later.out)["state"] == "scheduled");
  }
  auto shown = json::parse(quire({"task", "show", "2", "--json"}).out);
  BOOST_TEST(shown["payload"]["width"] == 3);
  BOOST_TEST(shown["priority"] == "high");
  BOOST_TEST(json::parse(quire({"task", "show", "3", "--json"}).out)["payload"][1] == 2);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_creates_nothing) {
  auto refused = [&](words line, int status, const std::string& why, const std::string& input = {}) {
    auto result = quire(line, input);
    BOOST_TEST_CONTEXT(result) {
      BOOST_TEST(result.status == status);
      BOOST_TEST(result.err_has(why));
      BOOST_TEST(count_lines(result.err) == 1u);
    }
  };
  refused({"task", "submit", "a", "{x: 1}"}, 2, "PAYLOAD is no JSON");
  refused({"task", "submit", "a", R"({"x": 1, "x": 2})"}, 2, "x");
  refused({"task", "submit", "a", "-"}, 2, "PAYLOAD is no JSON", "[1,");
  refused({"task", "submit", std::string(101, 'k')}, 1, "kind must be 1 to 100 bytes long");
  refused({"task", "submit", "a", "--db", "nowhere.db"}, 1, "there is no database nowhere.db");
  BOOST_TEST(count() == 1u);
  BOOST_TEST(quire({"task", "submit", "a", "{x: 1}", "--text"}).status == 0);
  BOOST_TEST(count() == 2u);
}

// The stage goes on when the task that it submits does: both through one fifo.
BOOST_AUTO_TEST_CASE(whoever_runs_the_database_takes_what_is_submitted_beside_it) {
  const std::string script = "mkfifo done && \\\"$QUIRE\\\" task submit command - < task.json > said.txt && cat done";
  write("task.json", R"({"argv": ["sh", "-c", "echo made > done"]})");
  write("p.json", pipeline_of(script_stage("wait", script, "", R"("output": "text", )")));
  auto result = quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result)
  BOOST_TEST(result.status == 0);
  BOOST_TEST(read("said.txt").find("runs the database and takes notice within seconds") != std::string::npos);
  BOOST_TEST(json::parse(quire({"task", "show", "2", "--json"}).out)["output"] == "made");
}

BOOST_AUTO_TEST_SUITE_END()

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

BOOST_AUTO_TEST_CASE(a_task_has_a_public_id_by_which_every_command_finds_it) {
  auto object = json::parse(quire({"task", "submit", "resize", "{}", "--json"}).out);
  std::string id = object["public_id"];
  BOOST_TEST(id.size() == 36u);
  BOOST_TEST(id[14] == '7');
  auto shown = json::parse(quire({"task", "show", id, "--json"}).out);
  BOOST_TEST((shown["id"] == 2 && shown["public_id"] == id));
  BOOST_TEST(quire({"task", "show", "2"}).out_has("public id     " + id));
  auto listed = quire({"task", "list", "--kind", "resize", "--json"});
  BOOST_TEST(json::parse(listed.out)["public_id"] == id);
  BOOST_TEST(quire({"task", "cancel", id}).out_has("task 2: cancelled"));
  BOOST_TEST(quire({"task", "wait", id}).out_has("task 2: cancelled"));
  BOOST_TEST(json::parse(quire({"task", "wait", id, "--json"}).out)["public_id"] == id);
  auto missing = quire({"task", "show", "01a0c450-6c00-7f0c-a6a4-38bf4f9ea3fd"});
  BOOST_TEST_CONTEXT(missing) {
    BOOST_TEST(missing.status == 1);
    BOOST_TEST(missing.err_has("there is no task 01a0c450-6c00-7f0c-a6a4-38bf4f9ea3fd in the database"));
  }
}

BOOST_AUTO_TEST_CASE(a_second_task_with_a_unique_key_is_the_first_one) {
  auto submit = [&](words more) {
    words line{"task", "submit", "sync", "{}", "--unique", "customer 17"};
    line.insert(line.end(), more.begin(), more.end());
    return quire(line);
  };
  BOOST_TEST(submit({}).out_has("task 2: ready; database: "));
  auto again = submit({});
  BOOST_TEST_CONTEXT(again) {
    BOOST_TEST(again.status == 0);
    BOOST_TEST(again.out_has("task 2: ready; it was there already; database: "));
  }
  auto object = json::parse(submit({"--json"}).out);
  BOOST_TEST(
    (object["id"] == 2 && object["new"] == false && object["unique_key"] == "customer 17"));
  BOOST_TEST(submit({"--on-duplicate", "replace", "--delay", "60"})
               .out_has("task 2: scheduled; it was there already"));
  auto rejected = submit({"--on-duplicate", "reject"});
  BOOST_TEST_CONTEXT(rejected) {
    BOOST_TEST(rejected.status == 1);
    BOOST_TEST(
      rejected.err_has("task 2 (scheduled) has its unique key 'customer 17'; nothing was changed"));
  }
  BOOST_TEST(count() == 2u);
  BOOST_REQUIRE(quire({"task", "cancel", "2"}).status == 0);
  BOOST_TEST(submit({"--unique-for", "3600"}).out_has("task 3: ready; database: "));
  BOOST_REQUIRE(quire({"task", "cancel", "3"}).status == 0);
  BOOST_TEST(submit({}).out_has("task 3: cancelled; it was there already"));
}

BOOST_AUTO_TEST_CASE(who_waits_for_tasks_is_told_how_they_ended) {
  auto submit = [&](const std::string& script) {
    auto done = quire({"task", "submit", "command",
                       R"({"argv": ["sh", "-c", ")" + script + R"("]})", "--attempts", "1"});
    BOOST_REQUIRE(done.status == 0);
  };
  submit("true");
  submit("exit 7");
  auto early = quire({"task", "wait", "2", "3", "--timeout", "0"});
  BOOST_TEST_CONTEXT(early) {
    BOOST_TEST(early.status == 1);
    BOOST_TEST(early.out == "");
    BOOST_TEST(early.err_has("nobody runs the database"));
    BOOST_TEST(early.err_has("task 2 and 1 more have not ended"));
  }
  // The program waits beside the process that runs the tasks, which waits for nothing.
  auto both =
    run({"sh", "-c", "\"$QUIRE\" task wait 3 2 2 1 --timeout 120 & \"$QUIRE\" run p.json --quiet; wait $!"});
  BOOST_TEST_CONTEXT(both) {
    BOOST_TEST(both.status == 4);
    BOOST_TEST(both.out_has("task 1: completed\n"));
    BOOST_TEST(both.out_has("task 2: completed\n"));
    BOOST_TEST(both.out_has("task 3: failed: sh exited with status 7"));
    BOOST_TEST(count_lines(both.out) == 3u);
  }
  auto object = json::parse(quire({"task", "wait", "2", "--json"}).out);
  BOOST_TEST((object["id"] == 2 && object["state"] == "completed"));
  auto missing = quire({"task", "wait", "2", "99"});
  BOOST_TEST((missing.status == 1 && missing.err_has("there is no task 99")));
  BOOST_TEST(quire({"task", "wait"}).status == 2);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_creates_nothing) {
  auto refused = [&](words line, int status, const std::string& why,
                     const std::string& input = {}) {
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
  refused({"task", "submit", "a", "--unique", ""}, 2, "--unique is empty");
  refused({"task", "submit", "a", "--unique", std::string(201, 'k')}, 1,
          "unique.key is over its limit");
  refused({"task", "submit", "a", "--unique-for", "9"}, 2, "--unique-for needs --unique");
  refused({"task", "submit", "a", "--on-duplicate", "reject"}, 2, "--on-duplicate needs --unique");
  refused({"task", "submit", "a", "--unique", "k", "--on-duplicate", "reflect"}, 2,
          "did you mean reject?");
  refused(
    {"task", "submit", "a", "--unique", "k", "--unique-for", "9", "--on-duplicate", "replace"}, 2,
    "contradict each other");
  BOOST_TEST(count() == 1u);
  BOOST_TEST(quire({"task", "submit", "a", "{x: 1}", "--text"}).status == 0);
  BOOST_TEST(count() == 2u);
}

// The stage goes on when the task that it submits does: both through one fifo.
BOOST_AUTO_TEST_CASE(whoever_runs_the_database_takes_what_is_submitted_beside_it) {
  const std::string script =
    "mkfifo done && \\\"$QUIRE\\\" task submit command - < task.json > said.txt && cat done";
  write("task.json", R"({"argv": ["sh", "-c", "echo made > done"]})");
  write("p.json", pipeline_of(script_stage("wait", script, "", R"("output": "text", )")));
  auto result = quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result)
  BOOST_TEST(result.status == 0);
  BOOST_TEST(read("said.txt").find("runs the database and takes notice within seconds")
             != std::string::npos);
  BOOST_TEST(json::parse(quire({"task", "show", "2", "--json"}).out)["output"] == "made");
}

BOOST_AUTO_TEST_CASE(a_task_waits_for_the_subtasks_it_was_created_with) {
  write("parts.json", R"([{"kind": "command", "payload": {"argv": ["touch", "a"]}},
    {"kind": "command", "payload": {"argv": ["false"]}, "max_attempts": 1, "tenant": "acme"}])");
  auto put = quire({"task", "submit", "command", R"({"argv": ["ls", "a"]})", "--subtasks", "parts.json"});
  BOOST_TEST_CONTEXT(put) {
    BOOST_TEST(put.status == 0);
    BOOST_TEST(put.out_has("task 2: created, waits for 2 subtasks; database: "));
  }
  BOOST_TEST(count_lines(quire({"task", "list", "--parent", "2", "--json"}).out) == 2u);
  std::string id = json::parse(quire({"task", "show", "2", "--json"}).out)["public_id"];
  BOOST_TEST(count_lines(quire({"task", "list", "--parent", id, "--json"}).out) == 2u);
  BOOST_TEST(quire({"task", "cancel", "--parent", id, "--dry-run"}).out_has("2 tasks match"));
  auto unknown = quire({"task", "list", "--parent", "01a0c450-6c00-7f0c-a6a4-38bf4f9ea3fd"});
  BOOST_TEST(unknown.err_has("there is no task 01a0c450-6c00-7f0c-a6a4-38bf4f9ea3fd"));
  BOOST_TEST(quire({"task", "show", "3"}).out_has("parent        2"));
  BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  BOOST_TEST(quire({"task", "wait", "2"}).status == 0);
  auto shown = json::parse(quire({"task", "show", "2", "--json"}).out);
  BOOST_TEST(shown["state"] == "completed");
  BOOST_TEST(shown["output"] == "a");
  BOOST_TEST(shown["subtasks"] == 2);
  BOOST_TEST(shown["subtasks_open"] == 0);
  BOOST_TEST(json::parse(quire({"task", "show", "4", "--json"}).out)["state"] == "failed");
}

BOOST_AUTO_TEST_CASE(subtasks_that_are_wrong_are_refused_and_nothing_is_created) {
  auto refused = [&](const std::string& file, const std::string& what, int status = 2) {
    write("parts.json", file);
    auto result = quire({"task", "submit", "whole", "--subtasks", "parts.json"});
    BOOST_TEST_CONTEXT(result) {
      BOOST_TEST(result.status == status);
      BOOST_TEST(result.out.empty());
      BOOST_TEST(result.err_has(what));
    }
  };
  refused("[{]", "quire task submit: parts.json: line 1");
  refused("{}", "subtasks: expected a list");
  refused("[]", "subtasks: ");
  refused(R"([{"payload": 1}])", "subtasks[0].kind: this key is missing");
  refused(R"([{"kind": "x", "prio": 1}])", "subtasks[0].prio");
  refused(R"([{"kind": "x", "subtasks": [{"kind": ""}]}])", "kind must be 1 to 100 bytes long", 1);
  auto missing = quire({"task", "submit", "whole", "--subtasks", "gone.json"});
  BOOST_TEST(missing.err_has("gone.json"));
  BOOST_TEST(quire({"task", "submit", "whole", "-", "--subtasks", "-"}).status == 2);
  BOOST_TEST(count() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

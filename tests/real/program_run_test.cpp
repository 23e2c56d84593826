#include "quire/tests/support/run_program.hpp"

#include <nlohmann/json.hpp>

#include <sstream>

using namespace quire::tests;
using nlohmann::json;

namespace {

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream input(text);
  for (std::string line; std::getline(input, line);)
    lines.push_back(json::parse(line));
  return lines;
}

/// Ends its process the first time, by the signal with that name: `$PPID` of a
/// task's program is quire.
std::string fatal_once(const std::string& name) {
  return "test -e mark && exit 0; touch mark; kill -" + name + " $PPID; sleep 60";
}

const std::string once = R"("max_attempts": 1, )";

} // namespace

BOOST_AUTO_TEST_SUITE(program_run)

BOOST_AUTO_TEST_CASE(a_pipeline_that_completes_ends_with_0_and_a_summary) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("list", "seq 5", "", R"("output": "lines", )") + ","
                                     + script_stage("each", "echo $1",
                                                    R"("after": ["list"], "for_each": "list", )",
                                                    "", "{{item}}")));
  auto result = folder.quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.err == "");
    for (auto& text : {"run 1 of test; database: var/quire.db (default)", "each: started",
                       "each: completed, 5 of 5 succeeded", "run 1 (test): completed in ", "; 6 tasks",
                       "commits: ", "members per commit: ", "locked errors: 0",
                       "results: quire task list --run 1"})
      BOOST_TEST(result.out_has(text), text);
    BOOST_TEST(!result.out_has("\x1b"));
  }
}

BOOST_AUTO_TEST_CASE(a_pipeline_with_some_failures_ends_with_3_and_says_which_and_why) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("check", "test $1 != b || { echo no b >&2; exit 7; }",
                                                  R"("for_each": ["a", "b", "c"], )", once, "{{item}}")));
  auto result = folder.quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 3);
    BOOST_TEST(result.out_has("check: partial_success, 2 of 3 succeeded, 1 failed"));
    BOOST_TEST(result.out_has("check[1] (task 2): sh exited with status 7: no b"));
    BOOST_TEST(result.out_has("run 1 (test): partial_success"));
  }
}

BOOST_AUTO_TEST_CASE(a_pipeline_in_which_all_fail_ends_with_4_and_lists_the_first_20) {
  program_folder folder;
  std::string items = "0";
  for (int i = 1; i < 25; ++i)
    items += "," + std::to_string(i);
  folder.write("p.json", pipeline_of(script_stage("fail", "exit 9", R"("for_each": [)" + items + "], ", once)));
  auto result = folder.quire({"run", "p.json", "--db", "my data.db"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 4);
    BOOST_TEST(result.out_has("fail[19] (task 20): sh exited with status 9"));
    BOOST_TEST(!result.out_has("fail[20]"));
    BOOST_TEST(result.out_has("... and 5 more: quire task list --run 1 --state failed --db 'my data.db'"));
  }
}

BOOST_AUTO_TEST_CASE(a_missing_program_is_a_clear_error) {
  program_folder folder;
  folder.write("p.json",
               pipeline_of(R"({"name": "a", "task": {"kind": "command", "argv": ["no-such-program-here"]}})"));
  auto result = folder.quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 4);
    BOOST_TEST(result.out_has("a (task 1): "));
    BOOST_TEST(result.out_has("no-such-program-here"));
  }
}

BOOST_AUTO_TEST_CASE(json_is_lines_of_objects_that_end_with_the_summary) {
  program_folder folder;
  auto pipeline = pipeline_of(script_stage("bad", "exit 1", "", once), R"("params": {"x": "1"}, )");
  auto result = folder.quire({"run", "-", "--json", "--set", "x=2", "--workers", "1"}, pipeline);
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 4);
    BOOST_TEST(result.err == "");
    auto lines = json_lines(result.out);
    BOOST_REQUIRE(lines.size() >= 4u);
    BOOST_TEST(lines.front()["event"] == "run");
    BOOST_TEST(lines.front()["params"]["x"] == "2");
    auto& summary = lines.back();
    BOOST_TEST(summary["event"] == "summary");
    BOOST_TEST(summary["state"] == "failed");
    BOOST_TEST(summary["locked_errors"] == 0);
    BOOST_TEST(summary["failures"][0]["stage"] == "bad");
    BOOST_TEST(summary["run_record"]["stages"][0]["failed"] == 1);
  }
}

BOOST_AUTO_TEST_CASE(quiet_says_nothing_but_what_failed) {
  program_folder folder;
  folder.write("good.json", pipeline_of(script_stage("a", "true")));
  folder.write("bad.json", pipeline_of(script_stage("a", "exit 5", "", once)));
  auto good = folder.quire({"run", "good.json", "--quiet"});
  BOOST_TEST(good.status == 0);
  BOOST_TEST(good.out + good.err == "");
  auto bad = folder.quire({"run", "bad.json", "--quiet"});
  BOOST_TEST(bad.status == 4);
  BOOST_TEST(bad.out == "");
  BOOST_TEST(bad.err_has("a (task 2): sh exited with status 5"));
}

// Ctrl-C: nothing that has ended is lost or done again.
BOOST_AUTO_TEST_CASE(an_interrupted_run_ends_with_130_and_can_be_resumed) {
  for (std::string name : {"INT", "TERM"}) {
    program_folder folder;
    folder.write("p.json", pipeline_of(script_stage("first", "echo ran >> log") + ","
                                       + script_stage("stop", fatal_once(name), R"("after": ["first"], )")));
    auto stopped = folder.quire({"run", "p.json"});
    BOOST_TEST_CONTEXT(stopped) {
      BOOST_TEST(stopped.status == 130);
      BOOST_TEST(stopped.err_has("run 1 is unfinished"));
      BOOST_TEST(stopped.err_has("quire run p.json --resume"));
    }
    auto resumed = folder.quire({"run", "p.json", "--resume"});
    BOOST_TEST_CONTEXT(resumed) {
      BOOST_TEST(resumed.status == 0);
      BOOST_TEST(resumed.out_has("run 1 of test, resumed"));
      BOOST_TEST(resumed.out_has("recovered: no task was running"));
    }
    BOOST_TEST(folder.read("log") == "ran\n");
  }
}

BOOST_AUTO_TEST_CASE(a_killed_run_is_resumed_and_says_what_was_recovered) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("first", "echo ran >> log") + ","
                                     + script_stage("kill", fatal_once("KILL"), R"("after": ["first"], )")));
  BOOST_TEST(folder.quire({"run", "p.json"}).status == 1009);
  auto resumed = folder.quire({"run", "p.json", "--resume"});
  BOOST_TEST_CONTEXT(resumed) {
    BOOST_TEST(resumed.status == 0);
    BOOST_TEST(resumed.out_has("recovered: 1 task was running when an earlier process ended"));
  }
  BOOST_TEST(folder.read("log") == "ran\n");
}

BOOST_AUTO_TEST_CASE(without_resume_a_new_run_starts_and_the_unfinished_one_is_mentioned) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("kill", fatal_once("KILL"))));
  BOOST_TEST(folder.quire({"run", "p.json"}).status == 1009);
  auto second = folder.quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(second) {
    BOOST_TEST(second.status == 0);
    BOOST_TEST(second.out_has("run 2 of test;"));
    BOOST_TEST(second.err_has("run 1 of test is unfinished"));
  }
}

BOOST_AUTO_TEST_CASE(resume_starts_a_run_where_there_is_none_to_resume) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("a", "true")));
  for (auto number : {"1", "2"}) {
    auto result = folder.quire({"run", "p.json", "--resume"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out_has("run " + std::string{number} + " of test; "));
  }
}

// A run keeps its parameters: others must not be dropped silently.
BOOST_AUTO_TEST_CASE(resume_refuses_other_parameters_than_the_run_has) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("kill", fatal_once("KILL")), R"("params": {"x": "1"}, )"));
  BOOST_TEST(folder.quire({"run", "p.json", "--set", "x=2"}).status == 1009);
  auto other = folder.quire({"run", "p.json", "--resume", "--set", "x=3"});
  BOOST_TEST_CONTEXT(other) {
    BOOST_TEST(other.status == 2);
    BOOST_TEST(other.err_has("--set x: run 1"));
  }
  BOOST_TEST(folder.quire({"run", "p.json", "--resume", "--set", "x=2"}).status == 0);
}

// A pipeline changes nothing about what its reader wants to see of it.
BOOST_AUTO_TEST_CASE(a_reader_that_goes_away_does_not_end_the_run) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("a", "true") + ","
                                     + script_stage("b", "echo done > log", R"("after": ["a"], )")));
  auto result = folder.run({"bash", "-c", "\"$QUIRE\" run p.json | true; echo ${PIPESTATUS[0]}"});
  BOOST_TEST(result.out == "0\n");
  BOOST_TEST(result.err == "");
  BOOST_TEST(folder.read("log") == "done\n");
}

// The definition has changed: it is not the same run any more.
BOOST_AUTO_TEST_CASE(resume_with_another_definition_mentions_what_it_leaves_behind) {
  program_folder folder;
  // The first run, which goes on beside the second one, ends only after that has begun.
  folder.write("p.json", pipeline_of(script_stage(
                           "s", "if test -e mark; then until test -e second; do sleep 0.1; done; exit 0; fi; " + fatal_once("KILL"),
                           "", once)));
  folder.quire({"run", "p.json"});
  folder.write("p.json", pipeline_of(script_stage("s", "touch second", "", once)));
  auto result = folder.quire({"run", "p.json", "--resume"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out_has("run 2 of test"));
    BOOST_TEST(result.err_has("run 1 of test is unfinished"));
    BOOST_TEST(result.err_has("another definition"));
  }
}

// Somebody took an index of ours away: no patience brings it back.
BOOST_AUTO_TEST_CASE(a_run_that_can_never_go_on_says_so_and_ends) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("s", "sqlite3 -cmd '.timeout 20000' var/quire.db "
                                                       "'DROP INDEX quire_task_ready'")
                                     + "," + script_stage("t", "true", R"("after": ["s"], )")));
  auto result = folder.quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 1);
    BOOST_TEST(result.err_has("quire_task_ready"));
    BOOST_TEST(result.err_has("run 1 cannot go on"));
  }
}

BOOST_AUTO_TEST_CASE(a_database_that_is_deleted_meanwhile_is_no_success) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("s", "rm var/quire.db var/quire.db-wal var/quire.db-shm")));
  auto result = folder.quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 1);
    BOOST_TEST(result.err_has("was renamed, replaced or deleted while it was open"));
    BOOST_TEST(result.err_has("run 1 cannot go on"));
  }
}

// What is said must not end up in a file that got the number of a closed descriptor.
BOOST_AUTO_TEST_CASE(closed_standard_files_harm_nobody) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("s", "true")));
  auto result = folder.run({"sh", "-c", "\"$QUIRE\" run p.json <&- >&- 2>&-"});
  BOOST_TEST(result.status == 1, result); // The output was lost.
  BOOST_TEST(folder.read("var/quire.db.lock").starts_with("process "));
  BOOST_TEST(folder.quire({"pipeline", "show", "1"}).out_has("completed"));
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_when_its_output_cannot_be_written) {
  program_folder folder;
  folder.write("p.json", pipeline_of(script_stage("s", "true")));
  auto result = folder.run({"sh", "-c", "\"$QUIRE\" run p.json > /dev/full"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 1);
    BOOST_TEST(result.err_has("cannot write the output"));
    BOOST_TEST(result.err_has("the run goes on"));
  }
  BOOST_TEST(folder.quire({"pipeline", "show", "1"}).out_has("completed"));
}

BOOST_AUTO_TEST_SUITE_END()

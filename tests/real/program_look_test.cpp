#include "quire/tests/support/run_program.hpp"

#include <nlohmann/json.hpp>

using namespace quire::tests;
using nlohmann::json;

namespace {

const std::string once = R"("max_attempts": 1, )";

/// One task that succeeds and one that fails.
void run_mixed(const program_folder& folder) {
  folder.write("p.json", pipeline_of(script_stage("good", "echo hello", "", R"("output": "text", )") + ","
                                     + script_stage("bad", "test -e fixed || { echo oh no >&2; exit 3; }",
                                                    R"("after": ["good"], )", once)));
  BOOST_REQUIRE(folder.quire({"run", "p.json"}).status == 4);
}

json json_of(const program_result& result) {
  BOOST_TEST_CONTEXT(result) {
    BOOST_REQUIRE(result.status == 0);
    BOOST_REQUIRE(count_lines(result.out) == 1u);
  }
  return json::parse(result.out);
}

} // namespace

BOOST_AUTO_TEST_SUITE(program_look)

// The tasks of the run look themselves: it is running for sure.
BOOST_AUTO_TEST_CASE(commands_that_look_work_while_another_process_runs_the_database) {
  program_folder folder;
  std::string stages;
  auto add = [&](const std::string& name, const std::string& arguments) {
    stages += (stages.empty() ? "" : ",") + script_stage(name, "exec \\\"$QUIRE\\\" " + arguments, "", once);
  };
  add("list", "task list --json");
  add("show", "task show 1");
  add("runs", "pipeline list");
  add("run", "pipeline show 1");
  add("status", "status > status.txt");
  add("read", "sql 'SELECT count(*) FROM quire_task'");
  add("write", "sql 'CREATE TABLE mine(x)'");
  stages += "," + script_stage("second", "\\\"$QUIRE\\\" run p.json 2> second.txt; test $? = 1", "", once);
  folder.write("p.json", pipeline_of(stages));
  auto result = folder.quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result)
  BOOST_TEST(result.status == 0);
  BOOST_TEST(folder.read("status.txt").find("runs it") != std::string::npos);
  // A second owner is told who the first one is.
  BOOST_TEST(folder.read("second.txt").find("is owned by process ") != std::string::npos);
  BOOST_TEST(folder.quire({"sql", "SELECT * FROM mine"}).status == 0);
}

BOOST_AUTO_TEST_CASE(a_list_of_tasks_has_every_field_by_its_name) {
  program_folder folder;
  run_mixed(folder);
  auto task = json_of(folder.quire({"task", "list", "--json", "--state", "failed"}));
  for (auto field : {"id", "queue", "kind", "state", "priority", "attempt", "attempts_max", "crashes", "epoch",
                     "cancel_requested", "gate", "run", "stage", "item", "created_at_ms", "run_at_ms",
                     "started_at_ms", "finished_at_ms", "error_class", "error"})
    BOOST_TEST(task.contains(field), field);
  BOOST_TEST(task["state"] == "failed");
  BOOST_TEST(task["stage"] == "bad");
  BOOST_TEST(task["error"] == "sh exited with status 3: oh no");
}

BOOST_AUTO_TEST_CASE(lists_are_filtered_by_state_kind_run_and_stage) {
  program_folder folder;
  run_mixed(folder);
  auto count = [&](std::vector<std::string> filter) {
    std::vector<std::string> command{"task", "list", "--json"};
    command.insert(command.end(), filter.begin(), filter.end());
    auto result = folder.quire(command);
    BOOST_TEST(result.status == 0);
    return count_lines(result.out);
  };
  BOOST_TEST(count({}) == 2u);
  BOOST_TEST(count({"--limit", "1"}) == 1u);
  BOOST_TEST(count({"--limit", "0"}) == 0u);
  BOOST_TEST(count({"--state", "completed"}) == 1u);
  BOOST_TEST(count({"--state", "cancelled"}) == 0u);
  BOOST_TEST(count({"--kind", "command"}) == 2u);
  BOOST_TEST(count({"--kind", "resize"}) == 0u);
  BOOST_TEST(count({"--run", "1"}) == 2u);
  BOOST_TEST(count({"--run", "2"}) == 0u);
  BOOST_TEST(count({"--stage", "good", "--run", "1"}) == 1u);
  BOOST_TEST(count_lines(folder.quire({"pipeline", "list", "--json", "--state", "failed"}).out) == 1u);
  BOOST_TEST(count_lines(folder.quire({"pipeline", "list", "--json", "--name", "other"}).out) == 0u);
}

BOOST_AUTO_TEST_CASE(a_task_is_shown_with_all_that_hangs_on_it) {
  program_folder folder;
  run_mixed(folder);
  auto good = json_of(folder.quire({"task", "show", "1", "--json"}));
  auto bad = json_of(folder.quire({"task", "show", "2", "--json"}));
  BOOST_TEST(good["output"] == "hello");
  BOOST_TEST(good["payload"]["argv"][0] == "sh");
  BOOST_TEST(bad["detail"]["exit_status"] == 3);
  BOOST_TEST(bad["attempts"].size() == 1u);
  BOOST_TEST(bad["attempts"][0]["outcome"] == "failed");
  auto people = folder.quire({"task", "show", "1"});
  BOOST_TEST_CONTEXT(people) {
    BOOST_TEST(people.out_has("\noutput\n  hello\n"));
    BOOST_TEST(people.out_has("state         completed\n"));
  }
  // The handlers of this program do no steps.
  for (auto* step : {"(1, 'upload', 1, 1, 7, 3, 'abc')", "(1, 'check', 2, 1, 8, 0, '')"})
    folder.run({"sqlite3", "var/quire.db", "INSERT INTO quire_task_step VALUES" + std::string{step}});
  auto steps = json_of(folder.quire({"task", "show", "1", "--json"}))["steps"];
  BOOST_REQUIRE(steps.size() == 2u);
  BOOST_TEST(steps[0]["name"] == "upload");
  BOOST_TEST(steps[0]["bytes"] == 3);
  BOOST_TEST(steps[1]["epoch"] == 1);
  people = folder.quire({"task", "show", "1"});
  BOOST_TEST_CONTEXT(people) { BOOST_TEST(people.out_has("\nsteps\nstep done  at")); }
  auto missing = folder.quire({"task", "show", "77"});
  BOOST_TEST(missing.status == 1);
  BOOST_TEST(missing.err_has("there is no task 77 in the database var/quire.db (default)"));
}

// What failed is repaired, started again, and the run ends well.
BOOST_AUTO_TEST_CASE(a_failed_task_is_retried_by_the_next_run) {
  program_folder folder;
  run_mixed(folder);
  auto retry = folder.quire({"task", "retry", "2"});
  BOOST_TEST_CONTEXT(retry) {
    BOOST_TEST(retry.status == 0);
    BOOST_TEST(retry.out_has("task 2: ready"));
    BOOST_TEST(retry.out_has("nobody runs the database: the next quire run takes it up"));
  }
  BOOST_TEST(json_of(folder.quire({"pipeline", "show", "1", "--json"}))["state"] == "running");
  folder.write("fixed", "");
  auto resumed = folder.quire({"run", "p.json", "--resume"});
  BOOST_TEST_CONTEXT(resumed)
  BOOST_TEST(resumed.status == 0);
  BOOST_TEST(json_of(folder.quire({"pipeline", "show", "1", "--json"}))["state"] == "completed");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_retried_or_cancelled_is_said_and_the_rest_is_done) {
  program_folder folder;
  run_mixed(folder);
  auto result = folder.quire({"task", "retry", "1", "2", "99"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 1);
    BOOST_TEST(result.out == "task 2: ready\n");
    BOOST_TEST(count_lines(result.err) == 2u);
  }
  auto cancel = folder.quire({"task", "cancel", "2", "--reason", "not needed"});
  BOOST_TEST(cancel.status == 0);
  BOOST_TEST(json_of(folder.quire({"task", "show", "2", "--json"}))["state"] == "cancelled");
  BOOST_TEST(json_of(folder.quire({"task", "show", "2", "--json"}))["error"] == "not needed");
}

BOOST_AUTO_TEST_CASE(status_counts_what_is_there) {
  program_folder folder;
  run_mixed(folder);
  auto status = json_of(folder.quire({"status", "--json"}));
  BOOST_TEST(status["database"] == "var/quire.db");
  BOOST_TEST(status["owner"].is_null());
  BOOST_TEST(status["boot"] == 1);
  BOOST_TEST(status["schema"] >= 4);
  BOOST_TEST(status["tasks"]["completed"] == 1);
  BOOST_TEST(status["tasks"]["failed"] == 1);
  BOOST_TEST(status["open_runs"].empty());
  BOOST_TEST(status["file_bytes"] > 4096);
}

BOOST_AUTO_TEST_CASE(sql_writes_and_reads_with_parameters) {
  program_folder folder;
  auto made = folder.quire({"sql", "CREATE TABLE note(a, b)"});
  BOOST_TEST(made.status == 0);
  BOOST_TEST(made.err_has("created the database var/quire.db (default)"));
  auto insert = folder.quire({"sql", "INSERT INTO note VALUES(?1, ?2), (?3, x'0a1b')", "-7", "007", "2.5"});
  BOOST_TEST(insert.out_has("2 rows changed"));
  auto table = folder.quire({"sql", "SELECT a, typeof(a) AS kind, b FROM note"});
  BOOST_TEST(table.out == "  a  kind     b\n -7  integer  007\n2.5  real     x'0a1b'\n");
  auto lines = folder.quire({"sql", "--json", "SELECT a, b, b FROM note"});
  BOOST_TEST(lines.out == "{\"a\":-7,\"b\":\"007\",\"b_2\":\"007\"}\n"
                          "{\"a\":2.5,\"b\":{\"blob\":\"0a1b\"},\"b_2\":{\"blob\":\"0a1b\"}}\n");
  auto returning = folder.quire({"sql", "--json", "UPDATE note SET a = ?1 RETURNING a", "[1,2]"});
  BOOST_TEST(returning.out == "{\"a\":\"[1,2]\"}\n{\"a\":\"[1,2]\"}\n");
}

// A name of a command, or what looks like an option behind --, is a parameter.
BOOST_AUTO_TEST_CASE(sql_takes_any_text_as_a_parameter) {
  program_folder folder;
  BOOST_REQUIRE(folder.quire({"sql", "CREATE TABLE t(x)"}).status == 0);
  auto result = folder.quire({"sql", "--json", "SELECT ?1 a, ?2 b, ?3 c, ?4 d", "--", "run", "--json", "", "x=1"});
  BOOST_TEST(result.out == "{\"a\":\"run\",\"b\":\"--json\",\"c\":\"\",\"d\":\"x=1\"}\n");
}

BOOST_AUTO_TEST_CASE(sql_that_is_wrong_is_one_line_of_error_and_changes_nothing) {
  program_folder folder;
  BOOST_REQUIRE(folder.quire({"sql", "CREATE TABLE t(x UNIQUE)"}).status == 0);
  for (std::string sql : {"SELEC 1", "SELECT 1; SELECT 2", "SELECT * FROM missing", "SELECT ?1", "BEGIN",
                          "INSERT INTO t VALUES(1), (1)", "PRAGMA journal_mode=DELETE", "ATTACH 'x.db' AS x"}) {
    auto result = folder.quire({"sql", sql});
    BOOST_TEST_CONTEXT(sql << " " << result) {
      BOOST_TEST(result.status == 1);
      BOOST_TEST(result.out == "");
      BOOST_TEST(count_lines(result.err) == 1u);
    }
  }
  BOOST_TEST(folder.quire({"sql", "--json", "SELECT count(*) n FROM t"}).out == "{\"n\":0}\n");
}

BOOST_AUTO_TEST_CASE(sql_reads_the_tables_of_quire_and_never_changes_them) {
  program_folder folder;
  run_mixed(folder);
  BOOST_REQUIRE(folder.quire({"sql", "CREATE TABLE note(x)"}).status == 0);
  for (auto sql : {"UPDATE quire_task SET state = 99", "DROP TABLE quire_task", "DELETE FROM Quire_Run",
                   "INSERT INTO \"quire_meta\" VALUES('a', 1)", "ALTER TABLE quire_task RENAME TO foo",
                   "CREATE TABLE quire_mine(a)", "CREATE INDEX mine ON quire_task(state)",
                   "CREATE TRIGGER mine AFTER INSERT ON quire_task BEGIN SELECT 1; END",
                   "CREATE TRIGGER mine AFTER INSERT ON note BEGIN DELETE FROM quire_task; END",
                   "ALTER TABLE note RENAME TO quire_note", "ALTER TABLE note ADD COLUMN Quire_x",
                   "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'quire_task'",
                   "DELETE FROM SQLite_Sequence", "INSERT INTO [sqlite_sequence] VALUES('x', 1)",
                   "CREATE TRIGGER mine AFTER INSERT ON note BEGIN DELETE FROM sqlite_sequence; END"}) {
    auto refused = folder.quire({"sql", sql});
    BOOST_TEST_CONTEXT(refused)
    BOOST_TEST((refused.status == 1 && refused.err_has("Quire's own tables")), sql);
  }
  // SQLite changes the sequences of tables of others itself.
  for (auto sql : {"CREATE TABLE numbered(id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
                   "INSERT INTO numbered(x) VALUES(1)", "ALTER TABLE numbered RENAME TO counted",
                   "SELECT * FROM sqlite_sequence", "DROP TABLE counted"})
    BOOST_TEST(folder.quire({"sql", sql}).status == 0, sql);
  BOOST_TEST(folder.quire({"sql", "CREATE TABLE mine AS SELECT state FROM quire_task"}).status == 0);
  BOOST_TEST(folder.quire({"sql", "SELECT count(*) AS n FROM mine", "--json"}).out == "{\"n\":2}\n");
}

BOOST_AUTO_TEST_CASE(a_statement_that_only_reads_creates_no_database) {
  program_folder folder;
  for (std::string sql : {"SELECT 1", "SELECT * FROM t", "INSERT INTO t VALUES(1)"}) {
    auto result = folder.quire({"sql", sql});
    BOOST_TEST(result.status == 1);
    BOOST_TEST(result.err_has("there is no database var/quire.db (default)"));
  }
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_CASE(a_reader_that_goes_away_is_no_error) {
  program_folder folder;
  run_mixed(folder);
  auto result = folder.run({"bash", "-c", "\"$QUIRE\" task list | true; echo ${PIPESTATUS[0]}"});
  BOOST_TEST(result.out == "0\n");
  BOOST_TEST(result.err == "");
  auto full = folder.run({"sh", "-c", "exec \"$QUIRE\" task list > /dev/full"});
  BOOST_TEST(full.status == 1);
  BOOST_TEST(full.err_has("cannot write the output"));
  auto put = folder.run({"sh", "-c", "exec \"$QUIRE\" task submit later {} > /dev/full"});
  BOOST_TEST(put.status == 1);
  BOOST_TEST(put.err_has("cannot write the output, but what it tells of is done"));
  BOOST_TEST(folder.quire({"task", "list", "--kind", "later"}).out_has("1 task;"));
}

// ulimit -f: the signal for it must not end the program without a word.
BOOST_AUTO_TEST_CASE(a_file_past_the_limit_of_the_shell_is_an_error_that_says_so) {
  program_folder folder;
  run_mixed(folder);
  auto refused = folder.run({"bash", "-c", "ulimit -f 1; exec \"$QUIRE\" task submit later {}"});
  BOOST_TEST_CONTEXT(refused) {
    BOOST_TEST(refused.status == 1);
    BOOST_TEST(refused.err_has("othing was changed"));
  }
  BOOST_TEST(folder.quire({"task", "submit", "later", "{}"}).status == 0);
  BOOST_TEST(folder.quire({"task", "list", "--kind", "later"}).out_has("1 task;"));
}

BOOST_AUTO_TEST_CASE(every_command_explains_itself) {
  program_folder folder;
  using words = std::vector<std::string>;
  for (words command : {words{}, {"run"}, {"sql"}, {"task"}, {"task", "list"}, {"task", "show"},
                        {"task", "retry"}, {"task", "cancel"}, {"pipeline"}, {"pipeline", "list"},
                        {"pipeline", "show"}, {"status"}, {"doctor"}}) {
    std::string name = "Usage: quire";
    for (auto& word : command)
      name += " " + word;
    command.push_back("--help");
    auto result = folder.quire(command);
    BOOST_TEST_CONTEXT(result) {
      BOOST_TEST(result.status == 0);
      BOOST_TEST(result.out_has(name + " "));
      BOOST_TEST(result.err == "");
    }
  }
  BOOST_TEST(folder.quire({"--version"}).out.starts_with("quire 0."));
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/tests/support/run_program.hpp"

using namespace quire::tests;
using words = std::vector<std::string>;

namespace {

const std::string good = R"({"name": "good", "params": {"root": "."}, "stages": [
  {"name": "one", "task": {"kind": "command", "argv": ["true"]}}]})";

/// One line that says `text`, status 2, and nothing was made: neither the
/// database nor its folder.
void check_refused(const program_folder& folder, const words& arguments, const std::string& text) {
  auto before = folder.names();
  auto result = folder.quire(arguments);
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 2);
    BOOST_TEST(result.out == "");
    BOOST_TEST(count_lines(result.err) == 1u);
    BOOST_TEST(result.err.starts_with("quire"));
    BOOST_TEST(result.err_has(text));
    BOOST_TEST(folder.names() == before, boost::test_tools::per_element());
  }
}

struct bad_line {
  words arguments;
  std::string says;
};

const std::vector<bad_line> bad_lines{
  {{}, "a command is missing"},
  {{"rnu", "good.json"}, "unknown command 'rnu'; did you mean run?"},
  {{"--verbose"}, "--verbose: unknown option"},
  {{"--db", "x.db", "status"}, "--db belongs behind the command"},
  {{"run"}, "the argument FILE is missing"},
  {{"run", ""}, "FILE is empty"},
  {{"run", "--wokers", "4", "good.json"}, "--wokers: unknown option; did you mean --workers?"},
  {{"run", "good.json", "--workers", "0"}, "--workers: '0' is no whole number from 1 to 1024"},
  {{"run", "good.json", "--workers", "1025"}, "'1025' is no whole number"},
  {{"run", "good.json", "--workers", "4x"}, "'4x' is no whole number"},
  {{"run", "good.json", "--workers"}, "--workers: its value is missing"},
  {{"run", "good.json", "--workers="}, "--workers: its value is missing"},
  {{"run", "good.json", "--db", "--json"}, "--db: its value is missing"},
  {{"run", "good.json", "--db", "a", "--db", "b"}, "--db: given more than once"},
  {{"run", "good.json", "--db", ""}, "--db is empty"},
  {{"run", "good.json", "more.json"}, "'more.json' is one argument too many"},
  {{"run", "--", "good.json", "--json"}, "'--json' is one argument too many"},
  {{"run", "good.json", "--json", "--quiet"}, "contradict each other"},
  {{"run", "good.json", "--set", "root"}, "'root' is not KEY=VALUE"},
  {{"run", "good.json", "--set", "=x"}, "'=x' is not KEY=VALUE"},
  {{"run", "good.json", "--set", "rot=x"}, "unknown parameter 'rot'"},
  {{"run", "good.json", "--set", "root=a", "--set", "root=b"}, "'root' is given twice"},
  {{"run", "good.json", "--set", "root=\xff"}, "no UTF-8"},
  {{"run", "missing.json"}, "cannot read missing.json: No such file"},
  {{"run", "."}, "cannot read .: Is a directory"},
  {{"sql"}, "the argument SQL is missing"},
  {{"sql", " ; "}, "SQL is empty"},
  {{"sql", "SELECT 1", "--jsn"}, "did you mean --json?"},
  {{"task"}, "known are: list, show, submit, retry, cancel"},
  {{"task", "lst"}, "did you mean list?"},
  {{"task", "list", "--state", "compleed"}, "did you mean completed?"},
  {{"task", "list", "--run", "first"}, "'first' is no whole number"},
  {{"task", "list", "--limit", "-1"}, "'-1' is no whole number from 0"},
  {{"task", "show"}, "the argument ID is missing"},
  {{"task", "show", "99999999999999999999"}, "no whole number"},
  {{"task", "retry"}, "the argument ID is missing"},
  {{"task", "cancel", "1", "two"}, "ID: 'two' is no whole number"},
  {{"pipeline", "show", "0"}, "'0' is no whole number from 1"},
  {{"pipeline", "list", "--state", "ready"}, "unknown state 'ready'"},
  {{"status", "now"}, "'now' is one argument too many"},
  {{"run", "line\nbreak.json"}, "line\\nbreak.json"},
};

struct bad_file {
  std::string text;
  std::string says;
};

std::string with_stage(const std::string& keys) {
  return R"({"name": "p", "stages": [{"name": "a", )" + keys + "}]}";
}

const std::string two_stages =
  R"({"name": "a", "after": ["b"], "task": {"kind": "command", "argv": ["ls"]}},
     {"name": "b", "after": ["a"], "task": {"kind": "command", "argv": ["ls"]}})";

const std::vector<bad_file> bad_files{
  {"", "line 1, column 1"},
  {"not json", "line 1, column 2"},
  {"{\"name\": \"p\",\n  \"stages\": [}", "line 2, column 14"},
  {"[]", "expected an object"},
  {R"({"name": "p"})", "stages: this key is missing"},
  {R"({"name": "p", "stages": []})", "stages: the list is empty"},
  {R"({"stages": [], "nmae": "p"})", "nmae: unknown key; did you mean name?"},
  {R"({"name": "", "stages": []})", "name: '' is no name"},
  {R"({"name": "p", "name": "q", "stages": []})", "name: the key is there twice"},
  {R"({"name": "p", "params": {"x": []}, "stages": []})", "params.x: expected a text"},
  {with_stage(R"("task": 3)"), "stages[0].task: expected an object"},
  {with_stage(R"("task": {"kind": "comand", "payload": 1})"), "stages[0].task.kind: unknown kind 'comand'; did you mean command?"},
  {with_stage(R"("after": [])"), "stages[0].task: this key is missing"},
  {with_stage(R"("task": {"argv": ["ls"]})"), "stages[0].task.kind: this key is missing"},
  {with_stage(R"("task": {"kind": "command"})"), "stages[0].task.argv: this key is missing"},
  {with_stage(R"("task": {"kind": "command", "argv": []})"), "stages[0].task.argv: the list is empty"},
  {with_stage(R"("task": {"kind": "command", "argv": ["ls", 7]})"), "stages[0].task.argv[1]"},
  {with_stage(R"("task": {"kind": "command", "argv": ["ls"], "timeout_s": -1})"), "timeout_s"},
  {with_stage(R"("task": {"kind": "command", "argv": ["ls"], "max_attempts": 0})"), "max_attempts"},
  {with_stage(R"("task": {"kind": "command", "argv": ["{{params.x}}"]})"), "stages[0].task.argv[0]"},
  {with_stage(R"("task": {"kind": "command", "argv": ["{{item}}"]})"), "stages[0].task.argv[0]"},
  {with_stage(R"("after": ["z"], "task": {"kind": "command", "argv": ["ls"]})"), "stages[0].after[0]"},
  {with_stage(R"("for_each": "z", "task": {"kind": "command", "argv": ["ls"]})"), "stages[0].for_each"},
  {with_stage(R"("max_concurrent": "2", "task": {"kind": "command", "argv": ["ls"]})"), "max_concurrent"},
  {R"({"name": "p", "stages": [)" + two_stages + "]}", "a"},
  {std::string(200, '['), "deeper"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(program_errors)

BOOST_AUTO_TEST_CASE(each_bad_command_line_is_one_line_of_error_and_touches_nothing) {
  program_folder folder;
  folder.write("good.json", good);
  for (auto& bad : bad_lines)
    check_refused(folder, bad.arguments, bad.says);
}

BOOST_AUTO_TEST_CASE(each_bad_pipeline_file_is_one_line_that_names_the_place_and_touches_nothing) {
  program_folder folder;
  for (auto& bad : bad_files) {
    folder.write("bad.json", bad.text);
    check_refused(folder, {"run", "bad.json"}, "quire run: bad.json: ");
    check_refused(folder, {"run", "bad.json"}, bad.says);
  }
}

// The lines above are refused for what is wrong with them, not because nothing works.
BOOST_AUTO_TEST_CASE(the_good_file_of_these_tests_runs) {
  program_folder folder;
  folder.write("good.json", good);
  BOOST_TEST(folder.quire({"run", "good.json", "--set", "root=x"}).status == 0);
  BOOST_TEST(folder.names() == (words{"good.json", "var"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

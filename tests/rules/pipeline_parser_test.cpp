#include "quire/actors/pipeline_parser.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

using namespace quire;
using actors::parse_pipeline;
using actors::pipeline_error;

namespace {

std::string problem_of(const std::string& text) {
  try {
    parse_pipeline(text);
  } catch (const pipeline_error& problem) {
    return problem.what();
  }
  return "accepted";
}

// A pipeline of these stages.
std::string stages(const std::string& list, const std::string& more = "") {
  return R"({"name": "p", )" + more + R"("stages": [)" + list + "]}";
}

// A stage `a`, a fanned out stage `f` and a stage `z` after both, with this task.
std::string with_task(const std::string& task, const std::string& more = "") {
  return stages(R"({"name": "a", "task": {"kind": "command", "argv": ["ls"], "output": "lines"}},
    {"name": "t", "task": {"kind": "command", "argv": ["ls"]}},
    {"name": "f", "for_each": [1], "task": {"kind": "command", "argv": ["ls"]}},
    {"name": "z", "after": ["a", "t", "f"], )" + more + R"("task": )" + task + "}",
                R"("params": {"root": "."}, )");
}

std::string command(const std::string& keys) {
  return with_task(R"({"kind": "command", )" + keys + "}");
}

const std::string good = R"({"name": "survey", "params": {"root": ".", "n": 3, "f": true}, "stages": [
  {"name": "collect", "task": {"kind": "command", "argv": ["find", "{{params.root}}"], "output": "lines"}},
  {"name": "measure", "after": ["collect"], "for_each": "collect", "max_concurrent": 4,
   "success": {"min_percent": 50, "min_count": 2}, "optional": true, "description": "text",
   "task": {"kind": "command", "argv": ["wc", "-l", "{{item}}", "{{ index }}"], "timeout_s": 30.5,
            "max_attempts": 3, "backoff_s": 1.5, "backoff_factor": 3, "backoff_max_s": 9,
            "priority": "high", "env": {"A": "{{params.n}}"}, "cwd": "/", "success_codes": [0, 1]}},
  {"name": "report", "after": [{"stage": "measure", "when": "not_failed"}],
   "task": {"kind": "sum", "payload": {"of": ["{{stages.measure.outputs}}", "{{{{"]}}}]})";

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  BOOST_REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>{file}, {}};
}

struct bad_file {
  std::string text;
  std::string problem;
};

void check_all(const std::vector<bad_file>& files) {
  for (const auto& file : files)
    BOOST_TEST_CONTEXT(file.text)
    BOOST_TEST(problem_of(file.text) == file.problem);
}

const std::string plain = R"({"name": "a", "task": {"kind": "command", "argv": ["ls"]}})";

// A pipeline of one stage with these further keys.
std::string stage_with(const std::string& keys) {
  return stages(R"({"name": "a", )" + keys
                + R"(, "task": {"kind": "command", "argv": ["ls"]}})");
}

} // namespace

BOOST_AUTO_TEST_SUITE(pipeline_parser)

BOOST_AUTO_TEST_CASE(text_that_is_no_json_is_refused_with_line_and_column) {
  check_all({
    {"", "line 1, column 1: expected '{', but the text ends here"},
    {"{\n\"name\": \"p\",\n\"stages\": []", "line 3, column 13: expected ',' or '}', but the text ends here"},
    {"{\"a\": \"b", "line 1, column 9: expected a closing quote, but the text ends here"},
    {"\"b", "line 1, column 3: expected a closing quote, but the text ends here"},
    {"{\n \"name\" \"p\"}", "line 2, column 9: expected ':', found \"p\""},
    {"{\"name\": \"p\"\n \"stages\": []}", "line 2, column 2: expected ',' or '}', found \"stages\""},
    {"{\"ä\": [1 2]}", "line 1, column 10: expected ',' or ']', found 2"},
    {"{\"a\": [1,]}", "line 1, column 10: expected a value, found ]"},
    {"{\"a\": 1,}", "line 1, column 9: expected a key in quotes, found }"},
    {"{\"a\": 1 true}", "line 1, column 9: expected ',' or '}', found true"},
    {"{} {}", "line 1, column 4: expected the end of the text, found {"},
    {"{\"a\": \"b\n\"}", "line 1, column 9: a control character or line end inside a text: write it as an escape (\\n)"},
    {"{\"a\": nul}", "line 1, column 10: this is no value of JSON (a text needs quotes; comments are not allowed)"},
    {"{\"a\": 1e999}", "line 1, column 11: a number that is too large"},
    {"{\"a\": \"\xff\"}", "line 1, column 8: a text with bytes that are no UTF-8"},
    {"{\"a\": \"\\ud800\"}", "line 1, column 14: an escape in a text that JSON does not know"},
  });
}

BOOST_AUTO_TEST_CASE(a_wrong_shape_is_refused_with_its_path) {
  check_all({
    {"[]", "the file: expected an object, found a list"},
    {"{}", "name: this key is missing"},
    {R"({"name": "a b", "stages": []})", "name: 'a b' is no name: 1 to 100 letters, digits, '.', '_' or '-'"},
    {R"({"name": "p"})", "stages: this key is missing"},
    {R"({"name": "p", "stages": []})", "stages: the list is empty"},
    {R"({"name": "p", "stages": {}})", "stages: expected a list, found an object"},
    {R"({"name": "p", "stagse": []})", "stagse: unknown key; did you mean stages?"},
    {R"({"name": "p", "a\nb": []})", "\"a\\nb\": unknown key; known are: name, description, params, tenant, stages"},
    {R"({"name": "p", "name": "q"})", "name: the key is there twice"},
    {R"({"stages": [{"task": {"kind": 1, "kind": 2}}]})", "stages[0].task.kind: the key is there twice"},
    {stages(plain, R"("params": {"a": null}, )"), "params.a: expected a text, a number, true or false, found null"},
    {stages(plain, R"("params": {"a": "x\u0000y"}, )"), "params.a: holds a zero byte, which no argument can"},
    {stages(plain, R"("params": {"a": 12345678901234567890123}, )"), "params.a: the number 12345678901234567890123 would become 1.2345678901234568e+22: write it as a text, in quotes"},
    {stages(plain, R"("params": {"version": 1.10}, )"), "params.version: the number 1.10 would become 1.1: write it as a text, in quotes"},
    {stage_with(R"("for_each": [1, 2.50])"), "stages[0].for_each[1]: the number 2.50 would become 2.5: write it as a text, in quotes"},
    {stages(plain, R"("params": {"a b": 1}, )"), "params.\"a b\": 'a b' is no name: 1 to 100 letters, digits, '.', '_' or '-'"},
    {stages(plain, R"("description": 1, )"), "description: expected a text, found 1"},
    {stages("1"), "stages[0]: expected an object, found 1"},
    {stages(R"({"name": "a"})"), "stages[0].task: this key is missing"},
    {stage_with(R"("afer": [])"), "stages[0].afer: unknown key; did you mean after?"},
    {stage_with(R"("optional": 1)"), "stages[0].optional: expected true or false, found 1"},
    {stage_with(R"("max_concurrent": 0)"), "stages[0].max_concurrent: expected a whole number from 1 to 100000, found 0"},
    {stage_with(R"("success": {"min_percent": 5})"), "stages[0].success: has a meaning only in a stage with for_each"},
    {stage_with(R"("for_each": [1], "success": {"min_percent": 101})"), "stages[0].success.min_percent: expected a whole number from 0 to 100, found 101"},
    {stage_with(R"("for_each": [1], "success": {"min_count": 2})"), "stages[0].success.min_count: can never be reached: for_each has only 1"},
    {stage_with(R"("for_each": [1, null])"), "stages[0].for_each[1]: expected a text or a number, found null"},
    {stage_with(R"("for_each": 3)"), "stages[0].for_each: expected the name of a stage or a list, found 3"},
    {stage_with(R"("after": "b")"), "stages[0].after: expected a list, found a text"},
    {stage_with(R"("after": [1])"), "stages[0].after[0]: expected the name of a stage or {\"stage\": ..., \"when\": ...}, found 1"},
    {stage_with(R"("after": [{"stage": "b", "when": "sucess"}])"), "stages[0].after[0].when: unknown value 'sucess'; did you mean success?"},
    {stages(plain + "," + plain), "stages[1].name: 'a' is already the name of stages[0]"},
  });
}

BOOST_AUTO_TEST_CASE(a_wrong_order_of_stages_is_refused) {
  const std::string task = R"("task": {"kind": "command", "argv": ["ls"]}})";
  check_all({
    {stage_with(R"("after": ["b"])"), "stages[0].after[0]: unknown stage 'b'; known are: a"},
    {stage_with(R"("after": ["a"])"), "stages[0].after[0]: the stages wait for each other in a circle: 'a' after 'a'"},
    {stages(plain + R"(, {"name": "b", "after": ["a", {"stage": "a"}], )" + task), "stages[1].after[1]: stage 'a' is there twice"},
    {stages(plain + R"(, {"name": "b", "after": ["a", "d"], )" + task + R"(, {"name": "c", "after": ["b"], )" + task + R"(, {"name": "d", "after": ["c"], )" + task),
     "stages[1].after[1]: the stages wait for each other in a circle: 'b' after 'd' after 'c' after 'b'"},
    {stage_with(R"("for_each": "collect")"), "stages[0].for_each: unknown stage 'collect'; known are: a"},
    {stages(plain + R"(, {"name": "b", "for_each": "a", )" + task), "stages[1].for_each: stage 'a' is not before this one: add it to after"},
    {stages(plain + R"(, {"name": "b", "after": ["a"], "for_each": "a", )" + task), "stages[1].for_each: stage 'a' has the output text, no list: use lines"},
  });
}

BOOST_AUTO_TEST_CASE(a_wrong_task_is_refused) {
  check_all({
    {with_task("{}"), "stages[3].task.kind: this key is missing"},
    {with_task(R"({"kind": "comand", "argv": []})"), "stages[3].task.argv: only a task of the kind command has this key"},
    {with_task(R"({"kind": "x", "payload": {"{{item}}": 1}})"), "stages[3].task.payload.\"{{item}}\": no template may stand in a key"},
    {command(R"("max_atempts": 1, "argv": ["ls"])"), "stages[3].task.max_atempts: unknown key; did you mean max_attempts?"},
    {command(R"("max_attempts": 1001, "argv": ["ls"])"), "stages[3].task.max_attempts: expected a whole number from 1 to 1000, found 1001"},
    {command(R"("max_attempts": 1.5, "argv": ["ls"])"), "stages[3].task.max_attempts: expected a whole number from 1 to 1000, found 1.5"},
    {command(R"("timeout_s": 0, "argv": ["ls"])"), "stages[3].task.timeout_s: expected a number from 0.001 to 2592000, found 0"},
    {command(R"("start_within_s": 0, "argv": ["ls"])"), "stages[3].task.start_within_s: expected a number from 0.001 to 2592000, found 0"},
    {command(R"("end_within_s": "1", "argv": ["ls"])"), "stages[3].task.end_within_s: expected a number from 0.001 to 2592000, found a text"},
    {command(R"("heartbeat_s": 2592001, "report": true, "argv": ["ls"])"), "stages[3].task.heartbeat_s: expected a number from 0.001 to 2592000, found 2592001"},
    {command(R"("heartbeat_s": 1, "argv": ["ls"])"), "stages[3].task.heartbeat_s: a program gives signs of life on descriptor 3 only: set report to true"},
    {command(R"("heartbeat_s": 1, "report": false, "argv": ["ls"])"), "stages[3].task.heartbeat_s: a program gives signs of life on descriptor 3 only: set report to true"},
    {command(R"("hartbeat_s": 1, "argv": ["ls"])"), "stages[3].task.hartbeat_s: unknown key; did you mean heartbeat_s?"},
    {command(R"("backoff_s": 5, "backoff_max_s": 4, "argv": ["ls"])"), "stages[3].task.backoff_max_s: is less than backoff_s"},
    {command(R"("backoff_factor": 0.5, "argv": ["ls"])"), "stages[3].task.backoff_factor: expected a number from 1 to 1000, found 0.5"},
    {command(R"("priority": "hihg", "argv": ["ls"])"), "stages[3].task.priority: unknown value 'hihg'; did you mean high?"},
    {command(R"("output": "line", "argv": ["ls"])"), "stages[3].task.output: unknown value 'line'; did you mean lines?"},
    {command(R"("cwd": "/")"), "stages[3].task.argv: this key is missing"},
    {command(R"("argv": [])"), "stages[3].task.argv: the list is empty"},
    {command(R"("argv": [""])"), "stages[3].task.argv[0]: the name of the program is empty"},
    {command(R"("argv": ["ls", 1])"), "stages[3].task.argv[1]: expected a text, found 1"},
    {command(R"("argv": ["ls", "a\u0000b"])"), "stages[3].task.argv[1]: a NUL byte (\\u0000) cannot be given to a program here"},
    {command(R"("argv": ["{{params.root}}"])"), "stages[3].task.argv[0]: no template may stand here: data must never choose the program"},
    {command(R"("argv": ["/bin/sh", "-e", "-c", "ls {{params.root}}"])"), "stages[3].task.argv[3]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["bash", "-euo", "pipefail", "-c", "echo {{params.root}}"])"), "stages[3].task.argv[4]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["bash", "--rcfile", "/dev/null", "-c", "echo {{params.root}}"])"), "stages[3].task.argv[4]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["env", "LC_ALL=C", "sh", "-c", "echo {{params.root}}"])"), "stages[3].task.argv[4]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["timeout", "-k", "5", "9", "sh", "-c", "{{params.root}}"])"), "stages[3].task.argv[6]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["nice", "-n", "5", "bash", "-c", "{{params.root}}"])"), "stages[3].task.argv[5]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["sudo", "-u", "me", "sh", "-c", "{{params.root}}"])"), "stages[3].task.argv[5]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["find", ".", "-exec", "sh", "-c", "{{params.root}}", ";"])"), "stages[3].task.argv[5]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["env", "{{params.root}}"])"), "stages[3].task.argv[1]: no template may stand here: 'env' runs what follows its options; put it behind the program"},
    {command(R"("argv": ["timeout", "5", "{{params.root}}"])"), "stages[3].task.argv[2]: no template may stand here: 'timeout' runs what follows its options; put it behind the program"},
    {command(R"("argv": ["xargs", "nohup", "{{params.root}}"])"), "stages[3].task.argv[2]: no template may stand here: 'nohup' runs what follows its options; put it behind the program"},
    {command(R"("argv": ["python3", "-B", "-c", "{{params.root}}"])"), "stages[3].task.argv[3]: this is program text: put the template into a later element, where the program finds it among its arguments"},
    {command(R"("argv": ["perl", "-ne", "{{params.root}}"])"), "stages[3].task.argv[2]: this is program text: put the template into a later element, where the program finds it among its arguments"},
    {command(R"("argv": ["node", "--eval", "{{params.root}}"])"), "stages[3].task.argv[2]: this is program text: put the template into a later element, where the program finds it among its arguments"},
    {command(R"("argv": ["find", ".", "-exec", "sh", "-c", "true", "sh", ";", "-exec", "sh", "-c", "{{params.root}}", ";"])"), "stages[3].task.argv[11]: a shell would run this as program text: put the template into a later element and write \"$1\" here"},
    {command(R"("argv": ["python3", "{{params.root}}"])"), "stages[3].task.argv[1]: no template may stand here: data must never choose the program"},
    {command(R"("argv": ["bash"], "stdin": "{{params.root}}")"), "stages[3].task.stdin: a shell without a program would run this: no template may stand here"},
    {command(R"("argv": ["ls"], "env": {"A=B": ""})"), "stages[3].task.env.\"A=B\": this is no name of an environment variable"},
    {command(R"("argv": ["ls"], "success_codes": [256])"), "stages[3].task.success_codes[0]: expected a whole number from 0 to 255, found 256"},
  });
}

BOOST_AUTO_TEST_CASE(a_template_that_names_nothing_or_does_not_fit_is_refused) {
  check_all({
    {command(R"("argv": ["ls", "{{params.root"])"), "stages[3].task.argv[1]: '{{' without its '}}' (two literal braces are written '{{{{')"},
    {command(R"("argv": ["ls", "{{params.rot}}"])"), "stages[3].task.argv[1]: unknown template {{params.rot}}; did you mean params.root?"},
    {command(R"("argv": ["ls", "{{}}"])"), "stages[3].task.argv[1]: unknown template {{}}; known are: params.root, stages.a.output, stages.t.output, stages.f.outputs"},
    {command(R"("argv": ["ls"], "env": {"A": "{{item}}"})"), "stages[3].task.env.A: {{item}} has a meaning only in a stage with for_each"},
    {command(R"("argv": ["ls"], "stdin": "{{index}}")"), "stages[3].task.stdin: {{index}} has a meaning only in a stage with for_each"},
    {command(R"("argv": ["ls"], "stdin": "{{stages.z.output}}")"), "stages[3].task.stdin: stage 'z' is not before this one: add it to after"},
    {command(R"("argv": ["ls"], "stdin": "{{stages.g.outputs}}")"), "stages[3].task.stdin: unknown template {{stages.g.outputs}}; did you mean stages.f.outputs?"},
    {command(R"("argv": ["ls"], "stdin": "{{stages.f.output}}")"), "stages[3].task.stdin: stage 'f' has an output for each item: use {{stages.f.outputs}}"},
    {command(R"("argv": ["ls"], "cwd": "{{stages.a.output}}")"), "stages[3].task.cwd: {{stages.a.output}} is a list: a list may stand in stdin only"},
    {command(R"("argv": ["ls"], "stdin": ["{{stages.a.output}}"])"), "stages[3].task.stdin[0]: {{stages.a.output}} is a list: write stdin as one text"},
    {with_task(R"({"kind": "x", "payload": ["of {{stages.f.outputs}}"]})"), "stages[3].task.payload[0]: {{stages.f.outputs}} is a list: it must be all of the text"},
  });
  BOOST_TEST(problem_of(command(R"("argv": ["sh", "-c", "ls \"$1\"", "sh", "{{params.root}}"])")) == "accepted");
  BOOST_TEST(problem_of(command(R"("argv": ["xargs", "-n1", "sh", "-c", "echo \"$1\"", "sh"], "stdin": "{{params.root}}")"))
             == "accepted");
  for (auto argv : {R"(["env", "ROOT={{params.root}}", "ls"])", R"(["timeout", "5", "ls", "{{params.root}}"])",
                    R"(["bash", "-euo", "pipefail", "-c", "ls \"$1\"", "bash", "{{params.root}}"])",
                    R"(["find", "{{params.root}}", "-name", "*.hpp"])", R"(["python3", "a.py", "-c", "{{params.root}}"])",
                    R"(["xargs", "-n", "1", "wc", "--", "{{params.root}}"])",
                    R"(["env", "LC_ALL=C", "sh", "-c", "ls \"$1\"", "sh", "{{params.root}}"])",
                    R"(["timeout", "5", "bash", "-c", "ls \"$1\"", "bash", "{{params.root}}"])",
                    R"(["find", ".", "-exec", "sh", "-c", "cp \"$2\" \"$1\"", "sh", "{{params.root}}", "{}", ";"])",
                    R"(["python3", "-c", "import sys; print sys.argv", "{{params.root}}"])",
                    R"(["perl", "-ne", "print", "{{params.root}}"])", R"(["node", "-e", "1", "{{params.root}}"])",
                    R"(["php", "-r", "1;", "--", "{{params.root}}"])", R"(["lualatex", "{{params.root}}"])",
                    R"(["perltidy", "{{params.root}}"])", R"(["phpcs", "{{params.root}}"])", R"(["grep", "-c", "{{params.root}}", "sh"])"})
    BOOST_TEST(problem_of(command(std::string{"\"argv\": "} + argv)) == "accepted", argv);
}

BOOST_AUTO_TEST_CASE(all_keys_of_a_good_file_arrive) {
  auto spec = parse_pipeline(good);
  BOOST_TEST(spec.name == "survey");
  BOOST_TEST(spec.source == good);
  BOOST_TEST(spec.params.at("n") == "3");
  BOOST_TEST(spec.params.at("f") == "true");
  BOOST_REQUIRE(spec.stages.size() == 3u);
  const auto& collect = spec.stages[0];
  BOOST_TEST(collect.output == "lines");
  BOOST_TEST(collect.task.retry.attempts_max == 1);
  BOOST_TEST(collect.task.crashes_max == 0);
  BOOST_TEST(collect.task.timeout.count() == 600'000);
  const auto& measure = spec.stages[1];
  BOOST_TEST(std::get<std::string>(measure.for_each) == "collect");
  BOOST_TEST(measure.concurrent_max == 4);
  BOOST_TEST(measure.success.percent_min == 50);
  BOOST_TEST(measure.success.count_min == 2);
  BOOST_TEST(measure.optional);
  BOOST_TEST(measure.output == "text");
  BOOST_TEST(measure.task.timeout.count() == 30'500);
  BOOST_TEST(measure.task.retry.attempts_max == 3);
  BOOST_TEST(measure.task.retry.base.count() == 1'500);
  BOOST_TEST(measure.task.retry.factor == 3.0);
  BOOST_TEST(measure.task.retry.cap.count() == 9'000);
  BOOST_TEST((measure.task.priority == task_priority::high));
  const auto& report = spec.stages[2];
  BOOST_TEST((report.after.at(0).when == edge_condition::not_failed));
  BOOST_TEST(report.task.kind == "sum");
  BOOST_TEST(report.task.crashes_max == 3);
  BOOST_TEST(report.output == "");
  // What is stored with a run gives the same pipeline again.
  BOOST_TEST(parse_pipeline(spec.source).stages[1].task.payload == measure.task.payload);
}

BOOST_AUTO_TEST_CASE(a_tenant_is_a_name_with_parameters_in_it) {
  auto with_tenant = [](const std::string& tenant) {
    return stages(R"({"name": "a", "task": {"kind": "x"}})",
                  R"("params": {"customer": "acme"}, "tenant": )" + tenant + ", ");
  };
  BOOST_TEST(parse_pipeline(with_tenant(R"("shop {{params.customer}}")")).tenant
             == "shop {{params.customer}}");
  check_all({
    {with_tenant("7"), "tenant: expected a text, found 7"},
    {with_tenant(R"("")"), "tenant: the name of a tenant is empty: leave it out for none"},
    {with_tenant(R"("{{params.gone}}")"), "tenant: {{params.gone}} is no parameter of the pipeline"},
    {with_tenant(R"("{{item}}")"), "tenant: {{item}} is no parameter of the pipeline"},
  });
  BOOST_TEST(problem_of(with_tenant(R"("{{params.customer")")).find("tenant: ") == 0u);
}

BOOST_AUTO_TEST_CASE(deadlines_arrive_and_are_none_by_default) {
  auto spec = parse_pipeline(with_task(R"({"kind": "x", "heartbeat_s": 2.5})")).stages[3].task;
  BOOST_TEST(spec.start_within.count() == 0);
  BOOST_TEST(spec.end_within.count() == 0);
  BOOST_TEST(spec.heartbeat.count() == 2'500);
  spec = parse_pipeline(command(R"("argv": ["ls"], "report": true, "start_within_s": 0.001,
    "end_within_s": 2592000, "heartbeat_s": 60)")).stages[3].task;
  BOOST_TEST(spec.start_within.count() == 1);
  BOOST_TEST(spec.end_within.count() == 2'592'000'000);
  BOOST_TEST(spec.heartbeat.count() == 60'000);
  BOOST_TEST(spec.timeout.count() == 600'000);
}

BOOST_AUTO_TEST_CASE(a_backoff_over_the_default_limit_is_kept) {
  auto spec = parse_pipeline(command(R"("argv": ["ls"], "backoff_s": 300)"));
  BOOST_TEST(spec.stages[3].task.retry.cap.count() == 300'000);
}

BOOST_AUTO_TEST_CASE(the_shipped_examples_are_good) {
  for (std::string name : {"survey.json", "partial.json"})
    BOOST_TEST(problem_of(read_file(QUIRE_EXAMPLES "/" + name)) == "accepted");
}

BOOST_AUTO_TEST_CASE(limits_hold_without_a_crash) {
  BOOST_TEST(problem_of(std::string(5'000'000, '[')).ends_with(": nested deeper than 64 levels"));
  BOOST_TEST(problem_of(std::string((16u << 20) + 1, ' '))
             == "the file: more than 16777216 bytes (16 MiB), the most that is allowed");
  std::string many;
  for (int i = 0; i < 1001; ++i)
    many += (i == 0 ? "" : ",") + std::string{R"({"name": "s)"} + std::to_string(i)
            + R"(", "task": {"kind": "x"}})";
  BOOST_TEST(problem_of(stages(many)) == "stages: the list has 1001 elements; at most 1000 are allowed");
  std::string items = "0";
  for (int i = 0; i < 1'000'000; ++i)
    items += ",0";
  BOOST_TEST(problem_of(stage_with("\"for_each\": [" + items + "]"))
             == "stages[0].for_each: the list has 1000001 elements; at most 1000000 are allowed");
}

// The worst order: each stage after all stages before it.
BOOST_AUTO_TEST_CASE(a_thousand_stages_with_all_edges_are_checked_quickly) {
  std::string list, before;
  for (int i = 0; i < 1000; ++i) {
    auto name = "\"s" + std::to_string(i) + "\"";
    list += (i == 0 ? "" : ",") + ("{\"name\": " + name) + ", \"after\": [" + before
            + "], \"task\": {\"kind\": \"x\"}}";
    before += (i == 0 ? "" : ",") + name;
  }
  BOOST_TEST(problem_of(stages(list)) == "accepted");
}

BOOST_AUTO_TEST_CASE(hostile_names_make_one_short_line) {
  auto problem = problem_of("{\"" + std::string(100'000, 'x') + "\": 1}");
  BOOST_TEST(problem.size() < 300u);
  BOOST_TEST(problem_of(R"({"\u001b[31m\r\n\u202e": 1})").starts_with("\"\\u001b[31m\\u000d\\n\\u202e\": unknown key"));
}

BOOST_AUTO_TEST_CASE(random_mutations_give_a_pipeline_or_one_line) {
  std::mt19937 random{20'240'607};
  const std::string bytes = "{}[]\",:\\0189.-eE \n\tatfnul\xc3\xa4\xff\x00{{}}";
  int accepted = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto text = good;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      auto at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = bytes[random() % bytes.size()]; break;
        case 1: text.erase(at, 1 + random() % 20); break;
        case 2: text.insert(at, 1, bytes[random() % bytes.size()]); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 40)); break;
      }
    }
    try {
      parse_pipeline(text);
      ++accepted;
    } catch (const pipeline_error& problem) {
      std::string line = problem.what();
      auto bad = line.empty() || line.size() > 1000
                 || std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
      if (bad)
        BOOST_ERROR("not one line: " + line + "\nof: " + text);
      ++refused;
    }
  }
  BOOST_TEST(accepted > 100);
  BOOST_TEST(refused > 1'000);
}

BOOST_AUTO_TEST_CASE(overrides_replace_known_parameters_only) {
  auto spec = parse_pipeline(good);
  BOOST_TEST(actors::resolve_params(spec, {{"root", "/usr {{x}}"}}).at("root") == "/usr {{x}}");
  BOOST_TEST(actors::resolve_params(spec, {}).at("n") == "3");
  auto refused_with = [&](const std::string& expected) {
    return [=](const pipeline_error& problem) { return problem.what() == expected; };
  };
  BOOST_CHECK_EXCEPTION(actors::resolve_params(spec, {{"rot", ""}}), pipeline_error,
                        refused_with("unknown parameter 'rot' for the pipeline 'survey'; did you mean root?"));
  BOOST_CHECK_EXCEPTION(actors::resolve_params(spec, {{"root", "\xff"}}), pipeline_error,
                        refused_with("parameter 'root': the value is no UTF-8: '\\xff'"));
}

BOOST_AUTO_TEST_SUITE_END()

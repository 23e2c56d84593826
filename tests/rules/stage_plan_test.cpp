#include "quire/actors/pipeline_parser.hpp"
#include "quire/actors/stage_plan.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace quire;
using actors::stage_inputs;
using nlohmann::json;

namespace {

// Stages `text`, `lines`, `data` (single), `each`, `each_lines` (fanned out) and
// the stage `z` under test, which is after all of them.
pipeline_spec pipeline(const json& task, const json& for_each = nullptr, int concurrent_max = 0) {
  auto single = [](std::string name, std::string output) {
    return json{{"name", name},
                {"task", {{"kind", "command"}, {"argv", {"x"}}, {"output", output}}}};
  };
  json stages{single("text", "text"), single("lines", "lines"), single("data", "json"),
              single("each", "text"), single("each_lines", "lines")};
  stages[3]["for_each"] = stages[4]["for_each"] = {1, 2};
  json last{{"name", "z"},
            {"after", {"text", "lines", "data", "each", "each_lines"}},
            {"task", task}};
  if (!for_each.is_null())
    last["for_each"] = for_each;
  if (concurrent_max > 0)
    last["max_concurrent"] = concurrent_max;
  stages.push_back(last);
  return actors::parse_pipeline(
    json{{"name", "p"}, {"params", {{"root", "."}, {"odd", ""}}}, {"stages", stages}}.dump());
}

const std::vector<std::string> text_output{R"("one\ntwo")"};

stage_inputs inputs() {
  return {{{"root", "."}, {"odd", "a {{item}} \"b\"\n'$(ls)'"}},
          {{"text", text_output},
           {"lines", {R"(["l1", "l 2"])"}},
           {"data", {R"({"k": [1]})"}},
           {"each", {R"("e1")", R"("e2")"}},
           {"each_lines", {R"(["a", "b"])", "[]", R"(["c"])"}}}};
}

actors::stage_plan plan_of(const pipeline_spec& spec, stage_inputs values = inputs()) {
  return {spec, spec.stages.back(), std::move(values), "7/"};
}

json command(const json& more, std::vector<std::string> argv = {"x"}) {
  json task{{"kind", "command"}, {"argv", argv}};
  task.update(more);
  return task;
}

json payload_of(const json& task, const json& for_each = nullptr, std::int64_t item = 0) {
  return json::parse(plan_of(pipeline(task, for_each)).task(item).payload);
}

std::string problem_of(const json& task, const json& for_each, stage_inputs values) {
  try {
    plan_of(pipeline(task, for_each), std::move(values));
  } catch (const std::runtime_error& problem) {
    return problem.what();
  }
  return "accepted";
}

} // namespace

BOOST_AUTO_TEST_SUITE(stage_plan)

BOOST_AUTO_TEST_CASE(a_single_stage_is_one_task) {
  auto spec = pipeline(command({{"output", "lines"}, {"success_codes", {0, 1}}, {"timeout_s", 5},
                                {"start_within_s", 6}, {"end_within_s", 7}, {"max_attempts", 4}, {"priority", "low"}}));
  auto plan = plan_of(spec);
  BOOST_TEST(plan.size() == 1);
  auto task = plan.task(0);
  BOOST_TEST(json::parse(task.payload)
             == (json{{"argv", {"x"}}, {"output", "lines"}, {"success_codes", {0, 1}}}));
  BOOST_TEST(task.kind == "command");
  BOOST_TEST(task.queue == "default");
  BOOST_TEST((task.priority == task_priority::low));
  BOOST_TEST(task.retry.attempts_max == 4);
  BOOST_TEST(task.timeout.count() == 5000);
  BOOST_TEST(task.start_within.count() == 6000);
  BOOST_TEST(task.end_within.count() == 7000);
  BOOST_TEST(task.crashes_max == 0);
  BOOST_TEST(task.gate == "");
  BOOST_CHECK_THROW(plan.task(1), std::out_of_range);
  BOOST_CHECK_THROW(plan.task(-1), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_limit_of_concurrent_tasks_is_a_gate_of_the_run) {
  auto spec = pipeline(command(json::object()), {1, 2}, 3);
  auto task = plan_of(spec).task(1);
  BOOST_TEST(task.gate == "7/z");
  BOOST_TEST(task.gate_capacity == 3);
}

BOOST_AUTO_TEST_CASE(templates_are_filled_in_for_each_item) {
  auto task = command({{"cwd", "{{params.root}}/{{index}}"}, {"env", {{"A", "<{{item}}>"}}}},
                      {"x", "{{item}}", "{{index}}", "{{{{item}}"});
  auto payload = payload_of(task, {"first", 2.5}, 1);
  BOOST_TEST(payload == (json{{"argv", {"x", "2.5", "1", "{{item}}"}},
                              {"cwd", "./1"}, {"env", {{"A", "<2.5>"}}}}));
}

// Whatever the data is, it stays in its one argument and is no template.
BOOST_AUTO_TEST_CASE(data_stays_one_argument) {
  for (std::string data : {"a b", "{{params.root}}", "{{", "\"],[\"", "new\nline", "'; rm -rf /",
                           "$(ls)", "", "-rf", "täglich 😀", "\\u0000\\"}) {
    auto spec = pipeline(command(json::object(), {"x", "{{item}}", "<{{item}}>", "end"}), {data});
    auto payload = json::parse(plan_of(spec).task(0).payload);
    BOOST_TEST(payload == (json{{"argv", {"x", data, "<" + data + ">", "end"}}}));
  }
  auto payload = payload_of(command(json::object(), {"x", "{{params.odd}}"}), {"item"});
  BOOST_TEST(payload["argv"] == (json{"x", inputs().params.at("odd")}));
}

BOOST_AUTO_TEST_CASE(outputs_become_text_and_lists_become_lines) {
  auto input = [](const std::string& text) {
    return payload_of(command({{"stdin", text}}))["stdin"].get<std::string>();
  };
  BOOST_TEST(input("{{stages.text.output}}") == "one\ntwo");
  BOOST_TEST(input("{{stages.lines.output}}") == "l1\nl 2\n");
  BOOST_TEST(input("{{stages.lines.outputs}}") == "l1\nl 2\n");
  BOOST_TEST(input("{{stages.data.output}}") == R"({"k":[1]})");
  BOOST_TEST(input("#\n{{stages.each.outputs}}{{stages.each_lines.outputs}}.")
             == "#\ne1\ne2\na\nb\nc\n.");
  BOOST_TEST(input("{{stages.text.outputs}}") == "one\ntwo\n");
  auto as_list = payload_of(command({{"stdin", {"a", "{{params.root}}"}}}));
  BOOST_TEST(as_list["stdin"] == (json{"a", "."}));
}

BOOST_AUTO_TEST_CASE(handlers_get_json_where_a_template_is_all_of_a_text) {
  json task{{"kind", "own"},
            {"payload", {{"list", "{{stages.each_lines.outputs}}"},
                         {"value", {1, "{{ stages.data.output }}"}},
                         {"mixed", "{{stages.text.output}}:{{item}}"}}}};
  BOOST_TEST(payload_of(task, {"i"})
             == (json{{"list", {"a", "b", "c"}},
                      {"value", {1, {{"k", {1}}}}},
                      {"mixed", "one\ntwo:i"}}));
  BOOST_TEST(payload_of({{"kind", "own"}}) == json(nullptr));
  BOOST_TEST(payload_of({{"kind", "own"}, {"payload", "{{item}}"}}, {"i"}) == json("i"));
  BOOST_TEST(plan_of(pipeline({{"kind", "own"}})).task(0).crashes_max == 3);
}

BOOST_AUTO_TEST_CASE(a_list_comes_from_one_stage_or_from_the_joined_outputs_of_many_tasks) {
  auto items = [](const std::string& stage) {
    auto spec = pipeline(command(json::object(), {"x", "{{item}}"}), stage);
    auto plan = plan_of(spec);
    std::string all;
    for (std::int64_t i = 0; i < plan.size(); ++i)
      all += json::parse(plan.task(i).payload)["argv"][1].get<std::string>() + ";";
    return all;
  };
  BOOST_TEST(items("lines") == "l1;l 2;");
  BOOST_TEST(items("each") == "e1;e2;");
  BOOST_TEST(items("each_lines") == "a;b;c;");
}

BOOST_AUTO_TEST_CASE(needed_stages_are_named_once) {
  auto spec = pipeline(command({{"stdin", "{{stages.text.output}}{{stages.each.outputs}}"
                                          "{{stages.lines.output}}{{params.root}}"}}), "lines");
  BOOST_TEST(actors::stages_needed(spec.stages.back()) == (std::vector<std::string>{"lines", "text", "each"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(inputs_that_do_not_fit_are_refused_with_a_sentence) {
  auto with = [](const std::string& stage, std::vector<std::string> outputs) {
    auto values = inputs();
    values.outputs[stage] = std::move(outputs);
    return values;
  };
  auto argument = command(json::object(), {"x", "{{stages.data.output}}"});
  auto item = command(json::object(), {"x", "{{item}}"});
  BOOST_TEST(problem_of(argument, nullptr, with("data", {"[1]"}))
             == "stage 'z': argv[1]: {{stages.data.output}} is a list: a list may stand in stdin only");
  BOOST_TEST(problem_of(argument, nullptr, with("data", {R"("a\u0000b")"}))
             == "stage 'z': argv[1]: a value with a NUL byte cannot stand here");
  BOOST_TEST(problem_of(argument, nullptr, with("data", {}))
             == "stage 'z': argv[1]: the stage 'data' has no output, because it did not succeed: "
                "{{stages.data.outputs}} would be empty");
  BOOST_TEST(problem_of(argument, nullptr, with("data", {"{"}))
             == "stage 'z': argv[1]: the output of the stage 'data' is no JSON: parse error at line 1, column 2: "
                "syntax error while parsing object key - unexpected end of input; expected string literal");
  // Who reads it recurses, and a crash would come back with each start.
  BOOST_TEST(problem_of(argument, nullptr, with("data", {std::string(100'000, '[') + std::string(100'000, ']')}))
             == "stage 'z': argv[1]: the output of the stage 'data' is no JSON: it is nested more than 500 levels "
                "deep");
  BOOST_TEST(problem_of(item, "data", with("data", {R"("text")"}))
             == "stage 'z': for_each: the output of the stage 'data' is no list");
  BOOST_TEST(problem_of(item, "data", with("data", {"[1, null]"}))
             == "stage 'z': for_each: element 1 of the output of the stage 'data' is no text or number");
  BOOST_TEST(problem_of(item, "lines", with("lines", {R"(["a", "b\u0000"])"}))
             == "stage 'z': item 1 has a NUL byte and cannot be an argument");
}

BOOST_AUTO_TEST_CASE(a_task_over_64_mib_is_refused_when_the_plan_is_made) {
  auto values = inputs();
  values.params["odd"] = std::string(33u << 20, 'x');
  BOOST_TEST(problem_of(command({{"stdin", "{{params.odd}}{{params.odd}}"}}), nullptr, values)
             == "stage 'z': stdin: is over 64 MiB, the most a task may have");
  // The second item alone is too large: 100 times 128 KiB, six bytes each in JSON.
  json spread = command({{"env", json::object()}});
  for (int i = 0; i < 100; ++i)
    spread["env"]["V" + std::to_string(i)] = "{{item}}";
  values.outputs["lines"] = {json{"short", std::string(128u << 10, '\x01')}.dump()};
  BOOST_TEST(problem_of(spread, "lines", values)
             == "stage 'z': the task: is over 64 MiB, the most a task may have");
}

BOOST_AUTO_TEST_CASE(more_than_a_million_items_are_refused_and_a_million_are_planned) {
  auto values = inputs();
  std::string list = "[0";
  for (int i = 1; i < 1'000'000; ++i)
    list += ",0";
  auto spec = pipeline(command(json::object(), {"x", "{{index}}"}), "lines");
  values.outputs["lines"] = {list + "]"};
  auto plan = plan_of(spec, values);
  BOOST_TEST(plan.size() == 1'000'000);
  BOOST_TEST(plan.task(999'999).payload == R"({"argv":["x","999999"]})");
  values.outputs["lines"] = {list + ",0]"};
  BOOST_CHECK_THROW(plan_of(spec, values), std::runtime_error);
}

// A version 1.10 is no 1.1, and a number may have more digits than fit.
BOOST_AUTO_TEST_CASE(numbers_of_an_output_become_texts_as_they_are_written) {
  const std::vector<std::string> written{"98765432109876543210987", "1.10", "1e3", "-0.50", "7"};
  auto values = inputs();
  values.outputs["data"] = {"[98765432109876543210987, 1.10,1e3 , -0.50, 7]"};
  auto items = plan_of(pipeline(command(json::object(), {"x", "{{item}}"}), "data"), values);
  BOOST_REQUIRE(items.size() == 5);
  for (std::size_t i = 0; i < written.size(); ++i)
    BOOST_TEST(json::parse(items.task(static_cast<std::int64_t>(i)).payload)["argv"][1] == written[i]);
  values.outputs["data"] = {" 1.10\n"};
  auto single = plan_of(pipeline(command(json::object(), {"x", "{{stages.data.output}}"})), values);
  BOOST_TEST(json::parse(single.task(0).payload)["argv"][1] == "1.10");
  values.outputs["data"] = {R"([1.10, {"a" : [2.50, "x,]"]}, "q\"[", []])"};
  auto lines = plan_of(pipeline(command({{"stdin", "{{stages.data.output}}"}})), values);
  BOOST_TEST(json::parse(lines.task(0).payload)["stdin"] == "1.10\n{\"a\":[2.50,\"x,]\"]}\nq\"[\n[]\n");
}

// Each run may be for another one.
BOOST_AUTO_TEST_CASE(tasks_are_of_the_tenant_that_the_parameters_say) {
  auto spec = pipeline(command(json::object()));
  BOOST_TEST(plan_of(spec).task(0).tenant.empty());
  spec.tenant = "shop {{params.root}}{{{{";
  auto values = inputs();
  values.params["root"] = "{{item}}";
  BOOST_TEST(plan_of(spec, values).task(0).tenant == "shop {{item}}{{");
  values.params["root"] = std::string(101, 'x');
  BOOST_CHECK_THROW(plan_of(spec, values), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

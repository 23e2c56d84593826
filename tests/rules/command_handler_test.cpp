#include "quire/actors/attempt_report.hpp"
#include "quire/actors/command_handler.hpp"
#include "quire/actors/command_words.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

namespace {

using quire::error_class;
using quire::task_outcome;
using quire::actors::cancel_token;
using quire::actors::command_spec;
using quire::actors::outcome_of;
using quire::actors::parse_command;
using quire::actors::process_result;
using verdict = quire::task_outcome::verdict;
using ending = process_result::ending;
using format = command_spec::output_format;
using nlohmann::json;
using std::chrono::milliseconds;

/// Returns what parse_command says about `payload`; empty if it likes it.
std::string complaint(const std::string& payload) {
  try {
    parse_command(payload);
  } catch (const std::invalid_argument& failure) {
    return failure.what();
  }
  return {};
}

command_spec command(format output = format::text) {
  command_spec spec;
  spec.process.argv = {"/usr/bin/tool", "x"};
  spec.output = output;
  return spec;
}

process_result wrote(const std::string& text) {
  process_result result;
  result.standard_output = text;
  result.stdout_bytes = text.size();
  return result;
}

process_result failed(ending how, int code, const std::string& errors = {}) {
  process_result result;
  result.how = how;
  result.code = code;
  result.standard_error = errors;
  result.stderr_bytes = errors.size();
  return result;
}

task_outcome handle(const std::string& payload, const cancel_token& token = {},
                    milliseconds timeout = milliseconds{60'000}) {
  quire::task_assignment task;
  task.payload = payload;
  task.timeout = timeout;
  quire::task_context context{task, token, std::make_shared<quire::system_clock_source>()};
  return quire::actors::command_handler()(context);
}

} // namespace

BOOST_AUTO_TEST_SUITE(command_handler)

BOOST_AUTO_TEST_CASE(a_whole_payload_is_read) {
  const auto spec = parse_command(
    R"({"argv": ["wc", "-l"], "stdin": ["a", "b"], "cwd": "/tmp", "env": {"A": "1"},
        "output": "json", "output_limit": 1000, "grace_s": 0.5, "success_codes": [0, 2]})");
  BOOST_TEST(spec.process.argv == (std::vector<std::string>{"wc", "-l"}),
             boost::test_tools::per_element());
  BOOST_TEST(spec.process.standard_input == "a\nb\n");
  BOOST_TEST(spec.process.working_directory == "/tmp");
  BOOST_REQUIRE(spec.process.environment.size() == 1U);
  BOOST_TEST(spec.process.environment[0].first == "A");
  BOOST_TEST(spec.process.environment[0].second == "1");
  BOOST_TEST((spec.output == format::json));
  BOOST_TEST(spec.process.stdout_max == 1000U);
  BOOST_TEST((spec.process.grace == milliseconds{500}));
  BOOST_TEST(spec.success_codes == (std::vector<int>{0, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(all_but_argv_may_be_absent) {
  const auto spec = parse_command(R"({"argv": ["true"]})");
  BOOST_TEST((spec.output == format::text));
  BOOST_TEST((spec.process.grace == milliseconds{5'000}));
  BOOST_TEST(spec.process.stdout_max == std::size_t{16} << 20);
  BOOST_TEST(complaint("{}") == "command: argv is missing: the program and its arguments");
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_refused_with_the_nearest_one) {
  const auto text = complaint(R"({"argv": ["true"], "stdim": "x"})");
  BOOST_TEST(text.find("unknown key 'stdim'") != std::string::npos);
  BOOST_TEST(text.find("did you mean stdin") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_wrong_type_is_named_with_its_key) {
  BOOST_TEST(complaint("[]") == "command: the payload must be an object, not array");
  BOOST_TEST(complaint(R"({"argv": "ls"})") == "command: argv must be a list of texts, not string");
  BOOST_TEST(complaint(R"({"argv": ["ls", 1]})") == "command: argv[1] must be a text, not number");
  BOOST_TEST(complaint(R"({"argv": ["ls"], "stdin": [1]})")
             == "command: stdin[0] must be a text, not number");
  BOOST_TEST(complaint(R"({"argv": ["ls"], "env": {"A": null}})")
             == "command: env.A must be a text, not null");
  BOOST_TEST(
    complaint(R"({"argv": ["ls"], "grace_s": "1"})").starts_with("command: grace_s must be"));
  BOOST_TEST(complaint(R"({"argv": ["ls"], "success_codes": 0})")
               .starts_with("command: success_codes must be"));
  BOOST_TEST(complaint(R"({"argv": ["ls"], "output": "xml"})")
             == R"(command: output must be "text", "lines" or "json", not "xml")");
}

BOOST_AUTO_TEST_CASE(limits_hold) {
  BOOST_TEST(complaint(R"({"argv": []})") == "command: argv must have 1 to 10000 elements, not 0");
  json many{{"argv", json::array()}};
  for (int i = 0; i < 10'000; ++i)
    many["argv"].push_back("x");
  BOOST_TEST(complaint(many.dump()) == "");
  many["argv"].push_back("x");
  BOOST_TEST(complaint(many.dump()) == "command: argv must have 1 to 10000 elements, not 10001");
  const json large{{"argv", {"echo", std::string(131'072, 'x')}}};
  BOOST_TEST(complaint(large.dump()).starts_with("command: argv[1] is longer than 131071 bytes"));
  for (const auto* bad :
       {R"("output_limit": 0)", R"("output_limit": 67108865)", R"("output_limit": 1.5)",
        R"("output_limit": 18446744073709551615)", R"("grace_s": -1)", R"("grace_s": 3600.1)",
        R"("success_codes": [])", R"("success_codes": [256])", R"("success_codes": [-1])"})
    BOOST_TEST(complaint(std::string{R"({"argv": ["ls"], )"} + bad + "}") != "", bad);
}

BOOST_AUTO_TEST_CASE(what_no_program_can_get_is_refused_early) {
  BOOST_TEST(complaint(R"({"argv": [""]})") == "command: argv names no program");
  BOOST_TEST(
    complaint(R"({"argv": ["a\u0000b"]})").starts_with("command: argv[0] contains a zero byte"));
  BOOST_TEST(complaint(R"({"argv": ["a"], "env": {"A=B": ""}})")
               .starts_with("command: environment name 'A=B'"));
}

BOOST_AUTO_TEST_CASE(a_payload_that_is_not_json_says_where) {
  BOOST_TEST(complaint("{\"argv\": [\n oops]}").find("line 2, column 2") != std::string::npos);
  BOOST_TEST(complaint("") == "command: the payload is not JSON: it is empty");
  BOOST_TEST(complaint(std::string(100'000, '[')).find("nested") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_text_loses_the_newlines_at_its_end) {
  BOOST_TEST(outcome_of(command(), wrote("  a\n\nb \r\n\n")).output == R"("  a\n\nb ")");
  BOOST_TEST(outcome_of(command(), wrote("")).output == R"("")");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_are_replaced) {
  BOOST_TEST(json::parse(outcome_of(command(), wrote("a\xFF\xC3")).output) == "a\uFFFD\uFFFD");
  BOOST_TEST(json::parse(outcome_of(command(format::lines), wrote("\xFF\nb")).output)
             == (json{"\uFFFD", "b"}));
  auto result = failed(ending::exited, 1, "bad \xFF byte\n");
  const auto outcome = outcome_of(command(), result);
  BOOST_TEST(outcome.error == "tool exited with status 1: bad \uFFFD byte");
  BOOST_TEST(json::parse(outcome.detail)["stderr"] == "bad \uFFFD byte\n");
}

BOOST_AUTO_TEST_CASE(lines_lose_their_ends) {
  const auto lines = [](const std::string& text) {
    return outcome_of(command(format::lines), wrote(text)).output;
  };
  BOOST_TEST(lines("a\r\n\n\"b\"\tc\nd") == R"(["a","","\"b\"\tc","d"])");
  BOOST_TEST(lines("a\n") == R"(["a"])");
  BOOST_TEST(lines("\n") == R"([""])");
  BOOST_TEST(lines("") == "[]");
}

BOOST_AUTO_TEST_CASE(json_output_is_kept_compactly) {
  const auto outcome = outcome_of(
    command(format::json),
    wrote("\xEF\xBB\xBF { \"z\" : [ 1, 123456789012345678901 ],\n \"a\": \"x \\\" y\" }\n"));
  BOOST_TEST((outcome.what == verdict::completed));
  BOOST_TEST(outcome.output == R"({"z":[1,123456789012345678901],"a":"x \" y"})");
}

BOOST_AUTO_TEST_CASE(bad_json_fails_for_good_and_says_where) {
  for (const std::string bad : {"{\"a\":\n oops}", "", "1 2", "[1", "\"\xFF\"", "1e999"}) {
    const auto outcome = outcome_of(command(format::json), wrote(bad));
    BOOST_TEST((outcome.what == verdict::failed));
    BOOST_TEST((outcome.error_kind == error_class::permanent));
    BOOST_TEST(outcome.error.starts_with("the output of tool is not JSON: "));
    BOOST_TEST(json(outcome.error).dump().size() > 0U);
  }
  BOOST_TEST(
    outcome_of(command(format::json), wrote("{\"a\":\n oops}")).error.find("line 2, column 2")
    != std::string::npos);
  BOOST_TEST((outcome_of(command(format::json), wrote(std::string(1'000'000, '['))).what
              == verdict::failed));
}

BOOST_AUTO_TEST_CASE(a_cut_text_says_so) {
  auto result = wrote("abc");
  result.stdout_bytes = 10;
  const auto outcome = outcome_of(command(), result);
  BOOST_TEST((outcome.what == verdict::completed));
  BOOST_TEST(outcome.output == R"("abc\n[... 7 bytes cut ...]")");
  BOOST_TEST(json::parse(outcome.detail)["stdout_cut"] == true);
}

BOOST_AUTO_TEST_CASE(cut_lines_and_json_fail_for_good) {
  for (const auto output : {format::lines, format::json}) {
    auto result = wrote("[1]");
    result.stdout_bytes = 10;
    const auto outcome = outcome_of(command(output), result);
    BOOST_TEST((outcome.what == verdict::failed));
    BOOST_TEST((outcome.error_kind == error_class::permanent));
    BOOST_TEST(outcome.output == "");
    BOOST_TEST(outcome.error.find("output_limit") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_failure_tells_the_last_words) {
  const auto outcome = outcome_of(command(), failed(ending::exited, 2, "one\n  two  \n\n"));
  BOOST_TEST((outcome.what == verdict::failed));
  BOOST_TEST((outcome.error_kind == error_class::transient));
  BOOST_TEST(outcome.error == "tool exited with status 2: two");
  BOOST_TEST(outcome_of(command(), failed(ending::exited, 2)).error == "tool exited with status 2");
  // 300 bytes would end in the middle of a letter of two.
  std::string words = "x";
  for (int i = 0; i < 200; ++i)
    words += "\u00E9";
  const auto prefix = std::string{"tool exited with status 2: "}.size();
  BOOST_TEST(outcome_of(command(), failed(ending::exited, 2, words)).error.size() == prefix + 299);
}

BOOST_AUTO_TEST_CASE(success_codes_decide) {
  auto spec = command();
  spec.success_codes = {1, 3};
  BOOST_TEST((outcome_of(spec, failed(ending::exited, 3)).what == verdict::completed));
  BOOST_TEST((outcome_of(spec, failed(ending::exited, 0)).what == verdict::failed));
  // A signal of the same number is not an exit status.
  BOOST_TEST((outcome_of(spec, failed(ending::signalled, 1)).what == verdict::failed));
}

BOOST_AUTO_TEST_CASE(each_ending_has_its_error) {
  const auto signalled = outcome_of(command(), failed(ending::signalled, SIGKILL));
  BOOST_TEST(signalled.error == "tool was ended by signal 9 (Killed)");
  BOOST_TEST((signalled.error_kind == error_class::transient));
  BOOST_TEST(json::parse(signalled.detail)["signal"] == 9);
  auto spec = command();
  spec.process.timeout = milliseconds{30'000};
  const auto late = outcome_of(spec, failed(ending::timed_out, 0));
  BOOST_TEST(late.error == "tool took longer than its 30 s: it was ended");
  BOOST_TEST((late.error_kind == error_class::timeout));
  const auto stopped = outcome_of(spec, failed(ending::cancelled, 0));
  BOOST_TEST((stopped.what == verdict::cancelled));
  auto result = failed(ending::not_started, 0);
  result.error = "program 'tool' was not found in PATH";
  result.start_error = ENOENT;
  BOOST_TEST(outcome_of(spec, result).error == result.error);
  BOOST_TEST((outcome_of(spec, result).error_kind == error_class::permanent));
  result.start_error = EAGAIN;
  BOOST_TEST((outcome_of(spec, result).error_kind == error_class::transient));
}

BOOST_AUTO_TEST_CASE(the_handler_runs_a_program) {
  const auto outcome = handle(R"({"argv": ["wc", "-l"], "stdin": ["a", "b"], "output": "json"})");
  BOOST_TEST((outcome.what == verdict::completed));
  BOOST_TEST(outcome.output == "2");
  const auto detail = json::parse(outcome.detail);
  BOOST_TEST(detail["exit_status"] == 0);
  BOOST_TEST(detail["stdout_bytes"] == 2);
  BOOST_TEST(detail["stderr"] == "");
  BOOST_TEST(detail.contains("elapsed_ms"));
  BOOST_TEST(!detail.contains("stdout_cut"));
}

BOOST_AUTO_TEST_CASE(a_program_says_how_far_it_is) {
  quire::task_assignment task;
  const std::string script = R"(echo '{"progress": 30, "step": "reading"}' >&$QUIRE_REPORT_FD
    echo '{"log": "page 1"}' >&3
    echo '{"output": {"pages": 7}}' >&3
    echo 'no json' >&3
    echo '{"progres": 1}' >&3
    echo shown)";
  const json payload{{"argv", {"sh", "-c", script}}, {"report", true}, {"output", "json"}};
  task.payload = payload.dump();
  quire::task_context context{task, {}, std::make_shared<quire::system_clock_source>(),
                              std::make_shared<quire::actors::attempt_report>()};
  const auto outcome = quire::actors::command_handler()(context);
  BOOST_TEST((outcome.what == verdict::completed), outcome.error);
  BOOST_TEST(outcome.output == R"({"pages":7})");
  const auto news = context.report->take();
  BOOST_TEST(news.percent.value() == 30);
  BOOST_TEST(news.step.value() == "reading");
  BOOST_REQUIRE(news.lines.size() == 3u);
  BOOST_TEST(news.lines[0].text == "page 1");
  BOOST_TEST(news.lines[1].text.find("a line on descriptor 3 was not understood") == 0u);
  BOOST_TEST(news.lines[2].text.find("did you mean progress?") != std::string::npos);
}

// An empty object says nothing else, and what is not understood says so much, too.
BOOST_AUTO_TEST_CASE(each_line_is_a_sign_of_life) {
  struct set_clock final : quire::clock_source {
    std::int64_t unix_ms() const override { return 0; }
    std::chrono::steady_clock::time_point now() const override { return at; }
    std::chrono::steady_clock::time_point at{std::chrono::hours{1}};
  };
  auto clock = std::make_shared<set_clock>();
  quire::task_assignment task;
  quire::task_context context{task, {}, clock, std::make_shared<quire::actors::attempt_report>()};
  quire::actors::command_words words(context);
  BOOST_TEST(!context.report->last_sign());
  for (const auto* line : {"{}", R"({"progress": 3})", R"({"output": 7})", "", "no json", "[]"}) {
    clock->at += milliseconds{1};
    words.hear(line);
    BOOST_TEST((context.report->last_sign() == clock->at), line);
  }
  const auto news = context.report->take();
  BOOST_TEST(news.percent.value() == 3);
  BOOST_TEST(news.lines.size() == 3u);
  BOOST_TEST(words.output() == "7");
}

// It has no descriptor 3: it would be ended, whatever it does.
BOOST_AUTO_TEST_CASE(a_heartbeat_needs_a_program_that_reports) {
  quire::task_assignment task;
  task.heartbeat = milliseconds{60'000};
  quire::task_context context{task, {}, std::make_shared<quire::system_clock_source>()};
  task.payload = R"({"argv": ["true"]})";
  const auto refused = quire::actors::command_handler()(context);
  BOOST_TEST((refused.what == verdict::failed));
  BOOST_TEST((refused.error_kind == error_class::permanent));
  BOOST_TEST(refused.error.find("add that to the payload") != std::string::npos);
  task.payload = R"({"argv": ["true"], "report": true})";
  BOOST_TEST((quire::actors::command_handler()(context).what == verdict::completed));
}

BOOST_AUTO_TEST_CASE(the_handler_fails_a_wrong_payload_for_good) {
  const auto outcome = handle("{}");
  BOOST_TEST((outcome.what == verdict::failed));
  BOOST_TEST((outcome.error_kind == error_class::permanent));
}

BOOST_AUTO_TEST_CASE(the_timeout_of_the_task_is_that_of_the_program) {
  const auto outcome = handle(R"({"argv": ["sleep", "1000"]})", {}, milliseconds{50});
  BOOST_TEST((outcome.error_kind == error_class::timeout));
  BOOST_TEST(outcome.error == "sleep took longer than its 50 ms: it was ended");
}

BOOST_AUTO_TEST_CASE(a_program_that_the_end_of_its_task_ends_says_so) {
  quire::task_assignment task;
  task.payload = R"({"argv": ["sleep", "1000"]})";
  task.timeout = milliseconds{50};
  task.is_last_call = true;
  quire::task_context context{task, {}, std::make_shared<quire::system_clock_source>()};
  const auto outcome = quire::actors::command_handler()(context);
  BOOST_TEST((outcome.error_kind == error_class::timeout));
  BOOST_TEST(outcome.error == "sleep had not ended when the time of its task was up: it was ended");
}

BOOST_AUTO_TEST_CASE(a_shutdown_releases_and_a_cancel_cancels) {
  const cancel_token shutdown;
  shutdown.cancel("the worker stops", true);
  const auto released = handle(R"({"argv": ["sleep", "1000"]})", shutdown);
  BOOST_TEST((released.what == verdict::released));
  BOOST_TEST((released.error_kind == error_class::none));
  BOOST_TEST(released.error == "the worker stops");
  const cancel_token asked;
  asked.cancel("asked by ada");
  const auto cancelled = handle(R"({"argv": ["sleep", "1000"]})", asked);
  BOOST_TEST((cancelled.what == verdict::cancelled));
  BOOST_TEST(cancelled.error == "asked by ada");
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/app/cli/command_line.hpp"
#include "quire/app/cli/exit_status.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::cli;
using words = std::vector<std::string>;

namespace {

template <class Arguments>
Arguments read(const words& line) {
  auto result = parse_command_line(line);
  BOOST_REQUIRE(std::holds_alternative<Arguments>(result));
  return std::get<Arguments>(result);
}

std::string refusal(const words& line) {
  try {
    parse_command_line(line);
  } catch (const usage_error& refused) {
    return refused.what();
  }
  return "";
}

} // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(run_takes_its_options_before_and_behind_the_file) {
  for (auto& line :
       {words{"run", "p.json", "--db", "x.db", "--set", "a=1", "--workers", "3", "--json",
              "--resume"},
        words{"run", "--resume", "--json", "--workers=3", "--set=a=1", "--db=x.db", "p.json"}}) {
    auto run = read<run_arguments>(line);
    BOOST_TEST(run.file == "p.json");
    BOOST_TEST(run.database.path.value() == "x.db");
    BOOST_TEST(run.settings.at("a") == "1");
    BOOST_TEST(run.workers.value() == 3);
    BOOST_TEST((run.json && run.resume && !run.quiet));
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_given_is_absent) {
  auto run = read<run_arguments>({"run", "-"});
  BOOST_TEST(run.file == "-");
  BOOST_TEST(!run.database.path.has_value());
  BOOST_TEST(!run.workers.has_value());
  BOOST_TEST(run.settings.empty());
  BOOST_TEST((!run.json && !run.resume && !run.quiet));
}

BOOST_AUTO_TEST_CASE(a_network_file_system_is_allowed_and_others_are_kept_out_only_on_request) {
  auto run = read<run_arguments>({"run", "--allow-network-fs", "p.json", "--exclusive"});
  BOOST_TEST((run.database.allow_network_fs && run.exclusive));
  run = read<run_arguments>({"run", "p.json"});
  BOOST_TEST((!run.database.allow_network_fs && !run.exclusive));
  BOOST_TEST(
    read<sql_arguments>({"sql", "--allow-network-fs", "SELECT 1"}).database.allow_network_fs);
  BOOST_TEST(read<task_show_arguments>({"task", "show", "1", "--allow-network-fs"})
               .database.allow_network_fs);
  BOOST_TEST(read<status_arguments>({"status", "--allow-network-fs"}).database.allow_network_fs);
  BOOST_TEST(read<doctor_arguments>({"doctor", "--allow-network-fs"}).database.allow_network_fs);
  BOOST_TEST(refusal({"status", "--exclusive"}).find("--exclusive: unknown option")
             != std::string::npos);
}

// The library would take some of these for lists, or take them apart.
BOOST_AUTO_TEST_CASE(a_setting_may_hold_anything_behind_its_first_equals_sign) {
  for (std::string text :
       {"", "a=b", "[x]", "[x,y]", "a b", "{{item}}", "-x", "--json", "'q'", "\"", "a,b", "\\"}) {
    auto run = read<run_arguments>({"run", "p.json", "--set", "k=" + text, "--set", "other=1"});
    BOOST_TEST(run.settings.at("k") == text);
    BOOST_TEST(run.settings.at("other") == "1");
  }
}

BOOST_AUTO_TEST_CASE(parameters_of_sql_are_taken_as_they_are) {
  auto sql = read<sql_arguments>({"sql", "SELECT ?1, ?2, ?3", "[1,2]", "", "it's"});
  BOOST_TEST(sql.sql == "SELECT ?1, ?2, ?3");
  BOOST_TEST(sql.params == (words{"[1,2]", "", "it's"}), boost::test_tools::per_element());
  auto negative = read<sql_arguments>({"sql", "--json", "SELECT ?1", "--", "-7", "--db"});
  BOOST_TEST(negative.json);
  BOOST_TEST(negative.params == (words{"-7", "--db"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(filters_are_typed) {
  auto list = read<task_list_arguments>({"task", "list", "--state", "failed", "--kind", "k",
                                         "--run", "7", "--stage", "s", "--limit", "0"});
  BOOST_TEST((list.which.filter.state == task_state::failed));
  BOOST_TEST(list.which.filter.kind.value() == "k");
  BOOST_TEST(list.which.filter.run->value == 7);
  BOOST_TEST(list.which.filter.stage.value() == "s");
  BOOST_TEST(list.which.filter.limit.value() == 0);
  auto runs = read<pipeline_list_arguments>(
    {"pipeline", "list", "--state", "partial_success", "--name", "n"});
  BOOST_TEST((runs.filter.state == run_state::partial_success));
  BOOST_TEST(runs.filter.pipeline.value() == "n");
}

BOOST_AUTO_TEST_CASE(every_state_that_is_shown_can_be_asked_for) {
  for (auto state : all_task_states()) {
    auto list =
      read<task_list_arguments>({"task", "list", "--state", std::string{to_string(state)}});
    BOOST_TEST((list.which.filter.state == state));
  }
}

BOOST_AUTO_TEST_CASE(changes_take_many_tasks) {
  auto cancel = read<task_change_arguments>({"task", "cancel", "1", "2", "--reason", "not needed"});
  BOOST_TEST((cancel.what == task_change::cancel));
  BOOST_TEST(cancel.tasks.size() == 2u);
  BOOST_TEST(cancel.tasks[1].id.value == 2);
  auto named = read<task_change_arguments>({"task", "cancel", "01A0c450-6c00-7f0c-a6a4-38bf4f9ea3fd", "3"});
  BOOST_TEST(named.tasks[0].public_id == "01A0c450-6c00-7f0c-a6a4-38bf4f9ea3fd");
  BOOST_TEST((!named.tasks[0].id && named.tasks[1].public_id.empty()));
  BOOST_TEST(refusal({"task", "cancel", "01a0c450-6c00-7f0c-a6a4"}).find("ID") != std::string::npos);
  BOOST_TEST(cancel.reason == "not needed");
  auto retry = read<task_change_arguments>({"task", "retry", "9223372036854775807"});
  BOOST_TEST((retry.what == task_change::retry));
  BOOST_TEST(refusal({"task", "retry", "1", "--reason", "x"}).find("--reason: unknown option")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(changes_take_all_that_a_filter_selects) {
  auto cancel = read<task_bulk_arguments>(
    {"task", "cancel", "--state", "ready", "--kind", "k", "--queue", "q", "--run", "7", "--stage", "s",
     "--gate", "g", "--unique", "u", "--created-after", "2026-03-28T12:00Z", "--created-before",
     "2026-03-28T12:00:30Z", "--dry-run", "--json"});
  auto& filter = cancel.which.filter;
  BOOST_TEST((cancel.what == task_change::cancel && cancel.dry_run && cancel.json));
  BOOST_TEST((filter.state == task_state::ready && filter.kind == "k" && filter.queue == "q"));
  BOOST_TEST((filter.run == run_id{7} && filter.stage == "s" && filter.gate == "g"));
  BOOST_TEST(filter.unique_key.value() == "u");
  BOOST_TEST(filter.created_from_ms.value() == 1'774'699'200'000);
  BOOST_TEST(filter.created_before_ms.value() == 1'774'699'230'000);
  auto retry = read<task_bulk_arguments>(
    {"task", "retry", "--finished-after", "2026-03-28T12:00Z", "--finished-before",
     "2026-03-28T12:00:30Z", "--error-class", "timeout", "--error-text", "t"});
  BOOST_TEST((retry.what == task_change::retry && !retry.dry_run));
  BOOST_TEST(!retry.which.parent.has_value());
  auto& ended = retry.which.filter;
  BOOST_TEST(ended.finished_from_ms.value() == 1'774'699'200'000);
  BOOST_TEST(ended.finished_before_ms.value() == 1'774'699'230'000);
  BOOST_TEST((ended.error_kind == error_class::timeout && ended.error_text == "t"));
  auto numbered = read<task_bulk_arguments>({"task", "retry", "--parent", "12"}).which.parent;
  BOOST_TEST(numbered.value().id.value == 12);
  auto* uuid = "01A0c450-6c00-7f0c-a6a4-38bf4f9ea3fd";
  auto named = read<task_bulk_arguments>({"task", "cancel", "--parent", uuid}).which.parent;
  BOOST_TEST(named.value().public_id == uuid);
  BOOST_TEST(refusal({"task", "list", "--parent", "x"}).find("--parent") != std::string::npos);
  auto all = read<task_bulk_arguments>({"task", "retry", "--all"}).which.filter;
  BOOST_TEST((!all.state && !all.kind && !all.run && !all.limit));
}

BOOST_AUTO_TEST_CASE(every_class_of_errors_can_be_asked_for) {
  for (auto one : all_error_classes()) {
    auto list =
      read<task_list_arguments>({"task", "list", "--error-class", std::string{to_string(one)}});
    BOOST_TEST((list.which.filter.error_kind == one));
  }
}

BOOST_AUTO_TEST_CASE(every_command_explains_itself) {
  for (auto& command :
       {words{}, words{"run"}, words{"sql"}, words{"task"}, words{"task", "list"},
        words{"task", "show"}, words{"task", "retry"}, words{"task", "cancel"}, words{"pipeline"},
        words{"pipeline", "list"}, words{"pipeline", "show"}, words{"status"}, words{"doctor"}})
    for (auto* option : {"--help", "-h"}) {
      auto line = command;
      line.emplace_back(option);
      auto text = read<print_text>(line).text;
      auto name = std::string{"quire"};
      for (auto& word : command)
        name += " " + word;
      BOOST_TEST(text.find("Usage: " + name) != std::string::npos, text);
    }
  BOOST_TEST(read<print_text>({"--version"}).text.starts_with("quire "));
}

// The long table of bad lines is in tests/real: these are about the text.
BOOST_AUTO_TEST_CASE(a_refusal_names_the_command_and_where_to_read_on) {
  BOOST_TEST(
    refusal({"task", "show", "x"})
    == "quire task show: ID: 'x' is no whole number from 1 up (see quire task show --help)");
  BOOST_TEST(
    refusal({"run", "a", "--workers", "1e3"})
    == "quire run: --workers: '1e3' is no whole number from 1 to 1024 (see quire run --help)");
}

BOOST_AUTO_TEST_CASE(a_task_is_submitted_with_all_that_it_may_have) {
  auto plain = read<task_submit_arguments>({"task", "submit", "resize"});
  BOOST_TEST(plain.task.kind == "resize");
  BOOST_TEST(plain.task.payload == "{}");
  BOOST_TEST((plain.task.priority == task_priority::normal));
  BOOST_TEST(!plain.text);
  auto full = read<task_submit_arguments>(
    {"task", "submit", "resize", "[1]", "--queue", "img", "--priority=urgent", "--delay", "5",
     "--attempts", "7", "--timeout", "0", "--gate", "disk", "--gate-capacity", "2", "--json"});
  BOOST_TEST(full.task.payload == "[1]");
  BOOST_TEST(full.task.queue == "img");
  BOOST_TEST((full.task.priority == task_priority::urgent));
  BOOST_TEST((full.delay == std::chrono::seconds{5}));
  BOOST_TEST(full.task.retry.attempts_max == 7);
  BOOST_TEST(full.task.timeout.count() == 0);
  BOOST_TEST(full.task.gate == "disk");
  BOOST_TEST(full.task.gate_capacity == 2);
  BOOST_TEST(full.json);
}

BOOST_AUTO_TEST_CASE(what_no_task_can_have_is_refused) {
  auto refused = [](words more, const std::string& why) {
    words line{"task", "submit"};
    line.insert(line.end(), more.begin(), more.end());
    BOOST_TEST(refusal(line).find(why) != std::string::npos, refusal(line));
  };
  refused({}, "the argument KIND is missing");
  refused({"a", "{}", "b"}, "'b' is one argument too many");
  refused({"a", "--priority", "urgnt"}, "unknown priority 'urgnt'");
  refused({"a", "--delay", "1.5"}, "--delay: '1.5' is no whole number");
  refused({"a", "--attempts", "0"}, "--attempts: '0' is no whole number from 1 to 1000");
  refused({"a", "--gate-capacity", "2"}, "--gate-capacity needs --gate");
  refused({"a", "--prio", "high"}, "unknown option");
}

BOOST_AUTO_TEST_CASE(a_schedule_has_its_times_and_its_task) {
  auto put = read<schedule_put_arguments>(
    {"schedule", "put", "nightly", "30 2 * * *", "report", "[1]", "--tz", "Europe/Berlin", "--overlap",
     "queue_one", "--catch-up", "all", "--catch-up-max", "9", "--jitter", "5", "--start",
     "2026-03-28T12:00Z", "--end", "2026-03-28T12:00:30Z", "--queue", "q", "--attempts", "2"});
  auto& schedule = put.schedule;
  BOOST_TEST((schedule.name == "nightly" && schedule.spec == "30 2 * * *" && schedule.tz == "Europe/Berlin"));
  BOOST_TEST((schedule.overlap == schedule_overlap::queue_one));
  BOOST_TEST((schedule.catch_up == schedule_catch_up::all && schedule.catch_up_max == 9));
  BOOST_TEST(schedule.jitter.count() == 5000);
  BOOST_TEST(schedule.start_ms.value() == 1'774'699'200'000);
  BOOST_TEST(schedule.end_ms.value() == 1'774'699'230'000);
  BOOST_TEST((schedule.task.kind == "report" && schedule.task.payload == "[1]" && schedule.task.queue == "q"));
  BOOST_TEST(schedule.task.retry.attempts_max == 2);
  put = read<schedule_put_arguments>({"schedule", "put", "n", "every 15m", "k"});
  BOOST_TEST((put.schedule.tz == "UTC" && put.schedule.task.payload == "{}"));
  BOOST_TEST((put.schedule.overlap == schedule_overlap::allow
              && put.schedule.catch_up == schedule_catch_up::last && !put.schedule.start_ms));
  auto pause = read<schedule_change_arguments>({"schedule", "pause", "a", "b"});
  BOOST_TEST(pause.names == (words{"a", "b"}), boost::test_tools::per_element());
  auto next = read<schedule_next_arguments>({"schedule", "next", "@daily", "--count", "3"});
  BOOST_TEST((next.spec == "@daily" && next.tz == "UTC" && next.count == 3 && !next.after_ms));
}

BOOST_AUTO_TEST_SUITE_END()

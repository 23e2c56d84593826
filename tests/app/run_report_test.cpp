#include "quire/app/cli/run_report.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::cli;
using namespace std::chrono_literals;

namespace {

struct report_fixture {
  report_fixture() {
    stage_record stage;
    stage.name = "check";
    stage.state = stage_state::partial_success;
    stage.total = 3;
    stage.completed = 2;
    stage.failed = 1;
    stage.sealed = true;
    stage.started_at_ms = 1000;
    stage.finished_at_ms = 3000;
    report.run.id = run_id{4};
    report.run.pipeline = "survey";
    report.run.state = run_state::partial_success;
    report.run.stages = {stage};
    report.database = "x.db";
    report.database_path = "x.db";
    report.database_option = " --db x.db";
    report.elapsed = 2100ms;
    report.writer.counters = {{"commits", 10}, {"members", 25}, {"batch_max", 7}, {"locked_errors", 0}};
    task_record task;
    task.id = task_id{9};
    task.stage = "check";
    task.item = 1;
    task.state = task_state::failed;
    task.error = "sh exited with status 7: no b\nat all";
    report.failures = {task};
    report.failures_total = 1;
  }

  bool says(const std::string& part) const {
    return report_text(report, 0).find(part) != std::string::npos;
  }

  run_report report;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(run_report, report_fixture)

BOOST_AUTO_TEST_CASE(the_summary_says_how_it_went_and_where_results_are) {
  for (auto* part : {"check  partial_success      3          2        0       1      0    2.0 s  1.5/s\n",
                     "check[1] (task 9): sh exited with status 7: no b\\nat all\n",
                     "run 4 (survey): partial_success in 2.1 s; 3 tasks\n",
                     "commits: 10, members per commit: 2.5 (most 7)\n", "locked errors: 0\n", "database: x.db\n",
                     "results: quire task list --run 4 --db x.db\n"})
    BOOST_TEST(says(part), part + std::string{" in "} + report_text(report, 0));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_counted) {
  report.failures_total = 5;
  BOOST_TEST(says("... and 4 more: quire task list --run 4 --state failed --db x.db\n"));
}

BOOST_AUTO_TEST_CASE(what_was_recovered_is_said) {
  BOOST_TEST(!says("recovered"));
  report.resumed = true;
  report.run.boots = 2;
  BOOST_TEST(says("resumed: this is process 2 that worked on the run\n"
                  "recovered: no task was running when the earlier process ended\n"));
  report.run.recovered = 2;
  BOOST_TEST(says("recovered: 2 tasks were running when an earlier process ended; they were run again\n"));
  report.poisoned = 1;
  BOOST_TEST(says("given up: 1 task, because"));
}

BOOST_AUTO_TEST_CASE(a_single_result_is_named_first) {
  report.result = task_id{12};
  report.result_stage = "report";
  BOOST_TEST(says("results: quire task show 12 --db x.db   (report)\n"
                  "         quire task list --run 4 --db x.db\n"));
}

BOOST_AUTO_TEST_CASE(a_stage_that_could_not_start_has_a_reason) {
  report.run.stages[0].error = "the output is no list";
  BOOST_TEST(failures_text(report).find("  check: the output is no list\n") != std::string::npos);
  report.run.stages[0].error.clear();
  report.failures.clear();
  report.failures_total = 0;
  BOOST_TEST(failures_text(report) == "");
}

BOOST_AUTO_TEST_CASE(json_has_the_same_with_fields) {
  auto object = report_json(report);
  BOOST_TEST(object["event"] == "summary");
  BOOST_TEST(object["run"] == 4);
  BOOST_TEST(object["state"] == "partial_success");
  BOOST_TEST(object["elapsed_ms"] == 2100);
  BOOST_TEST(object["members"] == 25);
  BOOST_TEST(object["failures"][0]["error"] == "sh exited with status 7: no b\nat all");
  BOOST_TEST(object["result_task"].is_null());
  auto line = json_line(object);
  BOOST_TEST(line.back() == '\n');
  BOOST_TEST(line.find('\n') == line.size() - 1);
}

BOOST_AUTO_TEST_SUITE_END()

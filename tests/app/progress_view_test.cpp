#include "quire/app/cli/progress_view.hpp"

#include "quire/app/cli/format.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::cli;

namespace {

constexpr std::int64_t began_ms = 1'000'000;
constexpr std::int64_t now_ms = began_ms + 10'000;

stage_record stage_of(std::string name, stage_state state, std::int64_t completed = 0,
                      std::int64_t total = 0) {
  stage_record stage;
  stage.name = std::move(name);
  stage.state = state;
  stage.completed = completed;
  stage.total = total;
  stage.sealed = state != stage_state::waiting && state != stage_state::fanning;
  if (state != stage_state::waiting && state != stage_state::skipped)
    stage.started_at_ms = began_ms;
  if (is_terminal(state))
    stage.finished_at_ms = began_ms + 2'000;
  return stage;
}

run_record run_of(std::vector<stage_record> stages) {
  run_record run;
  run.id = run_id{3};
  run.pipeline = "survey";
  run.created_at_ms = began_ms;
  run.stages = std::move(stages);
  return run;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(progress_view)

BOOST_AUTO_TEST_CASE(a_bar_is_full_only_when_all_is_done) {
  BOOST_TEST(bar(0, 0, 4) == "----");
  BOOST_TEST(bar(1, 2, 4) == "##--");
  BOOST_TEST(bar(999, 1000, 4) == "###-");
  BOOST_TEST(bar(4, 4, 4) == "####");
  BOOST_TEST(bar(9, 4, 4) == "####");
  BOOST_TEST(bar(1, 2, 0) == "");
}

BOOST_AUTO_TEST_CASE(a_line_for_the_run_and_one_for_each_stage) {
  auto broken = stage_of("check", stage_state::running, 40, 100);
  broken.failed = 3;
  auto lines = progress_lines(run_of({stage_of("collect", stage_state::completed, 1, 1), broken,
                                      stage_of("report", stage_state::waiting)}),
                              now_ms, {120, 24, false});
  BOOST_REQUIRE(lines.size() == 4u);
  BOOST_TEST(lines[0] == "run 3 of survey: 1 of 3 stages, 44 of 101 tasks, 10.0 s");
  BOOST_TEST(has(lines[1], "collect"));
  BOOST_TEST(has(lines[1], "1/1"));
  BOOST_TEST(has(lines[2], "[############------------------]"));
  for (auto* part : {"43/100", "3 failed", "4.3/s", "10.0 s"})
    BOOST_TEST(has(lines[2], part), part);
  BOOST_TEST(has(lines[3], "waiting"));
}

BOOST_AUTO_TEST_CASE(a_total_that_still_grows_is_marked) {
  auto lines = progress_lines(run_of({stage_of("each", stage_state::fanning, 1, 500)}), now_ms, {});
  BOOST_TEST(has(lines[1], "1/500+"));
}

BOOST_AUTO_TEST_CASE(no_line_is_wider_than_the_terminal) {
  auto stages = std::vector{stage_of(std::string(60, 'n'), stage_state::running, 123456, 999999),
                            stage_of("日本語の段階", stage_state::failed, 0, 10)};
  stages[1].failed = 10;
  for (std::size_t columns : {1u, 10u, 20u, 40u, 79u, 80u, 200u})
    for (auto& line : progress_lines(run_of(stages), now_ms, {columns, 24, false}))
      BOOST_TEST(display_width(line) <= columns, line);
}

BOOST_AUTO_TEST_CASE(stages_at_work_stay_when_there_is_no_room_for_all) {
  std::vector<stage_record> stages;
  for (int i = 0; i < 20; ++i)
    stages.push_back(stage_of("done" + std::to_string(i), stage_state::completed, 1, 1));
  stages.push_back(stage_of("busy", stage_state::running, 1, 2));
  stages.push_back(stage_of("broken", stage_state::failed, 0, 1));
  for (int i = 0; i < 20; ++i)
    stages.push_back(stage_of("later" + std::to_string(i), stage_state::waiting));
  for (std::size_t height : {1u, 2u, 3u, 5u, 10u}) {
    auto lines = progress_lines(run_of(stages), now_ms, {80, height, false});
    BOOST_TEST(lines.size() <= std::max<std::size_t>(2, height - 1));
    BOOST_TEST(has(lines[0], " stages not shown)"));
    BOOST_TEST(has(lines[1], "busy"));
  }
}

BOOST_AUTO_TEST_CASE(colours_are_used_only_if_wanted_and_always_ended) {
  auto run = run_of({stage_of("bad", stage_state::failed, 0, 1), stage_of("busy", stage_state::running, 1, 2)});
  for (auto& line : progress_lines(run, now_ms, {80, 24, false}))
    BOOST_TEST(!has(line, "\x1b"));
  auto coloured = progress_lines(run, now_ms, {80, 24, true});
  BOOST_TEST(coloured[1].starts_with("\x1b[31m"));
  BOOST_TEST(coloured[1].ends_with("\x1b[0m"));
  BOOST_TEST(!has(coloured[2], "\x1b"));
}

BOOST_AUTO_TEST_CASE(lines_of_a_log_say_the_same) {
  auto stage = stage_of("count", stage_state::running, 397, 1240);
  stage.failed = 3;
  BOOST_TEST(progress_text(stage, now_ms) == "count: 400 of 1240 done, 3 failed, 40/s, 10.0 s");
  BOOST_TEST(change_text(stage, now_ms) == "count: started");
  auto ended = stage_of("count", stage_state::completed, 7, 7);
  BOOST_TEST(change_text(ended, now_ms) == "count: completed, 7 of 7 succeeded, 2.0 s");
  BOOST_TEST(change_text(stage_of("count", stage_state::skipped), now_ms) == "count: skipped");
  auto failed = stage_of("count", stage_state::failed);
  failed.error = "no list\nat all";
  BOOST_TEST(change_text(failed, now_ms) == "count: failed: no list\\nat all");
}

// The clock of the machine may go back.
BOOST_AUTO_TEST_CASE(times_are_never_negative) {
  auto stage = stage_of("count", stage_state::running, 1, 2);
  BOOST_TEST(elapsed_ms(stage, began_ms - 5'000) == 0);
  auto lines = progress_lines(run_of({stage}), began_ms - 5'000, {});
  BOOST_TEST(!has(lines[0], "-"));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/fan_out.hpp"
#include "quire/actors/pipeline_parser.hpp"
#include "quire/actors/stage_queue.hpp"
#include "quire/actors/upkeep_plan.hpp"
#include "quire/actors/waiters.hpp"
#include "quire/actors/wakeup.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using namespace quire;
using namespace quire::actors;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(service_rules)

BOOST_AUTO_TEST_CASE(only_a_timer_that_is_earlier_is_started) {
  wakeup timer;
  wakeup::time_point start{100s};
  auto first = timer.at(start + 5s);
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(!timer.at(start + 6s));
  BOOST_TEST(!timer.at(start + 5s));
  auto earlier = timer.at(start + 1s);
  BOOST_REQUIRE(earlier.has_value());
  BOOST_TEST(timer.fired(*earlier));
  BOOST_TEST(!timer.fired(*first));
  BOOST_TEST(timer.at(start + 9s).has_value());
  BOOST_TEST(!timer.fired(*first));
}

BOOST_AUTO_TEST_CASE(one_look_up_is_under_way_at_a_time) {
  waiters<int, std::string> waiting;
  waiting.add(1, "a");
  waiting.add(1, "b");
  waiting.add(2, "c");
  BOOST_TEST(waiting.begin_look_up(10).size() == 2u);
  waiting.add(3, "d");
  BOOST_TEST(waiting.begin_look_up(10).empty());
  waiting.end_look_up();
  BOOST_TEST((waiting.begin_look_up(10) == std::vector{3}));
  waiting.end_look_up();
  BOOST_TEST(waiting.take(1).size() == 2u);
  BOOST_TEST(waiting.take(1).empty());
}

// It ended after the look-up had read, and before its answer came.
BOOST_AUTO_TEST_CASE(a_change_during_a_look_up_is_looked_at_again) {
  waiters<int, std::string> waiting;
  waiting.add(1, "a");
  waiting.begin_look_up(10);
  waiting.changed(1);
  waiting.changed(99);
  waiting.end_look_up();
  BOOST_TEST((waiting.begin_look_up(10) == std::vector{1}));
}

BOOST_AUTO_TEST_CASE(rechecking_takes_all_in_turn) {
  waiters<int, std::string> waiting;
  for (int i = 1; i <= 5; ++i)
    waiting.add(i, "");
  waiting.begin_look_up(10);
  waiting.end_look_up();
  waiting.recheck(3);
  BOOST_TEST((waiting.begin_look_up(10) == std::vector{1, 2, 3}));
  waiting.end_look_up();
  waiting.recheck(3);
  BOOST_TEST((waiting.begin_look_up(10) == std::vector{1, 4, 5}));
}

BOOST_AUTO_TEST_CASE(a_stage_is_worked_on_once_and_only_a_few_at_a_time) {
  stage_queue<int> stages{2};
  BOOST_TEST(stages.begin_look());
  BOOST_TEST(!stages.begin_look());
  stages.end_look();
  BOOST_TEST(stages.take(1));
  BOOST_TEST(!stages.take(1));
  BOOST_TEST(stages.take(2));
  BOOST_TEST(!stages.take(3));
  BOOST_TEST(!stages.begin_look());
  stages.release(1);
  BOOST_TEST(stages.begin_look());
  stages.end_look();
  BOOST_TEST(!stages.begin_look());
  stages.release(2);
  BOOST_TEST(stages.idle());
}

// What went wrong with one may be that it started over under the hands of its work.
BOOST_AUTO_TEST_CASE(a_stage_that_is_released_is_looked_for_again) {
  stage_queue<int> stages{2};
  stages.begin_look();
  stages.end_look();
  stages.take(1);
  BOOST_TEST(!stages.begin_look());
  stages.release(1);
  BOOST_TEST(stages.begin_look());
  stages.end_look();
  BOOST_TEST(stages.take(1));
}

BOOST_AUTO_TEST_CASE(a_look_asks_for_as_many_stages_as_there_is_room_for_and_for_new_ones) {
  stage_queue<int> stages{3};
  BOOST_TEST(stages.room() == 3u);
  BOOST_TEST(stages.passed_over().empty());
  stages.take(1);
  stages.take(2);
  BOOST_TEST(stages.room() == 1u);
  BOOST_TEST((stages.passed_over() == std::set{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_stage_that_is_put_off_is_in_nobodys_way_until_time_has_passed) {
  stage_queue<int> stages{1};
  stages.begin_look();
  stages.end_look();
  stages.take(1);
  stages.postpone(1);
  BOOST_TEST(stages.begin_look()); // For others.
  stages.end_look();
  BOOST_TEST(stages.room() == 1u);
  BOOST_TEST((stages.passed_over() == std::set{1}));
  stages.wake();
  BOOST_TEST(!stages.take(1));
  BOOST_TEST(stages.take(2));
  stages.release(2);
  stages.wake_all();
  BOOST_TEST(stages.passed_over().empty());
  BOOST_TEST(stages.take(1));
}

BOOST_AUTO_TEST_CASE(the_value_that_was_used_longest_ago_is_forgotten) {
  recently_used<int, int> values{2};
  values.put(1, std::make_shared<int>(10));
  values.put(2, std::make_shared<int>(20));
  BOOST_TEST(*values.find(1) == 10);
  values.put(3, std::make_shared<int>(30));
  BOOST_TEST(!values.find(2));
  BOOST_TEST(*values.find(1) == 10);
  BOOST_TEST(values.size() == 2u);
}

namespace {

fan_out_progress fan_out_of(int items, std::int64_t created, std::size_t bytes_max = 1 << 20) {
  std::string list;
  for (int i = 0; i < items; ++i)
    list += (i ? "," : "") + std::to_string(i);
  auto spec = parse_pipeline(R"({"name": "p", "stages": [{"name": "s", "for_each": [)" + list
                             + R"(], "task": {"kind": "k", "payload": "{{item}}"}}]})");
  return {stage_plan{spec, spec.stages[0], {}, "run:1:"}, created, 10, bytes_max};
}

} // namespace

BOOST_AUTO_TEST_CASE(portions_cover_the_rest_of_a_list_once) {
  auto progress = fan_out_of(25, 8);
  auto first = progress.next();
  auto second = progress.next();
  BOOST_TEST((first->first == 8 && first->tasks.size() == 10u && !first->last));
  BOOST_TEST((second->first == 18 && second->tasks.size() == 7u && second->last));
  BOOST_TEST(!progress.next().has_value());
}

// The stage still has to be told that it has all of its tasks.
BOOST_AUTO_TEST_CASE(a_list_of_nothing_and_one_that_is_done_end_with_an_empty_portion) {
  for (auto created : {0, 3}) {
    auto progress = fan_out_of(created, created);
    auto only = progress.next();
    BOOST_TEST((only->tasks.empty() && only->last && only->first == created));
    BOOST_TEST(!progress.next().has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_portion_is_bounded_by_its_bytes_but_never_empty_before_the_end) {
  auto progress = fan_out_of(3, 0, 1);
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(progress.next()->tasks.size() == 1u);
  BOOST_TEST(!progress.next().has_value());
}

BOOST_AUTO_TEST_CASE(a_pass_runs_its_operations_in_order_and_then_waits) {
  using enum upkeep_operation;
  upkeep_plan plan{{orphans, checkpoint}, 1h};
  upkeep_plan::time_point start{500s};
  BOOST_TEST((plan.begin(start, 1) == orphans));
  BOOST_TEST(!plan.begin(start, 1).has_value());
  BOOST_TEST(plan.portion_done(10));
  BOOST_TEST(!plan.portion_done(0));
  auto result = plan.end_operation("", 5);
  BOOST_TEST((result.rows == 10 && result.started_at_ms == 1 && result.ended_at_ms == 5));
  BOOST_TEST((plan.next_operation(6) == checkpoint));
  BOOST_TEST(!plan.portion_done(1000));
  BOOST_TEST(plan.end_operation("broken", 7).error == "broken");
  BOOST_TEST(!plan.next_operation(8).has_value());
  BOOST_TEST(!plan.running());
  BOOST_TEST((plan.due() == start + 1h));
}

BOOST_AUTO_TEST_CASE(without_an_interval_no_pass_is_due) {
  upkeep_plan plan{{upkeep_operation::orphans}, 0ms};
  plan.begin({}, 1);
  BOOST_TEST(!plan.due().has_value());
}

BOOST_AUTO_TEST_SUITE_END()

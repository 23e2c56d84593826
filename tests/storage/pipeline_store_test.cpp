#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using topic = event::topic;
using condition = edge_condition;

BOOST_FIXTURE_TEST_SUITE(pipeline_store, tests::run_fixture)

BOOST_AUTO_TEST_CASE(a_run_is_created_with_all_its_stages) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a"}})}),
                  {{"path", "a \"b\"\n"}, {"z", ""}});
  auto record = run(id);
  BOOST_TEST(record.pipeline == "p");
  BOOST_TEST((record.state == run_state::running));
  BOOST_TEST(record.params.at("path") == "a \"b\"\n");
  BOOST_TEST(record.params.at("z").empty());
  BOOST_TEST(record.boots == 1);
  BOOST_REQUIRE(record.stages.size() == 2u);
  BOOST_TEST(record.stages[0].name == "a");
  BOOST_TEST((record.stages[0].state == stage_state::fanning));
  BOOST_TEST((record.stages[1].state == stage_state::waiting));
  BOOST_TEST(was_announced(topic::stage_ready, record.stages[0].id.value));
  auto found = fanning();
  BOOST_REQUIRE(found.size() == 1u);
  BOOST_TEST((found[0].stage.stage == record.stages[0].id));
  BOOST_TEST(found[0].stage.generation == 0);
  BOOST_TEST((found[0].run == id));
  BOOST_TEST(found[0].name == "a");
  BOOST_TEST((found[0].params == record.params));
  BOOST_TEST(found[0].created == 0);
  auto snapshot = view();
  BOOST_TEST(storage::run_definition(snapshot, id).value() == R"({"name":"p"})");
  BOOST_TEST(!storage::run_definition(snapshot, run_id{9}));
  BOOST_TEST(!storage::find_run(snapshot, run_id{9}));
}

BOOST_AUTO_TEST_CASE(a_pipeline_that_makes_no_sense_is_refused) {
  for (auto& stages : {std::vector{stage_after("a"), stage_after("a")},
                       std::vector{stage_after("a", {{"b"}})}, std::vector{stage_after("a", {{"a"}})},
                       std::vector{stage_after("a"), stage_after("b", {{"a"}, {"a"}})}})
    BOOST_TEST(tests::fails_with(errc::invalid_argument, [&] { start(pipeline(stages)); }));
  BOOST_TEST(number("SELECT count(*) FROM quire_run") == 0);
}

// However many wait, a look takes what there is room for, and not what it has already.
BOOST_AUTO_TEST_CASE(a_look_finds_as_many_stages_as_are_wanted_and_passes_over_others) {
  start(pipeline({stage_after("a"), stage_after("b"), stage_after("c"), stage_after("d")}));
  auto names = [&](std::size_t count_max, const std::set<stage_id>& except = {}) {
    std::string all;
    for (auto& one : fanning(count_max, except))
      all += one.name;
    return all;
  };
  BOOST_TEST(names(100) == "abcd");
  BOOST_TEST(names(2) == "ab");
  BOOST_TEST(names(2, {stage_id{1}, stage_id{3}}) == "bd");
  BOOST_TEST(names(0).empty());
}

BOOST_AUTO_TEST_CASE(a_run_without_stages_is_completed) {
  auto id = start(pipeline({}));
  BOOST_TEST((run(id).state == run_state::completed));
  BOOST_TEST(was_announced(topic::run_finished, id.value));
}

BOOST_AUTO_TEST_CASE(a_stage_is_not_over_before_all_its_tasks_exist) {
  auto id = start(pipeline({stage_after("a")}));
  fan_out(id, "a", 0, 2, false);
  end_tasks({good, good});
  BOOST_TEST((state_of(id, "a") == stage_state::fanning));
  BOOST_TEST(fanning().at(0).created == 2);
  fan_out(id, "a", 2, 1, true);
  BOOST_TEST((state_of(id, "a") == stage_state::running));
  BOOST_TEST(stage(id, "a").sealed);
  end_tasks({good});
  BOOST_TEST((state_of(id, "a") == stage_state::completed));
  BOOST_TEST(was_announced(topic::run_finished, id.value));
  auto ended = run(id);
  BOOST_TEST((ended.state == run_state::completed));
  BOOST_TEST(ended.finished_at_ms.value() == now);
}

BOOST_AUTO_TEST_CASE(a_stage_is_over_at_once_if_its_tasks_were_faster_than_the_last_portion) {
  auto id = start(pipeline({stage_after("a")}));
  fan_out(id, "a", 0, 1, false);
  end_tasks({good});
  fan_out(id, "a", 1, 0, true);
  BOOST_TEST((state_of(id, "a") == stage_state::completed));
}

BOOST_AUTO_TEST_CASE(a_portion_that_does_not_go_on_where_the_list_ends_is_refused) {
  auto id = start(pipeline({stage_after("a")}));
  BOOST_TEST(fan_out(id, "a", 0, 2, false));
  BOOST_TEST(!fan_out(id, "a", 0, 2, false)); // It was repeated,
  BOOST_TEST(!fan_out(id, "a", 1, 3, true));  // it overlaps,
  BOOST_TEST(!fan_out(id, "a", 4, 1, true, gated("g"))); // one before it is missing.
  BOOST_TEST((state_of(id, "a") == stage_state::fanning));
  BOOST_TEST(stage(id, "a").total == 2);
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 2);
  BOOST_TEST(number("SELECT count(*) FROM quire_gate") == 0);
  BOOST_TEST(fan_out(id, "a", 2, 1, true));
  BOOST_TEST(stage(id, "a").total == 3);
  BOOST_TEST(!fan_out(id, "a", 3, 5, true)); // It has ended.
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 3);
}

BOOST_AUTO_TEST_CASE(a_stage_of_no_tasks_is_completed) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a"}})}));
  fan_out(id, "a", 0);
  BOOST_TEST((state_of(id, "a") == stage_state::completed));
  BOOST_TEST((state_of(id, "b") == stage_state::fanning));
  BOOST_TEST(was_announced(topic::stage_ready, stage(id, "b").id.value));
}

BOOST_AUTO_TEST_CASE(the_policy_decides_between_partial_success_and_failure) {
  struct example {
    success_policy policy;
    std::vector<task_outcome> outcomes;
    stage_state expected;
  };
  const std::vector<example> examples{
    {{0, 1}, {good, bad, bad}, stage_state::partial_success},
    {{0, 1}, {half, bad, bad}, stage_state::partial_success},
    {{0, 1}, {bad, bad, bad}, stage_state::failed},
    {{0, 0}, {bad, bad, bad}, stage_state::failed},
    {{0, 2}, {good, bad, bad}, stage_state::failed},
    {{0, 2}, {good, half, bad}, stage_state::partial_success},
    {{67, 1}, {good, good, bad}, stage_state::failed},
    {{66, 1}, {good, good, bad}, stage_state::partial_success},
    {{100, 1}, {good, half, half}, stage_state::partial_success},
    {{100, 3}, {good, good, good}, stage_state::completed},
    {{100, 5}, {good, good, good}, stage_state::failed},
    {{0, 3}, {good, half}, stage_state::failed},
    {{0, 0}, {good, good}, stage_state::completed},
    {{0, 0}, {good, bad}, stage_state::partial_success},
    {{100, 0}, {}, stage_state::completed},
    {{0, 1}, {}, stage_state::failed},
  };
  for (auto& [policy, outcomes, expected] : examples) {
    auto spec = pipeline({stage_after("a")});
    spec.stages[0].success = policy;
    auto id = start(spec);
    fan_out(id, "a", outcomes.size());
    for (auto& outcome : outcomes)
      finish(claim_one(), outcome);
    BOOST_TEST((state_of(id, "a") == expected));
  }
}

BOOST_AUTO_TEST_CASE(a_stage_whose_tasks_were_all_cancelled_is_cancelled) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a"}})}));
  fan_out(id, "a", 2);
  cancel(task_of(id, "a", 0));
  cancel(task_of(id, "a", 1));
  BOOST_TEST((state_of(id, "a") == stage_state::cancelled));
  BOOST_TEST((state_of(id, "b") == stage_state::skipped));
  BOOST_TEST((run(id).state == run_state::cancelled));
}

BOOST_AUTO_TEST_CASE(an_edge_starts_or_skips_what_comes_after) {
  using enum condition;
  const std::vector<std::tuple<task_outcome, edge_condition, bool>> examples{
    {good, success, true},  {good, not_failed, true},  {good, failed, false},  {good, any, true},
    {half, success, false}, {half, not_failed, true},  {half, failed, false},  {half, any, true},
    {bad, success, false},  {bad, not_failed, false},  {bad, failed, true},    {bad, any, true},
  };
  for (auto& [outcome, when, starts] : examples) {
    auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a", when}})}));
    end_stage(id, "a", outcome);
    BOOST_TEST((state_of(id, "b") == (starts ? stage_state::fanning : stage_state::skipped)));
    if (starts)
      fan_out(id, "b", 0); // Leaves nothing behind for the next example.
    BOOST_TEST(is_terminal(run(id).state));
  }
}

BOOST_AUTO_TEST_CASE(a_stage_waits_for_all_before_it_and_one_unmet_condition_is_enough_to_skip) {
  auto spec = pipeline({stage_after("a"), stage_after("b"), stage_after("both", {{"a"}, {"b"}}),
                        stage_after("after", {{"both", condition::any}})});
  auto id = start(spec);
  end_stage(id, "a", bad);
  BOOST_TEST((state_of(id, "both") == stage_state::waiting));
  end_stage(id, "b", good);
  BOOST_TEST((state_of(id, "both") == stage_state::skipped));
  BOOST_TEST((state_of(id, "after") == stage_state::fanning)); // `any` is met by a skipped one.
}

BOOST_AUTO_TEST_CASE(a_long_chain_is_skipped_in_one_go) {
  auto spec = pipeline({stage_after("0")});
  for (int i = 1; i < 1000; ++i)
    spec.stages.push_back(stage_after(std::to_string(i), {{std::to_string(i - 1)}}));
  auto id = start(spec);
  end_stage(id, "0", bad);
  BOOST_TEST((run(id).state == run_state::failed));
  BOOST_TEST(number("SELECT count(*) FROM quire_stage WHERE state = 14") == 999);
}

BOOST_AUTO_TEST_CASE(a_run_ends_as_its_stages_say) {
  struct example {
    task_outcome first;
    task_outcome second;
    bool optional;
    run_state expected;
  };
  for (auto& [first, second, optional, expected] :
       {example{good, good, false, run_state::completed},
         example{good, half, false, run_state::partial_success},
        example{good, bad, false, run_state::failed}, example{half, bad, false, run_state::failed},
        example{good, bad, true, run_state::partial_success},
        example{bad, bad, true, run_state::failed}}) {
    auto spec = pipeline({stage_after("a"), stage_after("b")});
    spec.stages[1].optional = optional;
    auto id = start(spec);
    end_stage(id, "a", first);
    BOOST_TEST((run(id).state == run_state::running));
    end_stage(id, "b", second);
    BOOST_TEST((run(id).state == expected));
  }
}

BOOST_AUTO_TEST_CASE(a_skipped_stage_does_not_spoil_a_run) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a", condition::failed}})}));
  end_stage(id, "a", good);
  BOOST_TEST((run(id).state == run_state::completed));
}

BOOST_AUTO_TEST_CASE(a_single_cancelled_stage_makes_a_run_partial) {
  auto id = start(pipeline({stage_after("a"), stage_after("b")}));
  end_stage(id, "a", good);
  fan_out(id, "b", 1);
  cancel(task_of(id, "b"));
  BOOST_TEST((run(id).state == run_state::partial_success));
}

BOOST_AUTO_TEST_CASE(a_stage_whose_tasks_cannot_be_created_fails_with_the_reason) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a", condition::failed}})}));
  auto fail = [&] { return fail_stage(incarnation(id, "a"), "the list is no list"); };
  fan_out(id, "a", 0, 3, false);
  auto task = claim_one();
  end_tasks({good});
  BOOST_TEST(fail());
  // It waits for the task that runs; the other one will never start.
  BOOST_TEST((state_of(id, "a") == stage_state::running));
  BOOST_TEST(was_announced(topic::task_cancel, task.id.value));
  BOOST_TEST(claim(5).empty());
  finish(task, good);
  BOOST_TEST((state_of(id, "a") == stage_state::failed));
  BOOST_TEST(stage(id, "a").error == "the list is no list");
  BOOST_TEST((state_of(id, "b") == stage_state::fanning));
  BOOST_TEST(!fail()); // Says nothing any more.
  BOOST_TEST(events.empty());
}

BOOST_AUTO_TEST_CASE(a_stage_that_fails_before_its_first_task_ends_at_once) {
  auto id = start(pipeline({stage_after("a")}));
  fail_stage(incarnation(id, "a"), "x");
  BOOST_TEST((state_of(id, "a") == stage_state::failed));
  BOOST_TEST((run(id).state == run_state::failed));
}

BOOST_AUTO_TEST_CASE(outputs_come_in_the_order_of_their_items_and_of_successes_only) {
  auto id = start(pipeline({stage_after("a")}));
  fan_out(id, "a", 4);
  auto tasks = claim(4);
  finish(tasks[3], task_outcome::success());
  finish(tasks[2], task_outcome::partial(R"({"x":2})", "half"));
  finish(tasks[1], bad);
  finish(tasks[0], task_outcome::success("[0]"));
  auto snapshot = view();
  auto outputs = storage::stage_outputs(snapshot, id, "a");
  BOOST_TEST((outputs == std::vector<std::string>{"[0]", R"({"x":2})", "null"}));
  BOOST_TEST(storage::stage_outputs(snapshot, id, "b").empty());
}

BOOST_AUTO_TEST_CASE(outputs_that_are_too_large_together_are_not_all_read) {
  auto id = start(pipeline({stage_after("a")}));
  fan_out(id, "a", 3);
  for (auto& task : claim(3))
    finish(task, task_outcome::success(R"("12345678")"));
  auto snapshot = view();
  BOOST_TEST(storage::stage_outputs(snapshot, id, "a", 30).size() == 3u);
  auto failure = tests::failure_of([&] { storage::stage_outputs(snapshot, id, "a", 29); });
  BOOST_REQUIRE(failure.has_value());
  BOOST_TEST((failure->code() == errc::too_large));
  BOOST_TEST(tests::contains(failure->what(), "the outputs of the stage 'a'"));
}

BOOST_AUTO_TEST_CASE(tasks_are_listed_by_run_and_stage) {
  auto first = start(pipeline({stage_after("a"), stage_after("b")}));
  auto second = start(pipeline({stage_after("a")}));
  enqueue(work());
  fan_out(second, "a", 1);
  fan_out(first, "b", 2);
  fan_out(first, "a", 1);
  auto snapshot = view();
  task_filter filter;
  filter.run = first;
  auto all = storage::list_tasks(snapshot, filter);
  BOOST_REQUIRE(all.size() == 3u);
  BOOST_TEST((all[0].id < all[1].id && all[1].id < all[2].id));
  BOOST_TEST((all[0].run == first));
  BOOST_TEST(all[0].stage == "b");
  BOOST_TEST(all[1].item == 1);
  filter.stage = "b";
  filter.after = all[0].id;
  BOOST_TEST(storage::list_tasks(snapshot, filter).size() == 1u);
  filter = {};
  filter.stage = "a";
  filter.limit = 1;
  BOOST_TEST((storage::list_tasks(snapshot, filter).at(0).run == second));
}

BOOST_AUTO_TEST_CASE(runs_are_listed_newest_first_and_found_by_definition) {
  auto other = pipeline({stage_after("a")});
  other.name = "q";
  auto changed = pipeline({stage_after("a")});
  changed.source = "{}";
  auto first = start(pipeline({stage_after("a")}));
  auto second = start(pipeline({stage_after("a")}));
  start(changed);
  start(other);
  auto snapshot = view();
  auto newest = [&] { return storage::newest_open_run(snapshot, "p", R"({"name":"p"})"); };
  BOOST_TEST((newest() == second));
  BOOST_TEST(storage::count_open_runs(snapshot, "p") == 3);
  end_stage(second, "a", good);
  BOOST_TEST((newest() == first));
  BOOST_TEST(storage::count_open_runs(snapshot, "p") == 2);
  BOOST_TEST(!storage::newest_open_run(snapshot, "p", "[]"));
  run_filter filter;
  BOOST_TEST(storage::list_runs(snapshot, filter).size() == 4u);
  filter.pipeline = "p";
  filter.limit = 2;
  auto runs = storage::list_runs(snapshot, filter);
  BOOST_REQUIRE(runs.size() == 2u);
  BOOST_TEST(runs[0].id.value == 3);
  BOOST_TEST((runs[1].id == second));
  BOOST_TEST(runs[1].stages.at(0).completed == 1);
  filter = {};
  filter.state = run_state::completed;
  BOOST_TEST((storage::list_runs(snapshot, filter).at(0).id == second));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/pipeline_service.hpp"

#include "quire/actors/task_service.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/tests/support/service_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct pipeline_fixture : tests::service_fixture {
  pipeline_fixture() {
    options.env = env;
    options.writer = relayed;
    options.readers = readers;
    options.boot = boot;
    options.tasks_per_write = 10;
    working.env = env;
    working.writer = writer;
    working.readers = readers;
    working.boot = boot;
    working.handlers["work"] = [this](task_context& context) {
      ++ran[context.task.payload];
      if (failing.contains(context.task.payload))
        return task_outcome::failure("on purpose", error_class::permanent);
      return task_outcome::success(output);
    };
  }

  void start() { pipelines = keep(actors::spawn_pipeline_service(system, options)); }
  void start_tasks() { tasks = keep(actors::spawn_task_service(system, working)); }

  run_id run(const std::string& stages, std::map<std::string, std::string> params = {}) {
    auto answer = call<run_started>(pipelines, start_run{definition(stages), std::move(params)});
    BOOST_REQUIRE_MESSAGE(answer, answer.text());
    return answer->run;
  }

  static std::string definition(const std::string& stages) {
    return R"({"name": "p", "params": {"root": "."}, "stages": [)" + stages + "]}";
  }

  // A stage whose tasks have their item as payload.
  static std::string each(const std::string& name, int items, const std::string& more = "") {
    std::string list;
    for (int i = 0; i < items; ++i)
      list += (i ? "," : "") + std::to_string(i);
    return R"({"name": ")" + name + R"(", "for_each": [)" + list
           + R"(], "task": {"kind": "work", "payload": "{{item}}"})" + more + "}";
  }

  run_record record(run_id id) {
    return *look([&](storage::snapshot& db) { return storage::find_run(db, id); });
  }

  stage_state stage(run_id id, std::size_t position) { return record(id).stages[position].state; }

  // Ends all tasks that are ready, oldest first, as another process would.
  void end_ready(std::vector<task_outcome> outcomes) {
    direct([&](storage::transaction& tx) {
      const std::vector<std::string> kinds{"work"};
      for (auto& task : storage::claim_tasks(tx, kinds, outcomes.size(), boot, 1)) {
        storage::finish_attempt(tx, task.id, task.epoch, outcomes.front(), 1, 1);
        outcomes.erase(outcomes.begin());
      }
    });
    BOOST_REQUIRE(outcomes.empty());
  }

  // Interrupts the service when it has created so many tasks of stage "b".
  void run_until_created(std::int64_t tasks_min) {
    for (int i = 0; i < 10'000 && scheduler.has_job(); ++i) {
      if (number("SELECT total FROM quire_stage WHERE name = 'b'") >= tasks_min)
        return;
      scheduler.run_once();
    }
    BOOST_FAIL("the tasks were not created");
  }

  std::int64_t count(const std::string& name) { return counter_of(status(pipelines), name); }

  actors::pipeline_service_options options;
  actors::task_service_options working;
  pipeline_service_actor pipelines;
  task_service_actor tasks;
  std::map<std::string, int> ran;
  std::set<std::string> failing;
  std::string output = "\"out\"";
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(pipeline_service, pipeline_fixture)

BOOST_AUTO_TEST_CASE(a_run_goes_through_its_stages_without_time_passing) {
  start();
  start_tasks();
  auto id = run(each("a", 3) + "," + each("b", 2, R"(, "after": ["a"])"));
  auto done = call<run_record>(pipelines, await_run{id});
  BOOST_REQUIRE(done);
  BOOST_TEST((done->state == run_state::completed));
  BOOST_TEST(count("tasks_created") == 5);
  BOOST_TEST(count("stages_started") == 2);
  BOOST_TEST(count("runs_finished") == 1);
}

BOOST_AUTO_TEST_CASE(tasks_are_created_in_portions) {
  start();
  auto before = faults->calls;
  auto id = run(each("a", 35));
  settle();
  BOOST_TEST(record(id).stages[0].total == 35);
  BOOST_TEST(record(id).stages[0].sealed);
  BOOST_TEST(faults->calls - before == 1 + 4);
}

// The second portion fails, and then the whole service dies.
BOOST_AUTO_TEST_CASE(an_interrupted_fan_out_goes_on_where_it_stopped) {
  start();
  auto id = run(each("a", 0) + "," + each("b", 35));
  settle();
  kill(pipelines);
  direct([&](storage::transaction& tx) {
    tx.execute("DELETE FROM quire_task WHERE item >= 12");
    tx.execute("UPDATE quire_stage SET state = 1, sealed = 0, total = 12 WHERE name = 'b'");
  });
  start();
  start_tasks();
  settle();
  BOOST_TEST((record(id).state == run_state::completed));
  BOOST_TEST(ran.size() == 35u);
  for (auto& [item, times] : ran)
    BOOST_TEST(times == 1);
  BOOST_TEST(count("tasks_created") == 23);
}

// Looking again would not bring it back: the stage fails and says so, and nothing hangs.
BOOST_AUTO_TEST_CASE(a_stage_fails_that_needs_an_output_whose_file_is_gone) {
  start();
  auto id = run(each("a", 1) + R"(, {"name": "b", "for_each": "a", "task": {"kind": "work",
                "payload": "{{item}}"}, "after": ["a"]})");
  settle();
  auto gone = task_outcome::success();
  gone.output_file = "1-1";
  end_ready({gone});
  advance(6s, 1s);
  BOOST_TEST((stage(id, 1) == stage_state::failed));
  BOOST_TEST((record(id).state == run_state::failed));
  BOOST_TEST(record(id).stages[1].error.find("put the file back") != std::string::npos);
}

// In the middle of its list the stage starts over, and its list is another one by
// the time when the next portion comes.
BOOST_AUTO_TEST_CASE(a_stage_that_starts_over_in_the_middle_of_its_fan_out_gets_all_its_tasks) {
  start();
  auto id = run(each("a", 2) + R"(, {"name": "b", "for_each": "a", "task": {"kind": "work",
                "payload": "{{item}}"}, "after": [{"stage": "a", "when": "not_failed"}]})");
  settle();
  auto list = [](const std::string& mark) {
    std::string text;
    for (int i = 0; i < 35; ++i)
      text += (i ? ",\"" : "[\"") + mark + std::to_string(i) + "\"";
    return task_outcome::success(text + "]");
  };
  end_ready({list("old"), task_outcome::failure("on purpose", error_class::permanent)});
  scheduler.advance_time(6s);
  run_until_created(10);
  direct([&](storage::transaction& tx) {
    tx.execute("UPDATE quire_task_result SET output = replace(output, 'old', 'new')");
    auto failed = tx.prepare("SELECT id FROM quire_task WHERE state = 12");
    BOOST_REQUIRE(failed->step());
    storage::retry_task(tx, task_id{failed->int64(0)}, 1);
  });
  end_ready({task_outcome::success(R"(["last"])")});
  BOOST_TEST((stage(id, 1) == stage_state::fanning));
  settle(); // No time passes.
  BOOST_TEST((stage(id, 1) == stage_state::running));
  BOOST_TEST(record(id).stages[1].total == 36);
  start_tasks();
  advance(11s, 1s);
  BOOST_TEST((record(id).state == run_state::completed));
  BOOST_TEST(ran.size() == 36u);
  BOOST_TEST(ran.contains("\"new0\""));
  BOOST_TEST(ran.contains("\"last\""));
}

BOOST_AUTO_TEST_CASE(a_stage_that_was_cancelled_and_opened_again_gets_all_its_tasks) {
  start();
  auto sent = send(pipelines, start_run{definition(each("b", 35)), {}});
  run_until_created(10);
  direct([&](storage::transaction& tx) {
    storage::cancel_run(tx, run_id{1}, "by mistake", 1);
    auto task = tx.prepare("SELECT id FROM quire_task WHERE item = 3");
    BOOST_REQUIRE(task->step());
    storage::retry_task(tx, task_id{task->int64(0)}, 1);
  });
  auto id = receive<run_started>(std::move(sent))->run; // No time passes.
  BOOST_TEST((stage(id, 0) == stage_state::running));
  BOOST_TEST(record(id).stages[0].total == 35);
  BOOST_TEST(number("SELECT count(DISTINCT item) FROM quire_task") == 35);
}

// There is room for four at a time.
BOOST_AUTO_TEST_CASE(stages_that_cannot_be_written_are_in_nobodys_way) {
  start();
  std::string stages = each("s0", 1);
  for (int i = 1; i < 6; ++i)
    stages += "," + each("s" + std::to_string(i), 1);
  auto sent = send(pipelines, start_run{definition(stages), {}});
  while (faults->calls == 0)
    scheduler.run_once();
  faults->refused = 4;
  auto id = receive<run_started>(std::move(sent))->run;
  settle();
  BOOST_TEST(faults->calls == 7); // Nor is there a second try without a pause.
  for (std::size_t i = 0; i < 6; ++i)
    BOOST_TEST((stage(id, i) == (i < 4 ? stage_state::fanning : stage_state::running)));
  advance(6s, 1s);
  for (std::size_t i = 0; i < 6; ++i)
    BOOST_TEST((stage(id, i) == stage_state::running));
}

BOOST_AUTO_TEST_CASE(a_portion_that_cannot_be_written_is_tried_again_later) {
  start();
  faults->refused = 0;
  auto sent = send(pipelines, start_run{definition(each("a", 25)), {}});
  // The run itself is written, its tasks are not.
  while (faults->calls == 0)
    scheduler.run_once();
  faults->refused = 2;
  auto id = receive<run_started>(std::move(sent))->run;
  settle();
  BOOST_TEST((stage(id, 0) == stage_state::fanning));
  BOOST_TEST(!status(pipelines).note.empty());
  advance(11s, 1s);
  BOOST_TEST((stage(id, 0) == stage_state::running));
  BOOST_TEST(record(id).stages[0].total == 25);
}

BOOST_AUTO_TEST_CASE(an_answer_that_was_lost_creates_no_task_twice) {
  start();
  auto sent = send(pipelines, start_run{definition(each("a", 25)), {}});
  while (faults->calls == 0)
    scheduler.run_once();
  faults->unanswered = 1;
  auto id = receive<run_started>(std::move(sent))->run;
  advance(6s, 1s);
  BOOST_TEST(record(id).stages[0].total == 25);
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 25);
}

BOOST_AUTO_TEST_CASE(a_stage_whose_tasks_cannot_be_made_fails_and_what_follows_is_skipped) {
  start();
  start_tasks();
  output = "\"no list\"";
  auto id = run(R"({"name": "a", "task": {"kind": "work", "payload": "1"}},
                   {"name": "b", "after": ["a"], "for_each": "a",
                   "task": {"kind": "work", "payload": "{{item}}"}},)"
                + each("c", 1, R"(, "after": ["b"])"));
  settle();
  BOOST_TEST((stage(id, 0) == stage_state::completed));
  BOOST_TEST((stage(id, 1) == stage_state::failed));
  BOOST_TEST(!record(id).stages[1].error.empty());
  BOOST_TEST((stage(id, 2) == stage_state::skipped));
  BOOST_TEST((record(id).state == run_state::failed));
}

BOOST_AUTO_TEST_CASE(a_stage_that_would_take_too_much_from_another_fails_and_says_so) {
  options.outputs_bytes_max = 20;
  start();
  start_tasks();
  output = R"(["x", "y"])";
  auto id = run(each("a", 3) + R"(, {"name": "b", "after": ["a"], "for_each": "a",
                                     "task": {"kind": "work", "payload": "{{item}}"}})");
  settle();
  BOOST_TEST((stage(id, 0) == stage_state::completed));
  BOOST_TEST((stage(id, 1) == stage_state::failed));
  BOOST_TEST(record(id).stages[1].error.find("larger than 20 bytes") != std::string::npos);
  BOOST_TEST((record(id).state == run_state::failed));
}

BOOST_AUTO_TEST_CASE(a_list_that_a_stage_put_out_becomes_tasks) {
  start();
  start_tasks();
  output = R"(["x", "y"])";
  auto id = run(R"({"name": "a", "task": {"kind": "work", "payload": "first"}},
                   {"name": "b", "after": ["a"], "for_each": "a",
                    "task": {"kind": "work", "payload": "{{item}}"}})");
  settle();
  BOOST_TEST((record(id).state == run_state::completed));
  BOOST_TEST(record(id).stages[1].total == 2);
}

BOOST_AUTO_TEST_CASE(a_failed_item_makes_partial_success_where_the_policy_says_so) {
  start();
  start_tasks();
  settle();
  auto probe = run(each("a", 3));
  settle();
  auto payload = ran.begin()->first;
  failing.insert(payload);
  ran.clear();
  auto id = run(each("a", 3, R"(, "success": {"min_percent": 50})") + ","
                + each("b", 1, R"(, "after": [{"stage": "a", "when": "not_failed"}])"));
  settle();
  BOOST_TEST((record(probe).state == run_state::completed));
  BOOST_TEST((stage(id, 0) == stage_state::partial_success));
  BOOST_TEST(is_terminal(record(id).state));
  BOOST_TEST((record(id).state != run_state::completed));
}

// Nobody here runs its kind. What follows is told in the same commit.
BOOST_AUTO_TEST_CASE(a_stage_whose_task_is_not_started_in_time_fails) {
  start();
  start_tasks();
  auto id = run(R"({"name": "a", "task": {"kind": "elsewhere", "start_within_s": 3}},)"
                + each("b", 2, R"(, "after": ["a"])") + ","
                + each("c", 1, R"(, "after": [{"stage": "a", "when": "failed"}])"));
  advance(2900ms, 100ms);
  BOOST_TEST((stage(id, 0) == stage_state::running));
  advance(200ms, 100ms);
  BOOST_TEST((stage(id, 0) == stage_state::failed));
  BOOST_TEST((stage(id, 1) == stage_state::skipped));
  BOOST_TEST((stage(id, 2) == stage_state::completed));
  BOOST_TEST((record(id).state == run_state::failed));
  auto late = task(task_id{1});
  BOOST_TEST(late.error == "it had not started when its time was up");
  BOOST_TEST((late.error_kind == error_class::timeout));
}

// It has many attempts left.
BOOST_AUTO_TEST_CASE(a_stage_whose_task_has_not_ended_in_time_fails) {
  working.handlers["flaky"] = [this](task_context&) {
    ++ran["flaky"];
    return task_outcome::failure("no luck", error_class::transient);
  };
  start();
  start_tasks();
  auto id = run(R"({"name": "a", "optional": true, "task": {"kind": "flaky", "end_within_s": 5,
                    "max_attempts": 1000, "backoff_s": 2, "backoff_factor": 1}})");
  settle();
  BOOST_TEST((stage(id, 0) == stage_state::running));
  advance(6s, 100ms);
  BOOST_TEST((stage(id, 0) == stage_state::failed));
  BOOST_TEST((record(id).state == run_state::partial_success));
  BOOST_TEST((ran["flaky"] > 1 && ran["flaky"] < 4));
  BOOST_TEST(task(task_id{1}).error.find("its time is up") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_wrong_definition_or_parameter_starts_nothing) {
  start();
  auto broken = call<run_started>(pipelines, start_run{definition(R"({"name": "a"})"), {}});
  BOOST_TEST(broken.failed_with(errc::invalid_argument));
  BOOST_TEST(broken.text().find("stages[0]") != std::string::npos);
  auto unknown = call<run_started>(pipelines, start_run{definition(each("a", 1)), {{"rot", "x"}}});
  BOOST_TEST(unknown.failed_with(errc::invalid_argument));
  BOOST_TEST(number("SELECT count(*) FROM quire_run") == 0);
}

BOOST_AUTO_TEST_CASE(a_cancelled_run_ends_and_its_waiters_are_told) {
  start();
  auto id = run(each("a", 3) + "," + each("b", 1, R"(, "after": ["a"])"));
  auto waiting = send(pipelines, await_run{id});
  settle();
  auto changed = call<run_changed>(pipelines, cancel_run{id, "enough"});
  BOOST_REQUIRE(changed);
  auto told = receive<run_record>(std::move(waiting));
  BOOST_REQUIRE(told);
  BOOST_TEST((told->state == run_state::cancelled));
  BOOST_TEST(call<run_changed>(pipelines, cancel_run{run_id{77}, ""}).failed_with(errc::not_found));
  BOOST_TEST(call<run_record>(pipelines, await_run{run_id{77}}).failed_with(errc::not_found));
}

// More stages at once than the service works on.
BOOST_AUTO_TEST_CASE(many_stages_that_may_start_together_all_do) {
  start();
  std::string stages = each("s0", 12);
  for (int i = 1; i < 12; ++i)
    stages += "," + each("s" + std::to_string(i), 12);
  auto id = run(stages);
  settle();
  for (auto& one : record(id).stages)
    BOOST_TEST((one.state == stage_state::running));
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 144);
}

BOOST_AUTO_TEST_CASE(a_stage_of_another_process_is_found_by_the_safety_net) {
  start();
  auto id = run(each("a", 2));
  direct([&](storage::transaction& tx) {
    tx.execute("DELETE FROM quire_task");
    tx.execute("UPDATE quire_stage SET state = 1, sealed = 0, total = 0");
  });
  settle();
  BOOST_TEST((stage(id, 0) == stage_state::fanning));
  advance(6s, 1s);
  BOOST_TEST((stage(id, 0) == stage_state::running));
}

BOOST_AUTO_TEST_CASE(a_drain_answers_and_ends_the_service) {
  start();
  run(each("a", 35));
  BOOST_TEST(bool(call<drained>(pipelines, drain{})));
  BOOST_TEST(!call<run_started>(pipelines, start_run{definition(each("a", 1)), {}}));
}

BOOST_AUTO_TEST_CASE(a_drain_waits_for_requests_that_are_being_written) {
  start();
  auto started = send(pipelines, start_run{definition(each("a", 1)), {}});
  auto done = send(pipelines, drain{});
  auto answer = receive<run_started>(std::move(started));
  BOOST_REQUIRE_MESSAGE(answer, answer.text());
  BOOST_TEST(number("SELECT count(*) FROM quire_run") == 1);
  BOOST_TEST(bool(receive<drained>(std::move(done))));
}

BOOST_AUTO_TEST_SUITE_END()

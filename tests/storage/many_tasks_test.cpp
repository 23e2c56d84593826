// What is done to many tasks with one statement is what would be done to one after the other.

#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <tuple>

using namespace quire;
using namespace quire::tests;
using namespace std::string_literals;

namespace {

/// All rows of tasks, in order.
std::vector<std::string> rows_of(storage::connection& db) {
  std::vector<std::string> result;
  for (auto* table : {"quire_task", "quire_task_body", "quire_lane", "quire_gate", "quire_task_key"}) {
    auto stmt = db.prepare(std::string{"SELECT * FROM "} + table + " ORDER BY 1, 2");
    while (stmt->step()) {
      std::string row = table;
      for (int i = 0; i < stmt->column_count(); ++i)
        row += "|" + (stmt->is_null(i) ? "null" : stmt->text(i));
      result.push_back(row);
    }
  }
  return result;
}

std::vector<task_spec> tasks_of_all_sorts(std::int64_t now) {
  std::vector<task_spec> specs;
  for (int i = 0; i < 100; ++i) {
    auto& spec = specs.emplace_back(store_fixture::work(i % 7 == 0 ? "other" : "work"));
    spec.payload = "{\"i\": " + std::to_string(i) + "}";
    spec.priority = static_cast<task_priority>(i % 4);
    spec.tenant = i % 5 == 0 ? "acme" : "";
    spec.timeout = std::chrono::milliseconds{i * 1000};
    spec.retry = {1 + i % 9, std::chrono::milliseconds{i}, 1.5 + i, std::chrono::milliseconds{i * 2},
                  0.01 * i};
    spec.crashes_max = i % 4;
    spec.start_within = std::chrono::milliseconds{i % 3 * 1000};
    spec.end_within = std::chrono::milliseconds{i % 3 * 5000};
    spec.heartbeat = std::chrono::milliseconds{i % 2 * 700};
    spec.head_start = std::chrono::minutes{i % 6};
    if (i % 11 == 0)
      spec.run_at_ms = now + i;
    if (i == 40 || i == 41) {
      spec.gate = "gate";
      spec.gate_capacity = 1;
    }
    if (i == 60 || i == 61)
      spec.unique.key = "key";
    if (i == 80)
      spec.subtasks.assign(20, store_fixture::work("part"));
  }
  return specs;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(many_tasks, run_fixture)

BOOST_AUTO_TEST_CASE(tasks_enqueued_together_are_as_if_enqueued_one_by_one) {
  auto specs = tasks_of_all_sorts(now);
  auto put = write([&](auto& tx) { return storage::put_tasks(tx, specs, now); });
  BOOST_REQUIRE(put.size() == specs.size());
  store_fixture other;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    auto one = other.write([&](auto& tx) { return storage::put_task(tx, specs[i], now); });
    BOOST_TEST(put[i].id.value == one.id.value, i);
    BOOST_TEST(put[i].is_new == one.is_new, i);
  }
  BOOST_TEST(rows_of(db) == rows_of(other.db), boost::test_tools::per_element());
  BOOST_TEST(details(put[37].id).payload == specs[37].payload);
  BOOST_TEST(wrong().empty());
}

BOOST_AUTO_TEST_CASE(it_is_announced_once_that_there_is_work_and_when_there_is_more) {
  std::vector<task_spec> specs(50, work());
  specs[20].run_at_ms = now + 500;
  write([&](auto& tx) { storage::put_tasks(tx, specs, now); });
  BOOST_TEST(announced(event::topic::task_ready).size() == 2u);
  BOOST_TEST(was_announced(event::topic::task_ready, now + 500));
}

BOOST_AUTO_TEST_CASE(one_that_is_not_valid_refuses_those_with_it) {
  std::vector<task_spec> specs(50, work());
  specs[33].kind = "";
  auto refused = failure_of(
    [&] { write([&](auto& tx) { storage::put_tasks(tx, specs, now); }); });
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->code() == errc::invalid_argument));
  BOOST_TEST(refused->what() == "no task was created: tasks[33]: kind must be 1 to 100 bytes long; "
                                "correct it and try again"s);
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 0);
}

// Or payloads would go to the wrong tasks.
BOOST_AUTO_TEST_CASE(a_trigger_that_keeps_tasks_out_is_found_out) {
  db.execute("CREATE TRIGGER no_low BEFORE INSERT ON quire_task WHEN new.priority = 3 "
             "BEGIN SELECT RAISE(IGNORE); END");
  std::vector<task_spec> specs(40, work());
  specs[9].priority = task_priority::low;
  auto refused = failure_of(
    [&] { write([&](auto& tx) { storage::put_tasks(tx, specs, now); }); });
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->code() == errc::conflict));
  BOOST_TEST(contains(refused->what(), "a trigger on quire_task"));
}

BOOST_AUTO_TEST_CASE(each_of_many_claims_hands_over_what_was_asked_for_it) {
  std::vector<task_spec> specs;
  for (int i = 0; i < 30; ++i) {
    auto& spec = specs.emplace_back(work());
    spec.payload = std::to_string(i);
    spec.timeout = std::chrono::milliseconds{1000 + i};
    spec.heartbeat = std::chrono::milliseconds{100 + i};
    spec.retry = {1 + i, std::chrono::milliseconds{i}, 1.0 + i, std::chrono::milliseconds{2 * i},
                  0.01 * i};
    if (i % 2 == 0)
      spec.end_within = std::chrono::milliseconds{500 + i};
    // Not in the order of their ids.
    spec.head_start = std::chrono::minutes{i * 7 % 30};
  }
  auto put = write([&](auto& tx) { return storage::put_tasks(tx, specs, now); });
  auto claimed = claim(30);
  BOOST_REQUIRE(claimed.size() == 30u);
  for (std::size_t i = 0; i < claimed.size(); ++i) {
    auto number = static_cast<std::size_t>(claimed[i].id.value - put.front().id.value);
    BOOST_TEST(specs[number].head_start.count() == static_cast<int>(29 - i));
    BOOST_TEST(claimed[i].payload == specs[number].payload);
    bool in_time = specs[number].end_within.count() > 0;
    BOOST_TEST(claimed[i].is_last_call == in_time);
    BOOST_TEST(claimed[i].timeout.count()
               == (in_time ? specs[number].end_within : specs[number].timeout).count());
    BOOST_TEST(claimed[i].heartbeat.count() == specs[number].heartbeat.count());
    auto& retry = specs[number].retry;
    BOOST_TEST(claimed[i].attempts_max == retry.attempts_max);
    BOOST_TEST(claimed[i].retry.attempts_max == retry.attempts_max);
    BOOST_TEST(claimed[i].retry.base.count() == retry.base.count());
    BOOST_TEST(claimed[i].retry.factor == retry.factor);
    BOOST_TEST(claimed[i].retry.cap.count() == retry.cap.count());
    BOOST_TEST(claimed[i].retry.jitter == retry.jitter);
    BOOST_TEST(claimed[i].epoch == 1);
    BOOST_TEST(claimed[i].attempt == 1);
    BOOST_TEST((state(claimed[i].id) == task_state::running));
  }
}

BOOST_AUTO_TEST_CASE(one_without_payload_is_named_and_nothing_is_claimed) {
  std::vector<task_spec> specs(10, work());
  auto put = write([&](auto& tx) { return storage::put_tasks(tx, specs, now); });
  write([&](auto& tx) { tx.execute("DELETE FROM quire_task_body WHERE id = ?1", put[6].id.value); });
  auto refused = failure_of([&] { claim(10); });
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->code() == errc::corrupt));
  BOOST_TEST(contains(refused->what(), "task " + std::to_string(put[6].id.value) + " "));
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 3") == 0);
}

BOOST_AUTO_TEST_CASE(ends_of_many_attempts_are_written_as_one_by_one) {
  auto specs = std::vector<task_spec>(12, work());
  specs[1].gate = "gate";
  specs[1].gate_capacity = 1;
  specs[2].unique.key = "key";
  write([&](auto& tx) { storage::put_tasks(tx, specs, now); });
  auto waits = enqueue(gated("gate"));
  auto claimed = claim(12);
  BOOST_REQUIRE(claimed.size() == 12u);
  auto success = task_outcome::success("done");
  auto failure = task_outcome::failure("no", error_class::permanent);
  db.execute("CREATE TABLE effect(task INTEGER)");
  auto with_effect = task_outcome::success();
  with_effect.effects = [id = claimed[6].id](storage::transaction& tx) {
    tx.execute("INSERT INTO effect VALUES(?1)", id.value);
  };
  std::vector<storage::ended_attempt> ended;
  for (auto& one : claimed)
    ended.push_back({one.id, one.epoch, &success});
  ended[4].outcome = &failure;
  ended[5].epoch = 7; // Somebody else's.
  ended[6].outcome = &with_effect;
  ended[7].crashed = true;
  ended[8].task = task_id{4711};
  ended.push_back(ended[0]); // Twice.
  ++now;
  auto ends = write([&](auto& tx) { return storage::finish_attempts(tx, ended, now); });
  using enum task_state;
  const std::vector<std::tuple<bool, task_state>> expected{
    {true, completed}, {true, completed},  {true, completed}, {true, completed}, {true, failed},
    {false, running},  {true, completed},  {true, ready},     {false, cancelled}, {true, completed},
    {true, completed}, {true, completed},  {false, completed}};
  BOOST_REQUIRE(ends.size() == expected.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    auto [accepted, where] = expected[i];
    BOOST_TEST(ends[i].accepted == accepted, i);
    BOOST_TEST((ends[i].state == where), i);
  }
  for (std::size_t i : {0u, 1u, 2u, 3u, 9u}) {
    auto seen = details(claimed[i].id);
    BOOST_TEST((seen.task.state == completed), i);
    BOOST_TEST(seen.output == "done", i);
    BOOST_TEST(seen.task.finished_at_ms.value() == now, i);
    BOOST_TEST(was_announced(event::topic::task_finished, claimed[i].id.value), i);
  }
  BOOST_TEST(number("SELECT count(*) FROM effect") == 1);
  BOOST_TEST(number("SELECT task FROM effect") == claimed[6].id.value);
  BOOST_TEST((state(waits) == ready)); // It has the place in the gate.
  BOOST_TEST((state(claimed[8].id) == running));
  BOOST_TEST(number("SELECT count(*) FROM quire_task_key") == 0);
  BOOST_TEST(number("SELECT completed FROM quire_commit") == 8);
  BOOST_TEST(wrong().empty());
}

BOOST_AUTO_TEST_CASE(items_that_have_their_task_are_left_alone) {
  start(pipeline({stage_after("a")}));
  auto target = fanning().at(0).stage;
  std::vector<task_spec> specs(3, work());
  write([&](auto& tx) { storage::enqueue_stage_tasks(tx, specs, target.stage, 2, now); });
  auto there = number("SELECT max(id) FROM quire_task");
  for (auto& spec : specs)
    spec.payload = "other";
  specs.resize(10, specs[0]);
  write([&](auto& tx) { storage::enqueue_stage_tasks(tx, specs, target.stage, 0, now); });
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 10);
  BOOST_TEST(number("SELECT count(DISTINCT item) FROM quire_task") == 10);
  BOOST_TEST(number("SELECT count(*) FROM quire_task t JOIN quire_task_body b USING(id) "
                    "WHERE item BETWEEN 2 AND 4 AND payload = '{}' AND id <= "
                    + std::to_string(there))
             == 3);
}

BOOST_AUTO_TEST_SUITE_END()

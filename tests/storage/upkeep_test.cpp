#include "quire/storage/sqlite/upkeep.hpp"
#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

using namespace quire;

BOOST_FIXTURE_TEST_SUITE(upkeep, tests::store_fixture)

BOOST_AUTO_TEST_CASE(the_newest_record_of_each_operation_is_found_by_name) {
  write([](auto& tx) {
    storage::record_maintenance(tx, {"prune", 1, 2, 10, ""});
    storage::record_maintenance(tx, {"checkpoint", 3, 4, 0, "the disk is full"});
    storage::record_maintenance(tx, {"prune", 5, 6, 20, ""});
  });
  auto snapshot = view();
  auto last = storage::last_maintenance(snapshot);
  BOOST_REQUIRE(last.size() == 2u);
  BOOST_TEST(last[0].operation == "checkpoint");
  BOOST_TEST(last[0].error == "the disk is full");
  BOOST_TEST(last[1].operation == "prune");
  BOOST_TEST(last[1].started_at_ms == 5);
  BOOST_TEST(last[1].ended_at_ms == 6);
  BOOST_TEST(last[1].rows == 20);
  BOOST_TEST(last[1].error.empty());
}

BOOST_AUTO_TEST_CASE(all_but_the_last_thousand_records_are_forgotten) {
  write([](auto& tx) {
    for (int i = 0; i < 1005; ++i)
      storage::record_maintenance(tx, {"prune", i, i, 0, ""});
  });
  BOOST_TEST(number("SELECT count(*) FROM quire_maintenance") == 1000);
  BOOST_TEST(number("SELECT min(started_at) FROM quire_maintenance") == 5);
}

BOOST_AUTO_TEST_CASE(tasks_whose_stage_is_gone_are_deleted_up_to_the_limit) {
  pipeline_spec spec;
  spec.name = "p";
  for (auto name : {"a", "b"}) {
    auto& stage = spec.stages.emplace_back();
    stage.name = name;
  }
  auto id = write([&](auto& tx) { return storage::create_run(tx, spec, {}, boot, now); });
  std::vector<task_spec> tasks(3, gated("g"));
  write([&](auto& tx) {
    storage::fan_out(tx, stage(id, "a").id, 0, tasks, true, now);
    storage::fan_out(tx, stage(id, "b").id, 0, tasks, true, now);
  });
  auto single = enqueue(work());
  auto gone = std::to_string(stage(id, "a").id.value);
  db.execute("PRAGMA foreign_keys = OFF; DELETE FROM quire_stage WHERE id = " + gone
             + "; PRAGMA foreign_keys = ON");
  auto clean = [&] { return write([&](auto& tx) { return storage::delete_orphans(tx, 2); }); };
  BOOST_TEST(clean() == 2);
  BOOST_TEST(clean() == 1);
  BOOST_TEST(clean() == 0);
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE stage_id = " + gone) == 0);
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 4);
  BOOST_TEST((state(single) == task_state::ready));
  // The place of the deleted ones went to those that waited for it.
  BOOST_TEST(number("SELECT used FROM quire_gate") == 1);
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE gate = 'g' AND state = 1") == 1);
}

// Whether foreign keys are enforced is for the application to say.
BOOST_AUTO_TEST_CASE(what_is_deleted_leaves_nothing_behind_even_without_foreign_keys) {
  db.execute("PRAGMA foreign_keys = OFF");
  pipeline_spec spec;
  spec.name = "p";
  for (auto name : {"a", "b"})
    spec.stages.emplace_back().name = name;
  spec.stages[1].after.push_back({"a", edge_condition::any});
  auto id = write([&](auto& tx) { return storage::create_run(tx, spec, {}, boot, now); });
  std::vector<task_spec> tasks(3, work());
  write([&](auto& tx) { storage::fan_out(tx, stage(id, "a").id, 0, tasks, true, now); });
  enqueue(work());
  for (auto& task : claim(4))
    finish(task, task_outcome::success("1"));
  write([&](auto& tx) { storage::cancel_run(tx, id, "enough", now); });
  write([&](auto& tx) {
    storage::prune_tasks(tx, now + 1, 1000);
    storage::prune_runs(tx, now + 1, 1000);
  });
  for (auto table : {"run", "stage", "edge", "task", "task_body", "task_result", "task_attempt"})
    BOOST_TEST(number(std::string{"SELECT count(*) FROM quire_"} + table) == 0, table);
}

// It would be of all rows each time, and the writer would wait for it.
BOOST_AUTO_TEST_CASE(statistics_are_refreshed_of_the_tables_of_the_application_alone) {
  db.execute("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT)");
  db.execute("CREATE INDEX item_name ON item(name)");
  for (int i = 0; i < 500; ++i) {
    write([](auto& tx) { tx.execute("INSERT INTO item(name) VALUES(?1)", "a name"); });
    enqueue(work());
  }
  claim(5);
  number("SELECT count(*) FROM item WHERE name = 'another'");
  storage::optimize(db);
  storage::optimize(db);
  BOOST_TEST(db.autocommit());
  BOOST_TEST(number("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'item'") == 1);
  BOOST_TEST(number("SELECT count(*) FROM sqlite_stat1 WHERE tbl LIKE 'quire%'") == 0);
  BOOST_TEST(claim(5).size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_sound_file_has_no_problems) {
  enqueue(work());
  BOOST_TEST(storage::quick_check(db).empty());
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_noticed) {
  enqueue(work());
  // A rule that a row breaks. Our own connections refuse to write that.
  sqlite3* raw = nullptr;
  BOOST_REQUIRE(sqlite3_open((dir / "quire.db").c_str(), &raw) == SQLITE_OK);
  auto rc = sqlite3_exec(raw,
                         "PRAGMA writable_schema = ON;"
                         "UPDATE sqlite_master SET sql = replace(sql, 'TEXT', 'TEXT NOT NULL')"
                         " WHERE name = 'quire_task';",
                         nullptr, nullptr, nullptr);
  sqlite3_close(raw);
  BOOST_REQUIRE(rc == SQLITE_OK);
  db = storage::connection::open_writer(tests::impatient(dir / "quire.db"));
  BOOST_TEST(!storage::quick_check(db).empty());
}

BOOST_AUTO_TEST_SUITE_END()

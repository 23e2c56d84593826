#include "quire/storage/sqlite/schedule_sql.hpp"
#include "quire/storage/sqlite/task_filter_sql.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
namespace sql = storage::task_sql;

namespace {

struct hot_statement {
  const char* name;
  std::string_view sql;
  const char* index;       ///< What its plan must mention.
};

const std::vector<hot_statement> hot_statements{
  {"running_of_queue", sql::running_of_queue, "quire_task_running"},
  {"running_of_tenant", sql::running_of_tenant, "quire_task_running"},
  {"subtasks_of", sql::subtasks_of, "quire_task_parent"},
  {"count_subtasks", sql::count_subtasks, "quire_task_parent"},
  {"kind_row", sql::kind_row, "PRIMARY KEY"},
  {"running_of_kind", sql::running_of_kind, "quire_task_running"},
  {"running_of_breaker", sql::running_of_breaker, "quire_task_running"},
  {"any_guarded_kind", sql::any_guarded_kind, "quire_kind_breaker"},
  {"breaker_of_task", sql::breaker_of_task, "PRIMARY KEY"},
  {"expired_tasks", sql::expired_tasks, "quire_task_expiring"},
  {"next_expiry", sql::next_expiry, "quire_task_expiring"},
  {"runs_under_claim", sql::runs_under_claim, "INTEGER PRIMARY KEY"},
  {"claim_candidates", sql::claim_candidates, "quire_task_ready"},
  {"claim", sql::claim, "INTEGER PRIMARY KEY"},
  {"claimed", sql::claimed, "INTEGER PRIMARY KEY"},
  {"claim_many", sql::claim_many, "INTEGER PRIMARY KEY"},
  {"claimed_many", sql::claimed_many, "INTEGER PRIMARY KEY"},
  {"ending_alone", sql::ending_alone, "INTEGER PRIMARY KEY"},
  {"complete_many", sql::complete_many, "INTEGER PRIMARY KEY"},
  {"any_task_of_items", sql::any_task_of_items, "quire_task_stage"},
  {"task_row", sql::task_row, "INTEGER PRIMARY KEY"},
  {"end_attempt", sql::end_attempt, "INTEGER PRIMARY KEY"},
  {"key_holder", sql::key_holder, "PRIMARY KEY"},
  {"leave_key", sql::leave_key, "quire_task_key_task"},
  {"forget_keys", sql::forget_keys, "quire_task_key_until"},
  {"first_blocked", sql::first_blocked, "quire_task_blocked"},
  {"take_place", sql::take_place, "PRIMARY KEY"},
  {"give_place", sql::give_place, "PRIMARY KEY"},
  {"due_tasks", sql::due_tasks, "quire_task_due"},
  {"next_due_time", sql::next_due_time, "quire_task_due"},
  {"cancel_requests", sql::cancel_requests, "quire_task_running"},
  {"record_dead_attempts", sql::record_dead_attempts, "quire_task_running"},
  {"requeue_dead_boots", sql::requeue_dead_boots, "quire_task_running"},
  {"rest_of_dead_boots", sql::rest_of_dead_boots, "quire_task_running"},
  {"recovered_by_run", sql::recovered_by_run, "quire_task_running"},
  {"stuck_tasks", sql::stuck_tasks, "quire_task_running"},
  {"ended_tasks", sql::ended_tasks, "quire_task_ended"},
  {"tasks_of_run", sql::tasks_of_run, "quire_task_stage"},
  {"open_tasks_of_stage", sql::open_tasks_of_stage, "quire_task_stage"},
  {"tasks_of_stage", sql::tasks_of_stage, "quire_task_stage"},
  {"next_stage_with_tasks", sql::next_stage_with_tasks, "quire_task_stage"},
  {"ended_run", sql::ended_run, "quire_run_ended"},
  {"due_schedules", storage::schedule_sql::due, "quire_schedule_wake"},
  {"next_wake", storage::schedule_sql::next_wake, "quire_schedule_wake"},
  {"open_tasks_of_schedule", storage::schedule_sql::open_tasks, "PRIMARY KEY"},
};

/// A few lanes are read as quickly as looked up: statistics may change these plans.
const std::vector<hot_statement> filter_statements{
  {"waiting_lanes", sql::waiting_lanes, "quire_task_ready (lane>?)"},
  {"list_tasks", sql::list_tasks, "SEARCH t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
  {"list_tasks_of_run", sql::list_tasks_of_run, "quire_task_stage"},
  {"count_tasks_of_run", sql::count_tasks_of_run, "quire_task_stage"},
  {"list_subtasks", sql::list_subtasks, "quire_task_parent"},
  {"count_subtasks_matching", sql::count_subtasks_matching, "quire_task_parent"},
  {"bounds_of_subtasks", sql::bounds_of_subtasks, "quire_task_parent"},
  {"bounds_of_run", sql::bounds_of_run, "quire_task_stage"},
  {"task_after", sql::task_after, "INTEGER PRIMARY KEY"},
  {"next_open", sql::next_open, "SEARCH t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
  {"next_unsuccessful", sql::next_unsuccessful,
   "SEARCH t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
};

/// They count what has not ended, and read nothing else.
const std::vector<hot_statement> counting_statements{
  {"count_created", sql::count_created, "quire_task_created"},
  {"count_ready", sql::count_ready, "quire_task_ready"},
  {"count_blocked", sql::count_blocked, "quire_task_blocked"},
  {"count_running", sql::count_running, "quire_task_running"},
  {"count_due", sql::count_due, "quire_task_due"},
};

/// The lines of the plan of `text`.
std::vector<std::string> plan_of(storage::connection& db, std::string_view text) {
  std::vector<std::string> lines;
  auto stmt = db.prepare("EXPLAIN QUERY PLAN " + std::string{text});
  while (stmt->step())
    lines.push_back(stmt->text(3));
  return lines;
}

/// A scan that does not go through an index, or through one of all tasks. The
/// partial indexes of waiting and running tasks, and of schedules that fire, may be read
/// whole: they hold nothing else.
bool reads_a_whole_table(const std::string& line) {
  if (!line.starts_with("SCAN") || line == "SCAN waiting" || line == "SCAN family")
    return false;
  // A list that was bound.
  if (tests::contains(line, "VIRTUAL TABLE"))
    return false;
  for (auto index : {"quire_task_running", "quire_task_due", "quire_task_expiring", "quire_schedule_wake",
                     "quire_kind_breaker"})
    if (tests::contains(line, index))
      return false;
  return true;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(query_plan, tests::store_fixture)

BOOST_AUTO_TEST_CASE(hot_statements_use_their_index) {
  auto all = hot_statements;
  all.insert(all.end(), filter_statements.begin(), filter_statements.end());
  for (auto& [name, text, index] : all) {
    std::string plan;
    for (auto& line : plan_of(db, text)) {
      BOOST_TEST(!reads_a_whole_table(line), name << ": " << line);
      plan += line + "\n";
    }
    BOOST_TEST(tests::contains(plan, index), name << ":\n" << plan);
  }
}

BOOST_AUTO_TEST_CASE(what_has_not_ended_is_counted_by_its_index_alone) {
  for (auto& [name, text, index] : counting_statements) {
    auto plan = plan_of(db, text);
    BOOST_TEST(plan.size() == 1u, name);
    BOOST_TEST(tests::contains(plan.front(), std::string{"INDEX "} + index), name);
  }
  BOOST_TEST(tests::contains(plan_of(db, sql::count_due).front(), "COVERING"));
}

BOOST_AUTO_TEST_CASE(what_must_come_in_order_is_not_sorted) {
  for (auto text : {sql::claim_candidates, sql::first_blocked, sql::due_tasks, sql::next_due_time,
                    sql::ended_tasks, sql::stuck_tasks, sql::ended_run, sql::task_after,
                    sql::list_tasks, sql::next_open, sql::next_unsuccessful,
                    storage::schedule_sql::due, storage::schedule_sql::next_wake,
                    storage::schedule_sql::open_tasks})
    for (auto& line : plan_of(db, text))
      BOOST_TEST(!tests::contains(line, "TEMP B-TREE"), text << ": " << line);
}

// As somebody's ANALYZE leaves it when little is going on: partial indexes look small then.
BOOST_AUTO_TEST_CASE(statistics_of_a_quiet_moment_do_not_change_the_plans) {
  write([&](auto& tx) { storage::put_tasks(tx, std::vector<task_spec>(300, work()), now); });
  for (auto& task : claim(300))
    finish(task, task_outcome::success());
  for (int ready = 0; ready < 3; ++ready) {
    enqueue(work());
    enqueue(work());
    claim_one();
    db.execute("ANALYZE");
    for (auto& [name, text, index] : hot_statements)
      for (auto& line : plan_of(db, text))
        BOOST_TEST(!reads_a_whole_table(line) , name << ": " << line);
    for (auto text : {sql::claim_many, sql::complete_many, sql::ending_alone})
      for (auto& line : plan_of(db, text))
        BOOST_TEST(!tests::contains(line, "USING INDEX"), text << ": " << line);
  }
}

// The planner may choose anew once it knows how many rows there are.
BOOST_AUTO_TEST_CASE(statistics_do_not_change_the_plans) {
  std::vector<std::vector<std::string>> before;
  for (auto& x : hot_statements)
    before.push_back(plan_of(db, x.sql));
  write([&](auto& tx) {
    for (int i = 0; i < 2000; ++i)
      storage::enqueue_task(tx, i % 2 == 0 ? work() : gated("g"), now);
  });
  claim(200);
  db.execute("ANALYZE");
  for (std::size_t i = 0; i < hot_statements.size(); ++i)
    BOOST_TEST(plan_of(db, hot_statements[i].sql) == before[i], boost::test_tools::per_element());
}

// Shows that the tripwire is one: without its index a statement fails at once.
BOOST_AUTO_TEST_CASE(a_statement_without_its_index_fails) {
  db.execute("DROP INDEX quire_task_ready");
  enqueue(work());
  BOOST_TEST(tests::fails_with(errc::sql, [&] { claim(1); }));
}

BOOST_AUTO_TEST_SUITE_END()

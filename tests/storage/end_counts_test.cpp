// How many tasks have ended in each state is counted with COMMIT, and what is undone is not.

#include "quire/storage/sqlite/end_counts.hpp"

#include "quire/storage/sqlite/invariants.hpp"
#include "quire/storage/sqlite/upkeep.hpp"
#include "quire/tests/storage/batch_support.hpp"
#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::tests;

namespace {

constexpr auto completed = task_state::completed;

constexpr auto all_sql =
  "SELECT completed + partial + failed + cancelled + skipped FROM quire_commit";

struct counting_fixture : run_fixture {
  /// What was written about `state`: a column of that name.
  std::int64_t counted(task_state state) {
    return number("SELECT " + std::string{to_string(state)} + " FROM quire_commit");
  }

  /// Whether it says what a look at all tasks does.
  bool exact() {
    auto rule = storage::find_invariant("task_counts");
    return storage::find_violations(view(), *rule).count == 0;
  }

  /// Ends a task that is claimed, as a part of a transaction.
  auto ending(const task_assignment& claim, const task_outcome& outcome = task_outcome::success()) {
    return [this, claim, outcome](storage::transaction& tx) {
      storage::finish_attempt(tx, claim.id, claim.epoch, outcome, now + 1, now);
    };
  }

  std::vector<task_assignment> claimed(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      enqueue(work());
    return claim(count);
  }

  std::vector<storage::member_result> run(std::vector<member> members) {
    storage::batch_executor batch(
      [this] { return storage::connection::open_writer(impatient(dir / "quire.db")); });
    return tests::execute(batch, members);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(end_counts, counting_fixture)

BOOST_AUTO_TEST_CASE(a_batch_writes_once_what_its_members_ended) {
  auto claims = claimed(3);
  std::vector<member> members;
  for (auto& one : claims)
    members.emplace_back(ending(one));
  std::int64_t changes = 0;
  members.emplace_back(
    [&](storage::transaction& tx) { changes = tx.query_scalar<std::int64_t>(all_sql); });
  run(members);
  BOOST_TEST(changes == 0); // Not before COMMIT.
  BOOST_TEST(counted(completed) == 3);
  BOOST_TEST(exact());
}

BOOST_AUTO_TEST_CASE(what_a_failed_member_counted_is_undone_alone) {
  auto claims = claimed(3);
  auto results = run({member{ending(claims[0])}, member{[&](auto& tx) {
                        ending(claims[1])(tx);
                        throw std::runtime_error("no");
                      }},
                      member{ending(claims[2])}});
  BOOST_TEST(results[1].failure.has_value());
  BOOST_TEST(counted(completed) == 2);
  BOOST_TEST(exact());
}

BOOST_AUTO_TEST_CASE(members_that_run_again_are_counted_once) {
  auto claims = claimed(2);
  db.execute("CREATE TABLE t(x UNIQUE); INSERT INTO t VALUES(1)");
  auto results = run({member{ending(claims[0])}, many({"INSERT OR ROLLBACK INTO t VALUES(1)"}),
                      member{ending(claims[1])}});
  BOOST_TEST(results[1].failure.has_value());
  BOOST_TEST(counted(completed) == 2);
  BOOST_TEST(exact());
}

BOOST_AUTO_TEST_CASE(a_part_that_is_undone_is_not_counted) {
  auto claims = claimed(4);
  write([&](auto& tx) {
    ending(claims[0])(tx);
    {
      storage::savepoint_guard outer{db};
      ending(claims[1])(tx);
      {
        storage::savepoint_guard inner{db};
        ending(claims[2])(tx);
      }
      outer.release();
    }
    storage::savepoint_guard undone{db};
    {
      storage::savepoint_guard inner{db};
      ending(claims[3])(tx);
      inner.release();
    }
  });
  BOOST_TEST(counted(completed) == 2);
  BOOST_TEST(exact());
}

BOOST_AUTO_TEST_CASE(a_transaction_that_is_rolled_back_leaves_nothing_for_the_next) {
  auto claims = claimed(2);
  {
    storage::transaction_guard guard{db};
    storage::transaction tx{db};
    ending(claims[0])(tx);
  }
  write([](auto& tx) { tx.execute("CREATE TABLE t(x UNIQUE)"); });
  BOOST_TEST(counted(completed) == 0);
  {
    storage::transaction_guard guard{db};
    storage::transaction tx{db};
    ending(claims[0])(tx);
    tx.execute("INSERT INTO t VALUES(1)");
    BOOST_TEST(
      fails_with(errc::constraint, [&] { tx.execute("INSERT OR ROLLBACK INTO t VALUES(1)"); }));
  }
  write(ending(claims[1]));
  BOOST_TEST(counted(completed) == 1);
  BOOST_TEST(exact());
}

BOOST_AUTO_TEST_CASE(who_asks_in_a_transaction_is_told_of_its_own_ends) {
  auto claims = claimed(3);
  write(ending(claims[0]));
  write([&](auto& tx) {
    ending(claims[1])(tx);
    auto counts = storage::count_tasks_by_state(tx);
    BOOST_REQUIRE(counts.size() == 2u);
    BOOST_TEST((counts[0] == std::pair{task_state::running, std::int64_t{1}}));
    BOOST_TEST((counts[1] == std::pair{completed, std::int64_t{2}}));
    tx.write_end_counts();
    BOOST_TEST(counted(completed) == 2);
  });
  BOOST_TEST(exact());
}

// Whoever commits past `transaction_guard` must not lose what was counted.
BOOST_AUTO_TEST_CASE(a_commit_that_forgets_what_was_counted_is_refused) {
  auto claims = claimed(2);
  storage::transaction tx{db};
  db.execute("BEGIN IMMEDIATE");
  ending(claims[0])(tx);
  BOOST_TEST(fails_with(errc::constraint, [&] { db.execute("COMMIT"); }));
  BOOST_TEST((state(claims[0].id) == task_state::running));
  ending(claims[1])(tx); // Each statement commits itself.
  BOOST_TEST(counted(completed) == 1);
  BOOST_TEST(exact());
}

BOOST_AUTO_TEST_CASE(what_starts_again_or_is_deleted_is_not_counted_any_more) {
  auto claims = claimed(4);
  write(ending(claims[0]));
  write(ending(claims[1], task_outcome::failure("x", error_class::permanent)));
  write(ending(claims[2], task_outcome::failure("x", error_class::permanent)));
  cancel(enqueue(work()));
  BOOST_TEST(counted(task_state::failed) == 2);
  BOOST_TEST(counted(task_state::cancelled) == 1);
  retry(claims[1].id);
  BOOST_TEST(counted(task_state::failed) == 1);
  now += 1000;
  BOOST_TEST(write([&](auto& tx) { return storage::prune_tasks(tx, now, 2); }) == 2);
  BOOST_TEST(exact());
  BOOST_TEST(write([&](auto& tx) { return storage::prune_tasks(tx, now); }) == 1);
  BOOST_TEST(number(all_sql) == 0);
  BOOST_TEST(exact());
}

BOOST_AUTO_TEST_CASE(tasks_of_runs_are_counted_and_go_with_them) {
  auto run = start(pipeline({stage_after("a"), stage_after("b", {{"a", edge_condition::any}})}));
  fan_out(run, "a", 2);
  end_tasks({task_outcome::success(), task_outcome::failure("x", error_class::permanent)});
  end_stage(run, "b", task_outcome::success());
  BOOST_TEST(counted(completed) == 2);
  BOOST_TEST(counted(task_state::failed) == 1);
  // That of stage b goes: its stage begins again.
  retry(task_of(run, "a", 1));
  BOOST_TEST(counted(completed) == 1);
  BOOST_TEST(counted(task_state::failed) == 0);
  cancel_run(run);
  BOOST_TEST(counted(task_state::cancelled) == 1);
  BOOST_TEST(exact());
  now += 1000;
  write([&](auto& tx) { return storage::prune_runs(tx, now, 100); });
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 0);
  BOOST_TEST(number(all_sql) == 0);
}

BOOST_AUTO_TEST_CASE(every_state_that_has_tasks_is_counted) {
  auto later = work();
  later.run_at_ms = now + 1000;
  enqueue(later);
  enqueue(later);
  auto claims = claimed(4);
  write(ending(claims[0], task_outcome::failure("x")));
  write(ending(claims[1], task_outcome::partial("{}", "y")));
  write(ending(claims[2]));
  enqueue(gated("g"));
  enqueue(gated("g"));
  cancel(enqueue(work()));
  auto whole = work();
  whole.subtasks.push_back(work());
  enqueue(whole);
  auto snapshot = view();
  auto counts = storage::count_tasks_by_state(snapshot);
  using counts_of = std::vector<std::pair<task_state, std::int64_t>>;
  BOOST_TEST((counts
              == counts_of{{task_state::created, 1},
                           {task_state::ready, 2},
                           {task_state::blocked, 1},
                           {task_state::running, 1},
                           {task_state::scheduled, 2},
                           {task_state::retryable, 1},
                           {task_state::completed, 1},
                           {task_state::partial_success, 1},
                           {task_state::cancelled, 1}}));
}

// A file of before this was counted.
BOOST_AUTO_TEST_CASE(what_had_ended_before_is_counted_by_the_migration) {
  auto old = storage::connection::open_writer(impatient(dir / "old.db"));
  auto all = storage::quire_migrations();
  auto counting =
    std::ranges::find_if(all, [](auto& one) { return one.name.ends_with("_task_counts"); });
  BOOST_REQUIRE((counting != all.end()));
  storage::migrate(old, "quire", all.first(static_cast<std::size_t>(counting - all.begin())), 1);
  old.execute("INSERT INTO quire_lane VALUES(1, 'q', 'k', '')");
  for (int state : {1, 4, 10, 10, 10, 12, 13, 13})
    old.execute("INSERT INTO quire_task(lane, state, priority, ord, run_at, attempts_max, "
                "crashes_max, created_at) VALUES(1, "
                + std::to_string(state) + ", 2, 0, 0, 3, 3, 0)");
  storage::migrate(old, "quire", all, 2);
  auto rows =
    rows_of(old, "SELECT completed, partial, failed, cancelled, skipped FROM quire_commit").rows;
  BOOST_TEST((rows == std::vector<std::vector<value>>{{3, 0, 1, 2, 0}}));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/storage/sqlite/batch_executor.hpp"

#include "quire/tests/storage/batch_support.hpp"
#include "quire/tests/storage/faulty_vfs.hpp"
#include "quire/tests/storage/storage_support.hpp"

#include "quire/storage/sqlite/migrations.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::tests;
using namespace quire::storage;

namespace {

struct fixture {
  fixture() {
    migrate(batch.db(), "quire", quire_migrations(), 0);
    batch.db().execute("CREATE TABLE t(x INTEGER UNIQUE);"
                       "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
                       "CREATE TABLE child(p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
  }

  connection open() {
    ++opened;
    if (before_opening)
      before_opening();
    auto options = impatient(dir / "a.db");
    options.vfs = "faulty";
    return connection::open_writer(options);
  }

  std::vector<member_result> run(std::vector<member>& members) {
    return tests::execute(batch, members);
  }

  std::vector<member_result> run(std::vector<member>&& members) {
    return tests::execute(batch, members);
  }

  std::int64_t count(const std::string& table = "t") {
    return first_of(batch.db(), "SELECT count(*) FROM " + table).integer();
  }

  std::uint64_t stored_seq() {
    return static_cast<std::uint64_t>(
      first_of(batch.db(), "SELECT seq FROM quire_commit").integer());
  }

  std::vector<std::int64_t> numbers() {
    std::vector<std::int64_t> result;
    for (auto& row : rows_of(batch.db(), "SELECT x FROM t ORDER BY x").rows)
      result.push_back(row[0].integer());
    return result;
  }

  temp_dir dir;
  faulty_vfs disk;
  int opened = 0;
  std::function<void()> before_opening;
  batch_executor batch{[this] { return open(); }};
};

bool failed_with(const member_result& result, errc code) {
  return result.failure && result.failure->code() == code;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(batch_executor, fixture)

BOOST_AUTO_TEST_CASE(members_share_one_commit) {
  auto results =
    run({single("INSERT INTO t VALUES(5)"), many({"INSERT INTO t VALUES(6)", "DELETE FROM t"}),
         single("INSERT INTO t VALUES(7)")});
  for (auto& result : results) {
    BOOST_TEST(!result.failure);
    BOOST_TEST(result.commit_seq == 1u);
  }
  BOOST_TEST(results[0].rows_changed == 1);
  BOOST_TEST(results[1].rows_changed == 3);
  BOOST_TEST(results[2].last_rowid == 1);
  BOOST_TEST(batch.totals().commits == 1);
  BOOST_TEST(batch.totals().members == 3);
  BOOST_TEST(batch.totals().batch_max == 3);
  BOOST_TEST(batch.commit_seq() == 1u);
  BOOST_TEST(stored_seq() == 1u);
}

BOOST_AUTO_TEST_CASE(nothing_is_a_batch_too) {
  BOOST_TEST(run(std::vector<member>{}).empty());
  BOOST_TEST(batch.totals().commits == 0);
}

BOOST_AUTO_TEST_CASE(a_failed_member_is_undone_alone) {
  std::vector<member> members{single("INSERT INTO t VALUES(1)"),
                              many({"INSERT INTO t VALUES(2)", "INSERT INTO t VALUES(1)"}),
                              single("INSERT INTO t VALUES(1)"), single("INSERT INTO t VALUES(3)")};
  auto results = run(members);
  BOOST_TEST(!results[0].failure);
  BOOST_TEST(failed_with(results[1], errc::constraint));
  BOOST_TEST(failed_with(results[2], errc::constraint));
  BOOST_TEST(!results[3].failure);
  BOOST_TEST(results[1].rows_changed == 0);
  BOOST_TEST(results[1].commit_seq == 0u);
  BOOST_TEST(count() == 2);
  BOOST_TEST(batch.totals().replays == 0);
  BOOST_TEST(batch.totals().failed == 2);
  for (auto& one : members)
    BOOST_TEST(one.runs == 1);
}

BOOST_AUTO_TEST_CASE(a_batch_that_fails_whole_is_no_commit) {
  auto results =
    run({single("INSERT INTO nowhere VALUES(1)"), many({"INSERT INTO t VALUES(1)", "nonsense"})});
  BOOST_TEST(failed_with(results[0], errc::sql));
  BOOST_TEST(failed_with(results[1], errc::sql));
  BOOST_TEST(batch.db().autocommit());
  BOOST_TEST(batch.totals().commits == 0);
  BOOST_TEST(stored_seq() == 0u);
  BOOST_TEST(count() == 0);
}

// Each of these ends or damages the transaction of all: only it may fail.
BOOST_AUTO_TEST_CASE(a_spoiler_fails_and_the_others_are_committed) {
  batch.db().execute("CREATE TABLE watched(x); CREATE TRIGGER stop BEFORE INSERT ON watched"
                     " BEGIN SELECT RAISE(ROLLBACK, 'stop'); END; INSERT INTO t VALUES(0)");
  struct {
    const char* what;
    member spoiler;
    errc code;
  } cases[] = {
    {"OR ROLLBACK", single("INSERT OR ROLLBACK INTO t VALUES(0)"), errc::constraint},
    {"RAISE(ROLLBACK)", single("INSERT INTO watched VALUES(1)"), errc::constraint},
    {"OR FAIL", single("INSERT OR FAIL INTO t VALUES(-1), (0)"), errc::constraint},
    {"a deferred key", single("INSERT INTO child VALUES(99)"), errc::constraint},
    {"a deferred key among others",
     many({"INSERT INTO t VALUES(-1)", "INSERT INTO child VALUES(99)"}), errc::constraint},
    {"ROLLBACK", many({"INSERT INTO t VALUES(-1)", "ROLLBACK"}), errc::sql},
    {"COMMIT", many({"INSERT INTO t VALUES(-1)", "COMMIT"}), errc::sql},
    {"a savepoint", single("SAVEPOINT s"), errc::sql},
    {"our savepoint", many({"INSERT INTO t VALUES(-1)", "RELEASE quire_member"}), errc::sql},
    {"another database", single("ATTACH ':memory:' AS m"), errc::sql},
    {"a setting", single("PRAGMA query_only=ON"), errc::sql},
  };
  std::int64_t next = 1;
  for (auto& c : cases) {
    auto insert = [&] { return single("INSERT INTO t VALUES(" + std::to_string(next++) + ")"); };
    auto seq = batch.commit_seq();
    auto results = run({insert(), many({"INSERT INTO t VALUES(" + std::to_string(next++) + ")"}),
                        c.spoiler, insert()});
    BOOST_TEST(failed_with(results[2], c.code), c.what);
    for (auto i : {0, 1, 3}) {
      BOOST_TEST(!results[static_cast<std::size_t>(i)].failure, c.what);
      BOOST_TEST(results[static_cast<std::size_t>(i)].commit_seq == seq + 1, c.what);
    }
    BOOST_TEST(count() == next, c.what);
    BOOST_TEST(count("child") == 0, c.what);
  }
}

// What the authorizer cannot see: the statement was compiled before.
BOOST_AUTO_TEST_CASE(transaction_control_that_was_compiled_before_harms_its_user_only) {
  for (auto* sql : {"BEGIN", "ROLLBACK", "BEGIN", "COMMIT"})
    batch.db().prepare(sql)->run();
  auto results = run({single("INSERT INTO t VALUES(1)"), member{[](auto& tx) {
                        tx.execute("INSERT INTO t VALUES(2)");
                        tx.execute("COMMIT");
                      }},
                      single("INSERT INTO t VALUES(3)"), member{[](auto& tx) {
                        tx.execute("ROLLBACK");
                        tx.execute("BEGIN");
                        tx.execute("INSERT INTO t VALUES(4)");
                      }},
                      single("INSERT INTO t VALUES(5)")});
  for (std::size_t i = 0; i < results.size(); ++i)
    BOOST_TEST(results[i].failure.has_value() == (i % 2 == 1));
  BOOST_TEST(numbers() == (std::vector<std::int64_t>{1, 3, 5}));
}

BOOST_AUTO_TEST_CASE(a_member_that_inserts_nothing_has_no_rowid) {
  auto results = run({single("INSERT INTO t VALUES(1)"), single("UPDATE t SET x = 2")});
  BOOST_TEST(results[0].last_rowid == 1);
  BOOST_TEST(results[1].last_rowid == 0);
}

BOOST_AUTO_TEST_CASE(an_interrupted_write_fails_alone) {
  auto results =
    run({single("INSERT INTO t VALUES(1)"), member{[&](auto& tx) {
           batch.db().limit_running([] { return true; });
           try {
             tx.execute("WITH RECURSIVE n(x) AS (SELECT 10 UNION ALL SELECT x + 1 FROM n)"
                        " INSERT INTO t SELECT x FROM n");
           } catch (...) {
             batch.db().limit_running({});
             throw;
           }
         }},
         single("INSERT INTO t VALUES(2)")});
  BOOST_TEST(!results[0].failure);
  BOOST_TEST(failed_with(results[1], errc::timeout));
  BOOST_TEST(!results[2].failure);
  BOOST_TEST(count() == 2);
  BOOST_TEST(batch.totals().replays == 1);
}

// It would see a state that lacks its neighbours, and could end otherwise than alone.
BOOST_AUTO_TEST_CASE(a_member_that_goes_on_without_its_transaction_gets_no_further) {
  std::optional<value> seen;
  auto results = run({single("INSERT INTO t VALUES(1)"), member{[&](auto& tx) {
                        failure_of([&] { tx.execute("INSERT OR ROLLBACK INTO t VALUES(1)"); });
                        seen = tx.query({"SELECT count(*) FROM t", {}}).rows[0][0];
                        throw error(errc::conflict, "decided by what it saw");
                      }}});
  BOOST_TEST(!results[0].failure);
  BOOST_TEST(failed_with(results[1], errc::sql));
  BOOST_TEST(!seen.has_value());
  BOOST_TEST(count() == 1);
}

// SQLite keeps no journal for these, and leaves the rows before the bad one behind.
BOOST_AUTO_TEST_CASE(a_statement_that_sqlite_does_not_undo_is_undone) {
  batch.db().execute(
    "CREATE TABLE strict_one(a INTEGER, b TEXT) STRICT;"
    "INSERT INTO strict_one VALUES(1, '1'), (2, 'x');"
    "CREATE TABLE texts(j); INSERT INTO texts VALUES('[1, 2]'), ('[');"
    "CREATE TABLE huge(id); INSERT INTO huge VALUES(2), (9223372036854775807), (1);"
    "CREATE TABLE old(id NUMERIC PRIMARY KEY);"
    "CREATE TABLE tied(p REFERENCES old ON DELETE CASCADE);"
    "INSERT INTO old VALUES(4), (5); INSERT INTO tied VALUES('4.0')");
  const std::pair<const char*, const char*> cases[] = {
    {"INSERT INTO strict_one(a) VALUES(3), (4), ('x')", "strict_one"},
    {"UPDATE strict_one SET a = b", "strict_one"},
    {"INSERT INTO parent VALUES(1), (2), ('x')", "parent"},
    {"INSERT OR IGNORE INTO parent VALUES(1), (2), ('x')", "parent"},
    {"INSERT OR REPLACE INTO parent VALUES(1), (2), ('x')", "parent"},
    {"INSERT INTO parent VALUES(1), (2), ('x') ON CONFLICT DO NOTHING", "parent"},
    {"DELETE FROM old", "old"},
    {"INSERT INTO texts SELECT value FROM texts, json_each(texts.j)", "texts"},
    {"UPDATE texts SET j = (SELECT 'x' || value FROM json_each(texts.j))", "texts"},
    {"INSERT INTO parent SELECT abs(sum(id)) FROM huge GROUP BY id % 2", "parent"},
  };
  for (auto& [sql, table] : cases) {
    storage::batch_executor fresh{
      [this] { return open(); }}; // None is cautious because of the one before.
    auto all = std::string{"SELECT * FROM "} + table;
    auto before = rows_of(fresh.db(), all);
    std::vector<member> members{single("INSERT INTO t VALUES(NULL)"), single(sql),
                                single("INSERT INTO t VALUES(NULL)")};
    auto results = tests::execute(fresh, members);
    BOOST_TEST(!results[0].failure);
    BOOST_TEST(failed_with(results[1], errc::constraint) != failed_with(results[1], errc::sql),
               sql);
    BOOST_TEST(!results[2].failure);
    BOOST_TEST((rows_of(fresh.db(), all) == before), sql);
  }
}

// What a member saw of a neighbour is gone when the transaction is: so is its verdict.
BOOST_AUTO_TEST_CASE(who_failed_because_of_a_neighbour_fails_with_the_transaction) {
  disk.wal_write_result = SQLITE_FULL;
  auto results = run({single("INSERT INTO t VALUES(1)"), single("INSERT INTO t VALUES(1)")});
  BOOST_TEST(failed_with(results[0], errc::disk_full));
  BOOST_TEST(failed_with(results[1], errc::disk_full));
  disk.wal_write_result = SQLITE_OK;
  BOOST_TEST(!run({single("INSERT INTO t VALUES(1)")})[0].failure);
}

BOOST_AUTO_TEST_CASE(many_spoilers_end_with_each_member_by_itself) {
  batch.db().execute("INSERT INTO t VALUES(0)");
  std::vector<member> members;
  for (int i = 1; i <= 8; ++i) {
    members.push_back(single("INSERT INTO t VALUES(" + std::to_string(i) + ")"));
    members.push_back(single("INSERT OR ROLLBACK INTO t VALUES(0)"));
  }
  auto results = run(members);
  for (std::size_t i = 0; i < results.size(); ++i)
    BOOST_TEST(results[i].failure.has_value() == (i % 2 == 1));
  BOOST_TEST(count() == 9);
  BOOST_TEST(batch.totals().replays == 4); // replays_max is 3: the fourth is the last.
  for (auto& one : members)
    BOOST_TEST(one.runs <= 5);
}

BOOST_AUTO_TEST_CASE(a_member_that_is_alone_runs_once_and_in_its_place) {
  std::vector<member> members{
    single("INSERT INTO t VALUES(1)"),
    member{[](auto& tx) { tx.execute("UPDATE t SET x = x + 10"); }, false, true},
    single("INSERT INTO t VALUES(2)"), single("INSERT OR ROLLBACK INTO t VALUES(2)")};
  auto results = run(members);
  BOOST_TEST(members[1].runs == 1);
  BOOST_TEST(members[2].runs == 2);
  BOOST_TEST(results[0].commit_seq == 1u);
  BOOST_TEST(results[1].commit_seq == 2u);
  BOOST_TEST(results[2].commit_seq == 3u);
  BOOST_TEST(numbers() == (std::vector<std::int64_t>{2, 11}));
}

BOOST_AUTO_TEST_CASE(a_function_that_throws_is_reported_with_its_text) {
  auto results = run({member{[](auto&) { throw std::runtime_error("no such customer"); }},
                      member{[](auto&) { throw 7; }},
                      member{[](auto&) { throw error(errc::not_found, "no task 3"); }}});
  BOOST_TEST(failed_with(results[0], errc::function_failed));
  BOOST_TEST(results[0].failure->what() == std::string{"no such customer"});
  BOOST_TEST(failed_with(results[1], errc::function_failed));
  BOOST_TEST(failed_with(results[2], errc::not_found));
}

BOOST_AUTO_TEST_CASE(announcements_are_those_of_the_last_run) {
  auto announce = [](auto& tx) { tx.announce({event::topic::task_ready, 5}); };
  auto results = run({member{announce}, single("INSERT INTO t VALUES(1)"), member{[&](auto& tx) {
                        announce(tx);
                        tx.execute("INSERT OR ROLLBACK INTO t VALUES(1)");
                      }}});
  BOOST_TEST(batch.totals().replays == 1);
  BOOST_TEST(results[0].events.size() == 1u);
  BOOST_TEST(results[2].events.empty());
}

BOOST_AUTO_TEST_CASE(the_strictest_durability_counts) {
  auto look = [](auto& tx) { tx.query({"SELECT 1", {}}); };
  run({member{look}, member{look, false, false, durability::full}});
  BOOST_TEST(first_of(batch.db(), "PRAGMA synchronous").integer() == 2);
  run({member{look}});
  BOOST_TEST(first_of(batch.db(), "PRAGMA synchronous").integer() == 1);
}

BOOST_AUTO_TEST_CASE(a_locked_database_refuses_the_whole_batch) {
  auto other = connection::open_writer(impatient(dir / "a.db"));
  {
    transaction_guard guard{other};
    for (auto& result : run({single("INSERT INTO t VALUES(1)"), single("INSERT INTO t VALUES(2)")}))
      BOOST_TEST(failed_with(result, errc::busy));
  }
  BOOST_TEST(batch.totals().locked_errors == 2);
  BOOST_TEST(!run({single("INSERT INTO t VALUES(1)")})[0].failure);
}

BOOST_AUTO_TEST_CASE(commits_of_another_process_are_counted_in) {
  run({single("INSERT INTO t VALUES(1)")});
  connection_options options = impatient(dir / "a.db");
  storage::batch_executor other([&] { return connection::open_writer(options); });
  std::vector<member> theirs{single("INSERT INTO t VALUES(2)")};
  BOOST_TEST(tests::execute(other, theirs)[0].commit_seq == 2u);
  BOOST_TEST(run({single("INSERT INTO t VALUES(3)")})[0].commit_seq == 3u);
  BOOST_TEST(stored_seq() == 3u);
}

BOOST_AUTO_TEST_CASE(a_database_without_a_commit_number_works) {
  storage::batch_executor plain([&] { return connection::open_writer(impatient(dir / "b.db")); });
  std::vector<member> members{single("CREATE TABLE t(x)")};
  BOOST_TEST(tests::execute(plain, members)[0].commit_seq == 1u);
  BOOST_TEST(tests::execute(plain, members)[0].failure.has_value());
  BOOST_TEST(plain.commit_seq() == 1u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_reported_and_can_be_left) {
  disk.wal_write_result = SQLITE_FULL;
  for (auto& result : run({single("INSERT INTO t VALUES(1)"), single("INSERT INTO t VALUES(2)")}))
    BOOST_TEST(failed_with(result, errc::disk_full));
  disk.wal_write_result = SQLITE_OK;
  BOOST_TEST(count() == 0);
  BOOST_TEST(!run({single("INSERT INTO t VALUES(1)")})[0].failure);
  BOOST_TEST(count() == 1);
}

// The disk fails once, and a reader keeps the index of the log alive, in which
// the commit is missing. A new commit takes its place in the log, so that not
// even a crash can bring it back.
BOOST_AUTO_TEST_CASE(a_commit_that_is_not_in_the_file_was_not_applied) {
  auto reader = connection::open_reader(impatient(dir / "a.db"));
  disk.wal_sync_result = SQLITE_IOERR_FSYNC;
  before_opening = [&] { disk.wal_sync_result = SQLITE_OK; };
  opened = 0;
  std::vector<member> members{single("INSERT INTO t VALUES(1)"), single("INSERT INTO t VALUES(2)")};
  members[1].how_sure = durability::full;
  for (auto& result : run(members)) {
    BOOST_TEST(failed_with(result, errc::io));
    BOOST_TEST(result.commit_seq == 0u);
  }
  BOOST_TEST(opened == 1);
  BOOST_TEST(count() == 0);
  BOOST_TEST(batch.db().wal_frames() > 0); // The new commit.
  BOOST_TEST(stored_seq() == 1u);
  BOOST_TEST(run({single("INSERT INTO t VALUES(1)")})[0].commit_seq == 2u);
}

// Nobody else has the file open: opening it again recovers the log, which holds
// the whole transaction, although its COMMIT was said to have failed.
BOOST_AUTO_TEST_CASE(a_commit_that_is_in_the_file_was_applied) {
  disk.wal_sync_result = SQLITE_IOERR_FSYNC;
  before_opening = [&] { disk.wal_sync_result = SQLITE_OK; };
  std::vector<member> members{single("INSERT INTO t VALUES(1)"),
                              single("INSERT INTO nowhere VALUES(1)")};
  members[0].how_sure = durability::full;
  auto results = run(members);
  BOOST_TEST(!results[0].failure);
  BOOST_TEST(results[0].commit_seq == 1u);
  BOOST_TEST(failed_with(results[1], errc::sql));
  BOOST_TEST(batch.commit_seq() == stored_seq());
  BOOST_TEST(batch.totals().members == 1);
  BOOST_TEST(count() == 1);
}

BOOST_AUTO_TEST_CASE(an_outcome_that_cannot_be_found_out_is_said_to_be_unknown) {
  disk.wal_sync_result = SQLITE_IOERR_FSYNC;
  before_opening = [&] { disk.may_open = false; };
  std::vector<member> members{single("INSERT INTO t VALUES(1)"),
                              single("INSERT INTO nowhere VALUES(1)")};
  members[0].how_sure = durability::full;
  auto results = run(members);
  BOOST_TEST(failed_with(results[0], errc::commit_outcome_unknown));
  BOOST_TEST(failed_with(results[1], errc::sql)); // This one is known to have failed.
  // Without a connection, nothing works ...
  BOOST_TEST(run(members)[0].failure.has_value());
  BOOST_TEST(fails_with(errc::io, [&] { batch.db(); }));
  // ... until it can be opened again.
  before_opening = nullptr;
  disk.may_open = true;
  disk.wal_sync_result = SQLITE_OK;
  BOOST_TEST(!run({single("INSERT INTO t VALUES(2)")})[0].failure);
}

// A visitor that waited for the lock gets it as soon as the failed COMMIT is
// rolled back, and so takes the very number that was not committed.
BOOST_AUTO_TEST_CASE(a_number_that_another_process_took_is_no_receipt) {
  auto options = impatient(dir / "a.db");
  options.checkpoint_on_close = false;
  storage::batch_executor visitor([&] { return connection::open_writer(options); });
  disk.wal_sync_result = SQLITE_IOERR_FSYNC;
  before_opening = [&] {
    disk.wal_sync_result = SQLITE_OK;
    std::vector<member> theirs{single("INSERT INTO t VALUES(2)")};
    BOOST_TEST(tests::execute(visitor, theirs)[0].commit_seq == 1u);
  };
  std::vector<member> members{single("INSERT INTO t VALUES(1)")};
  members[0].how_sure = durability::full;
  BOOST_TEST(failed_with(run(members)[0], errc::io));
  BOOST_TEST(numbers() == (std::vector<std::int64_t>{2}), boost::test_tools::per_element());
  auto next = run({single("INSERT INTO t VALUES(3)")})[0].commit_seq;
  BOOST_TEST(next == stored_seq());
}

BOOST_AUTO_TEST_CASE(a_disk_that_keeps_failing_leaves_the_outcome_unknown) {
  disk.wal_sync_result = SQLITE_IOERR_FSYNC;
  std::vector<member> members{single("INSERT INTO t VALUES(1)")};
  members[0].how_sure = durability::full;
  BOOST_TEST(failed_with(run(members)[0], errc::commit_outcome_unknown));
}

// Its neighbours are committed, and the limit counts for each anew.
BOOST_AUTO_TEST_CASE(a_member_that_runs_too_long_is_interrupted_and_undone) {
  int begun = 0;
  int asked = 0;
  storage::batch_executor limited([this] { return open(); }, {[&] {
                                                                ++begun;
                                                                asked = 0;
                                                              },
                                                              [&] { return ++asked > 100; }});
  auto endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                 "INSERT INTO parent SELECT i FROM n";
  std::vector<member> members{single("INSERT INTO t VALUES(1)"), single(endless),
                              single("INSERT INTO t VALUES(2)"),
                              many({"INSERT INTO t VALUES(3)", endless})};
  auto results = tests::execute(limited, members);
  BOOST_TEST(!results[0].failure);
  BOOST_TEST(failed_with(results[1], errc::timeout));
  BOOST_TEST(!results[2].failure);
  BOOST_TEST(failed_with(results[3], errc::timeout));
  BOOST_TEST(numbers() == (std::vector<std::int64_t>{1, 2}), boost::test_tools::per_element());
  BOOST_TEST(count("parent") == 0);
  BOOST_TEST(begun >= 4);
}

BOOST_AUTO_TEST_SUITE_END()

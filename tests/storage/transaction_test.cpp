#include "quire/storage/sqlite/transaction.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

using namespace quire;
using namespace quire::tests;
using namespace quire::storage;

namespace {

struct fixture {
  fixture() { db.execute("CREATE TABLE t(x UNIQUE)"); }

  std::int64_t count() { return first_of(db, "SELECT count(*) FROM t").integer(); }

  temp_dir dir;
  connection db = connection::open_writer(impatient(dir / "a.db"));
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(transaction, fixture)

BOOST_AUTO_TEST_CASE(what_is_not_committed_is_undone) {
  {
    transaction_guard guard{db};
    storage::transaction{db}.execute("INSERT INTO t VALUES(?1)", 1);
  }
  BOOST_TEST(db.autocommit());
  BOOST_TEST(count() == 0);
}

// The texts that SQLite takes have no length here, which stands for a lack of memory.
BOOST_AUTO_TEST_CASE(to_undo_it_nothing_must_be_compiled) {
  auto usual = sqlite3_limit(db.handle(), SQLITE_LIMIT_SQL_LENGTH, -1);
  {
    transaction_guard guard{db};
    storage::transaction{db}.execute("INSERT INTO t VALUES(?1)", 1);
    sqlite3_limit(db.handle(), SQLITE_LIMIT_SQL_LENGTH, 0);
  }
  sqlite3_limit(db.handle(), SQLITE_LIMIT_SQL_LENGTH, usual);
  BOOST_TEST(db.autocommit());
  BOOST_TEST(count() == 0);
}

BOOST_AUTO_TEST_CASE(what_is_committed_stays) {
  {
    transaction_guard guard{db};
    storage::transaction{db}.execute("INSERT INTO t VALUES(?1)", 1);
    guard.commit();
    BOOST_TEST(db.autocommit());
  }
  BOOST_TEST(count() == 1);
}

BOOST_AUTO_TEST_CASE(execute_tells_how_many_rows_it_changed) {
  transaction_guard guard{db};
  storage::transaction tx{db};
  BOOST_TEST(tx.execute("INSERT INTO t VALUES(?1), (?2)", 1, "two") == 2);
  BOOST_TEST(tx.last_insert_rowid() == 2);
  BOOST_TEST(tx.execute("DELETE FROM t WHERE x = ?1", 1) == 1);
}

BOOST_AUTO_TEST_CASE(a_second_writer_is_told_that_it_is_busy) {
  transaction_guard guard{db};
  auto other = connection::open_writer(impatient(dir / "a.db"));
  BOOST_TEST(fails_with(errc::busy, [&] { transaction_guard second{other}; }));
  BOOST_TEST(other.autocommit());
}

BOOST_AUTO_TEST_CASE(a_commit_that_breaks_a_constraint_is_rolled_back) {
  db.execute("CREATE TABLE parent(id INTEGER PRIMARY KEY);"
             "CREATE TABLE child(p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
  transaction_guard guard{db};
  storage::transaction{db}.execute("INSERT INTO child VALUES(?1)", 5);
  BOOST_TEST(db.deferred_constraint_violated());
  BOOST_TEST(fails_with(errc::constraint, [&] { guard.commit(); }));
  BOOST_TEST(db.autocommit());
  BOOST_TEST(first_of(db, "SELECT count(*) FROM child").integer() == 0);
}

BOOST_AUTO_TEST_CASE(a_savepoint_undoes_its_part_alone) {
  transaction_guard guard{db};
  storage::transaction tx{db};
  tx.execute("INSERT INTO t VALUES(1)");
  {
    savepoint_guard part{db};
    tx.execute("INSERT INTO t VALUES(2)");
  }
  {
    savepoint_guard part{db};
    tx.execute("INSERT INTO t VALUES(3)");
    part.release();
  }
  guard.commit();
  BOOST_TEST(
    (rows_of(db, "SELECT x FROM t ORDER BY x").rows == std::vector<std::vector<value>>{{1}, {3}}));
}

// An error may have ended the transaction: the guards then have nothing to undo.
BOOST_AUTO_TEST_CASE(guards_survive_a_transaction_that_ended_under_them) {
  {
    transaction_guard guard{db};
    savepoint_guard part{db};
    storage::transaction tx{db};
    tx.execute("INSERT INTO t VALUES(1)");
    BOOST_TEST(
      fails_with(errc::constraint, [&] { tx.execute("INSERT OR ROLLBACK INTO t VALUES(1)"); }));
    BOOST_TEST(db.autocommit());
  }
  BOOST_TEST(count() == 0);
}

BOOST_AUTO_TEST_CASE(a_snapshot_does_not_change_under_its_reader) {
  auto reader = connection::open_reader(impatient(dir / "a.db"));
  {
    read_guard guard{reader};
    BOOST_TEST(first_of(reader, "SELECT count(*) FROM t").integer() == 0);
    db.execute("INSERT INTO t VALUES(1)");
    BOOST_TEST(first_of(reader, "SELECT count(*) FROM t").integer() == 0);
  }
  BOOST_TEST(first_of(reader, "SELECT count(*) FROM t").integer() == 1);
}

BOOST_AUTO_TEST_CASE(a_query_keeps_its_limits) {
  db.execute("INSERT INTO t VALUES(1), (2), (3)");
  snapshot all{db};
  BOOST_TEST(all.query({"SELECT x FROM t WHERE x >= ?1", {2}}).rows.size() == 2u);
  BOOST_TEST(fails_with(errc::too_large, [&] { all.query({"SELECT x FROM t", {}}, 2); }));
}

BOOST_AUTO_TEST_CASE(announcements_are_kept_in_order) {
  storage::transaction tx{db};
  tx.announce({event::topic::task_ready, 1});
  tx.announce({event::topic::run_finished, 2});
  BOOST_TEST(tx.events().size() == 2u);
  BOOST_TEST(tx.events()[1].ref == 2);
}

BOOST_AUTO_TEST_CASE(what_changes_no_row_reports_none) {
  transaction_guard guard{db};
  storage::transaction tx{db};
  tx.execute("CREATE TABLE three(x)");
  BOOST_TEST(tx.execute("INSERT INTO three VALUES(1), (2), (3)") == 3);
  BOOST_TEST(tx.execute("CREATE TABLE other(x)") == 0);
  BOOST_TEST(tx.execute("SELECT 1") == 0);
  BOOST_TEST(tx.execute("DELETE FROM three WHERE x = 9") == 0);
}

// Without copies where that is safe.
BOOST_AUTO_TEST_CASE(values_of_every_type_are_bound) {
  db.execute("CREATE TABLE every(n INTEGER PRIMARY KEY, x ANY) STRICT");
  storage::transaction tx{db};
  auto add = [&](const auto& x) { tx.execute("INSERT INTO every(x) VALUES(?1)", x); };
  add(nullptr);
  add(value{});
  add(std::optional<std::string>{});
  add("literal");
  add(std::string(40, 's'));
  add(std::string_view{"view"}.substr(1));
  add(std::optional<std::string>{"some"});
  add(value{"text"});
  add(value{7});
  add(blob{std::byte{1}, std::byte{2}});
  add(value{blob{std::byte{3}}});
  add(true);
  add(std::size_t{8});
  add(1.5);
  auto found = tx.query_as<std::string>("SELECT quote(x) FROM every ORDER BY n");
  const std::vector<std::string> expected{
    "NULL",   "NULL",   "NULL", "'literal'", "'" + std::string(40, 's') + "'", "'iew'", "'some'",
    "'text'", "7",      "X'0102'", "X'03'", "1", "8", "1.5"};
  BOOST_TEST(found == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

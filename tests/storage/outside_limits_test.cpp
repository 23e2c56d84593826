// SQL that comes as data has tighter limits than ours, and only such SQL.

#include "quire/storage/sqlite/connection.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <sqlite3.h>

using namespace quire;
using namespace quire::tests;

namespace {

/// `count` times `part`, with `between` in between.
std::string repeated(const std::string& part, int count, const std::string& between = ",") {
  std::string result;
  for (int i = 0; i < count; ++i)
    result += (i > 0 ? between : "") + part;
  return result;
}

struct fixture {
  fixture() { db.execute("CREATE TABLE t(x); CREATE TABLE log(x)"); }

  void run_outside(const std::string& sql) {
    auto stmt = db.prepare_from_outside(sql, [](std::string_view) {});
    stmt->run();
  }

  void run_own(const std::string& sql) {
    auto stmt = db.prepare(sql);
    stmt->run();
  }

  /// Whether `fits` runs for everybody, and `beyond` for our own code only.
  bool has_limit(const std::string& fits, const std::string& beyond, errc code = errc::sql) {
    run_outside(fits);
    auto refusal = failure_of([&] { run_outside(beyond); });
    BOOST_REQUIRE_MESSAGE(refusal, beyond.substr(0, 60));
    BOOST_TEST((refusal->code() == code), refusal->what());
    run_own(beyond);
    return true;
  }

  temp_dir dir;
  storage::connection db = storage::connection::open_writer(impatient(dir / "a.db"));
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(outside_limits, fixture)

BOOST_AUTO_TEST_CASE(what_is_compiled_has_limits) {
  BOOST_TEST(has_limit("SELECT " + repeated("1", 190, "+"), "SELECT " + repeated("1", 210, "+")));
  BOOST_TEST(
    has_limit(repeated("SELECT 1", 100, " UNION ALL "), repeated("SELECT 1", 101, " UNION ALL ")));
  BOOST_TEST(has_limit("SELECT " + repeated("1", 500), "SELECT " + repeated("1", 501)));
  BOOST_TEST(
    has_limit("SELECT max(" + repeated("1", 100) + ")", "SELECT max(" + repeated("1", 101) + ")"));
  BOOST_TEST(has_limit("SELECT ?32766", "SELECT ?32767"));
}

BOOST_AUTO_TEST_CASE(the_text_has_a_limit_before_it_is_looked_at) {
  auto text = [](std::size_t size) { return "SELECT 1 /*" + std::string(size - 13, 'x') + "*/"; };
  BOOST_TEST(has_limit(text(1'000'000), text(1'000'001), errc::too_large));
  auto refusal = failure_of([&] { run_outside(text(1'000'001)); });
  BOOST_TEST(refusal->before_running());
  BOOST_TEST(contains(refusal->what(), "longer than 1000000 bytes"), refusal->what());
  BOOST_TEST(std::string{refusal->what()}.size() < 500u);
}

BOOST_AUTO_TEST_CASE(what_runs_has_limits) {
  auto like = [](int size) {
    return "SELECT 'x' LIKE '" + std::string(std::size_t(size), '_') + "'";
  };
  BOOST_TEST(has_limit(like(1000), like(1001)));
  // Each firing is one deeper.
  db.execute("PRAGMA recursive_triggers=ON;"
             "CREATE TRIGGER next AFTER INSERT ON t WHEN new.x > 1 BEGIN INSERT INTO t "
             "VALUES(new.x - 1); END");
  BOOST_TEST(has_limit("INSERT INTO t VALUES(32)", "INSERT INTO t VALUES(40)"));
}

// A limit that ordinary statements reach would be none.
BOOST_AUTO_TEST_CASE(ordinary_statements_are_far_from_the_limits) {
  run_outside("INSERT INTO t VALUES" + repeated("(1234567)", 50'000)); // No compound SELECT.
  BOOST_TEST(first_of(db, "SELECT count(*) FROM t").integer() == 50'000);
  run_outside("SELECT x FROM t WHERE x IN (" + repeated("7", 30'000) + ")");
  run_outside("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT "
              "sum(i) FROM n");
}

// About 900,000 steps: SQLite doubles its memory for them, so the limit comes early.
BOOST_AUTO_TEST_CASE(too_many_steps_are_refused_and_spoil_nothing) {
  auto part = "SELECT " + repeated(std::string(17, '~') + "x", 500) + " FROM t";
  BOOST_TEST(has_limit(repeated(part, 50, " UNION ALL "), repeated(part, 100, " UNION ALL "),
                       errc::too_large));
  run_outside("INSERT INTO log VALUES(2)");
  BOOST_TEST(first_of(db, "SELECT count(*) FROM log").integer() == 1);
}

// Setting them takes time: it happens only when the other kind of SQL comes.
BOOST_AUTO_TEST_CASE(the_limits_follow_whoever_is_prepared) {
  auto depth = [&] { return sqlite3_limit(db.handle(), SQLITE_LIMIT_EXPR_DEPTH, -1); };
  auto usual = depth();
  BOOST_TEST(usual > 200);
  run_outside("SELECT 1");
  BOOST_TEST(depth() == 200);
  run_outside("SELECT 1");
  BOOST_TEST(depth() == 200);
  run_own("SELECT 1"); // From the cache.
  BOOST_TEST(depth() == usual);
  run_outside("SELECT 2");
  db.execute("SELECT " + repeated("1", 300, "+"));
  BOOST_TEST(depth() == usual);
}

BOOST_AUTO_TEST_CASE(every_limit_comes_back) {
  std::vector<int> before;
  for (int id = 0; id <= SQLITE_LIMIT_WORKER_THREADS; ++id)
    before.push_back(sqlite3_limit(db.handle(), id, -1));
  run_outside("SELECT 1");
  run_own("SELECT 1");
  for (int id = 0; id <= SQLITE_LIMIT_WORKER_THREADS; ++id)
    BOOST_TEST(sqlite3_limit(db.handle(), id, -1) == before[std::size_t(id)], id);
  // No helper threads: a statement runs on the thread of its connection.
  BOOST_TEST(before[SQLITE_LIMIT_WORKER_THREADS] == 0);
}

BOOST_AUTO_TEST_CASE(a_reader_has_them_too) {
  auto reader = storage::connection::open_reader(impatient(dir / "a.db"));
  storage::snapshot now{reader};
  BOOST_TEST(fails_with(errc::sql, [&] {
    now.prepare_from_outside("SELECT " + repeated("1", 501), [](std::string_view) {});
  }));
  BOOST_TEST(!failure_of([&] { now.prepare("SELECT " + repeated("1", 501)); }));
}

BOOST_AUTO_TEST_SUITE_END()

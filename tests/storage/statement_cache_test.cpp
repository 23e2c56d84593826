#include "quire/storage/sqlite/statement_cache.hpp"

#include "quire/tests/storage/storage_support.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

using namespace quire;
using namespace quire::tests;

namespace {

struct fixture {
  fixture() { sqlite3_open(":memory:", &db); }
  ~fixture() {
    cache.clear();
    // Fails if a statement was not finalized.
    BOOST_TEST(sqlite3_close(db) == SQLITE_OK);
  }

  std::int64_t run(const std::string& sql) {
    auto stmt = cache.take(db, sql);
    stmt->step();
    return stmt->int64(0);
  }

  sqlite3* db = nullptr;
  storage::statement_cache cache{2};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(statement_cache, fixture)

BOOST_AUTO_TEST_CASE(a_statement_is_compiled_once) {
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(run("SELECT 7") == 7);
  BOOST_TEST(cache.misses() == 1u);
  BOOST_TEST(cache.hits() == 4u);
}

BOOST_AUTO_TEST_CASE(the_least_recently_used_statement_goes) {
  run("SELECT 1");
  run("SELECT 2");
  run("SELECT 1");
  run("SELECT 3");
  BOOST_TEST(cache.size() == 2u);
  auto misses = cache.misses();
  run("SELECT 1");
  run("SELECT 3");
  BOOST_TEST(cache.misses() == misses);
  run("SELECT 2");
  BOOST_TEST(cache.misses() == misses + 1);
}

BOOST_AUTO_TEST_CASE(a_statement_on_loan_is_compiled_a_second_time) {
  auto sql = "SELECT 1 UNION SELECT 2";
  {
    auto outer = cache.take(db, sql);
    outer->step();
    auto inner = cache.take(db, sql);
    inner->step();
    inner->step();
    BOOST_TEST(outer->int64(0) == 1);
    BOOST_TEST(inner->int64(0) == 2);
    auto innermost = cache.take(db, sql);
    BOOST_TEST(innermost->step());
  }
  BOOST_TEST(cache.size() == 1u);
  BOOST_TEST(cache.misses() == 3u);
  BOOST_TEST(run(sql) == 1);
  BOOST_TEST(cache.hits() == 1u);
}

BOOST_AUTO_TEST_CASE(a_returned_statement_is_rewound_and_knows_no_values) {
  {
    auto stmt = cache.take(db, "SELECT ?1");
    stmt->bind(5).step();
  }
  auto stmt = cache.take(db, "SELECT ?1");
  BOOST_TEST(stmt->step());
  BOOST_TEST(stmt->is_null(0));
}

BOOST_AUTO_TEST_CASE(an_exception_gives_the_statement_back) {
  BOOST_TEST(fails_with(errc::sql, [&] { cache.take(db, "SELECT ?1")->bind(1, 2); }));
  BOOST_TEST(cache.size() == 1u);
}

// SQLite compiles it again within the first step, and only then are its columns known.
BOOST_AUTO_TEST_CASE(a_cached_statement_has_the_columns_of_the_schema_of_today) {
  auto file = tests::temp_dir{};
  auto writer = storage::connection::open_writer(tests::impatient(file / "a.db"));
  writer.execute("CREATE TABLE t(a, b, c); INSERT INTO t VALUES(1, 2, 3)");
  auto reader = storage::connection::open_reader(tests::impatient(file / "a.db"));
  auto look = [&] { return tests::rows_of(reader, "SELECT * FROM t"); };
  look();
  writer.execute("ALTER TABLE t DROP COLUMN a");
  auto fewer = look();
  BOOST_TEST((fewer.columns == std::vector<std::string>{"b", "c"}));
  BOOST_TEST((fewer.rows.at(0) == std::vector<value>{2, 3}));
  writer.execute("ALTER TABLE t ADD COLUMN d DEFAULT 4; DELETE FROM t");
  BOOST_TEST((look().columns == std::vector<std::string>{"b", "c", "d"}));
}

BOOST_AUTO_TEST_CASE(a_moved_loan_is_given_back_once) {
  {
    auto first = cache.take(db, "SELECT 1");
    auto second = std::move(first);
    BOOST_TEST(second->step());
    BOOST_TEST(cache.size() == 0u);
  }
  BOOST_TEST(cache.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_does_not_compile_is_not_kept) {
  BOOST_TEST(fails_with(errc::sql, [&] { cache.take(db, "SELEC 1"); }));
  BOOST_TEST(cache.size() == 0u);
}

BOOST_AUTO_TEST_CASE(clearing_leaves_loans_alone) {
  auto stmt = cache.take(db, "SELECT 1");
  run("SELECT 2");
  cache.clear();
  BOOST_TEST(cache.size() == 0u);
  BOOST_TEST(stmt->step());
}

BOOST_AUTO_TEST_CASE(a_cache_of_nothing_works) {
  storage::statement_cache none{0};
  for (int i = 0; i < 2; ++i)
    BOOST_TEST(none.take(db, "SELECT 1")->step());
  BOOST_TEST(none.misses() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/storage/sqlite/statement.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

#include <limits>

using namespace quire;
using namespace quire::tests;

namespace {

struct fixture {
  fixture() {
    sqlite3_open(":memory:", &db);
    sqlite3_extended_result_codes(db, 1);
  }
  ~fixture() { sqlite3_close_v2(db); }

  void run(const char* sql) { storage::statement{db, sql}.run(); }

  sqlite3* db = nullptr;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(statement, fixture)

BOOST_AUTO_TEST_CASE(exactly_one_statement_is_accepted) {
  for (auto* sql :
       {"SELECT 1", "SELECT 1;", " SELECT 1 ;; \n\t", "SELECT 1 -- the end",
        "SELECT 1; -- the end\n ; /* really */ ", "SELECT 1 /* not closed", "-- a\nSELECT 1"})
    BOOST_TEST(!failure_of([&] { storage::statement(db, sql); }), sql);
  for (auto* sql : {"SELECT 1; SELECT 2", "SELECT 1; x", "SELECT 1; /* */ x", "", "  ;",
                    "-- nothing", "SELEC 1", "SELECT * FROM missing"})
    BOOST_TEST(fails_with(errc::sql, [&] { storage::statement(db, sql); }), sql);
}

// What SQLite would silently cut off must not be run in part.
BOOST_AUTO_TEST_CASE(a_zero_byte_ends_no_statement_silently) {
  using namespace std::string_view_literals;
  BOOST_TEST(fails_with(errc::sql, [&] { storage::statement(db, "SELECT 1\0; DROP TABLE t"sv); }));
}

BOOST_AUTO_TEST_CASE(values_come_back_as_they_went_in) {
  using limits = std::numeric_limits<std::int64_t>;
  const std::vector<value> values{nullptr,
                                  0,
                                  limits::max(),
                                  limits::min(),
                                  1.5,
                                  "",
                                  "Žluťoučký",
                                  blob{},
                                  blob{std::byte{0}, std::byte{255}},
                                  std::string("a\0b", 3)};
  storage::statement stmt(db, "SELECT ?1, typeof(?1)");
  for (auto& x : values) {
    stmt.bind_all(std::vector<value>{x}).step();
    BOOST_TEST((stmt.column(0) == x), to_display(x));
    BOOST_TEST(stmt.is_null(0) == x.is_null());
    stmt.bind(x).step();
    BOOST_TEST((stmt.column(0) == x), to_display(x));
  }
}

BOOST_AUTO_TEST_CASE(every_type_that_can_be_bound_is_read_back) {
  storage::statement stmt(db, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8");
  std::optional<std::int64_t> none;
  std::optional<std::string> some = "some";
  stmt.bind(7, true, std::size_t{9}, 2.5, "text", std::string_view{}, none, some);
  BOOST_TEST(stmt.step());
  BOOST_TEST(stmt.column_count() == 8);
  BOOST_TEST(stmt.int64(0) == 7);
  BOOST_TEST(stmt.int64(1) == 1);
  BOOST_TEST(stmt.int64(2) == 9);
  BOOST_TEST(stmt.real(3) == 2.5);
  BOOST_TEST(stmt.text(4) == "text");
  BOOST_TEST(!stmt.is_null(5)); // An empty text is not null.
  BOOST_TEST(!stmt.optional_int64(6));
  BOOST_TEST(stmt.text(6).empty());
  BOOST_TEST(stmt.text(7) == "some");
  BOOST_TEST(stmt.optional_int64(0).value() == 7);
  BOOST_TEST(!stmt.step());
}

BOOST_AUTO_TEST_CASE(the_number_of_values_must_fit) {
  storage::statement stmt(db, "SELECT ?1, ?3");
  BOOST_TEST(fails_with(errc::sql, [&] { stmt.bind(1, 2); }));
  BOOST_TEST(fails_with(errc::sql, [&] { stmt.bind_all(std::vector<value>(4)); }));
  BOOST_TEST(!failure_of([&] { stmt.bind(1, 2, 3); }));
}

BOOST_AUTO_TEST_CASE(a_finished_statement_holds_no_lock) {
  run("CREATE TABLE t(x)");
  run("INSERT INTO t VALUES(1)");
  storage::statement stmt(db, "SELECT x FROM t");
  BOOST_TEST(stmt.step());
  BOOST_TEST(sqlite3_stmt_busy(sqlite3_next_stmt(db, nullptr)) == 1);
  BOOST_TEST(!stmt.step());
  BOOST_TEST(sqlite3_stmt_busy(sqlite3_next_stmt(db, nullptr)) == 0);
}

BOOST_AUTO_TEST_CASE(a_failed_statement_can_be_used_again) {
  run("CREATE TABLE t(x UNIQUE)");
  storage::statement stmt(db, "INSERT INTO t VALUES(?1)");
  stmt.bind(1).run();
  BOOST_TEST(fails_with(errc::constraint, [&] { stmt.bind(1).run(); }));
  stmt.bind(2).run();
  storage::statement count(db, "SELECT count(*) FROM t");
  count.step();
  BOOST_TEST(count.int64(0) == 2);
}

// Bound values are the users' data: they have no place in logs.
BOOST_AUTO_TEST_CASE(an_error_shows_the_statement_but_never_a_value) {
  run("CREATE TABLE t(x UNIQUE)");
  auto long_sql = "INSERT INTO t VALUES(?1) /* " + std::string(400, 'x') + "*/";
  storage::statement stmt(db, long_sql);
  stmt.bind("secret").run();
  auto failure = failure_of([&] { stmt.bind("secret").run(); });
  BOOST_REQUIRE(failure);
  BOOST_TEST(contains(failure->what(), "UNIQUE constraint failed: t.x, in: INSERT INTO t"));
  BOOST_TEST(!contains(failure->what(), "secret"));
  BOOST_TEST(std::string{failure->what()}.size() < 300);
  BOOST_TEST(failure->sqlite_code() == SQLITE_CONSTRAINT_UNIQUE);
}

BOOST_AUTO_TEST_CASE(a_cut_text_ends_with_a_whole_character) {
  std::string sql = "SELECT x -- ";
  while (sql.size() < 400)
    sql += "ž";
  for (int i = 0; i < 2; ++i, sql.insert(sql.find("--"), "-")) {
    auto failure = failure_of([&] { storage::statement(db, sql); });
    BOOST_REQUIRE(failure);
    std::string text = failure->what();
    BOOST_TEST(contains(text, "ž..."));
  }
}

BOOST_AUTO_TEST_CASE(a_result_larger_than_its_limits_is_refused) {
  auto numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 10)"
                 " SELECT x, zeroblob(1000) AS b FROM n";
  storage::statement stmt(db, numbers);
  auto all = stmt.fetch_all(10, 20'000);
  BOOST_TEST(all.rows.size() == 10u);
  BOOST_TEST(all.columns == (std::vector<std::string>{"x", "b"}));
  BOOST_TEST(fails_with(errc::too_large, [&] { stmt.fetch_all(9, 20'000); }));
  BOOST_TEST(fails_with(errc::too_large, [&] { stmt.fetch_all(10, 5'000); }));
  BOOST_TEST(stmt.fetch_all(10, 20'000).rows.size() == 10u); // It was rewound.
}

BOOST_AUTO_TEST_CASE(an_empty_result_still_names_its_columns) {
  auto none = storage::statement(db, "SELECT 1 AS a WHERE false").fetch_all(1, 1);
  BOOST_TEST(none.columns == std::vector<std::string>{"a"});
  BOOST_TEST(none.rows.empty());
}

BOOST_AUTO_TEST_CASE(reading_and_writing_statements_are_told_apart) {
  run("CREATE TABLE t(x)");
  BOOST_TEST(storage::statement(db, "SELECT * FROM t").read_only());
  BOOST_TEST(!storage::statement(db, "DELETE FROM t").read_only());
}

BOOST_AUTO_TEST_CASE(reset_forgets_the_values) {
  storage::statement stmt(db, "SELECT ?1");
  stmt.bind(5).step();
  stmt.reset();
  stmt.step();
  BOOST_TEST(stmt.is_null(0));
}

BOOST_AUTO_TEST_CASE(an_error_shows_its_statement_in_one_line) {
  auto failure = failure_of([&] { storage::statement(db, "\n  SELECT *\n\t FROM missing\r\n"); });
  BOOST_REQUIRE(failure.has_value());
  BOOST_TEST(contains(failure->what(), "in: SELECT * FROM missing"));
  BOOST_TEST(!contains(failure->what(), "\n"));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/storage/sqlite/typed_statement.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::tests;

namespace {

struct visit {
  std::int64_t id;
  std::string who;
  std::optional<double> weight;

  friend bool operator==(const visit&, const visit&) = default;
};

struct fixture {
  fixture() {
    db.execute("CREATE TABLE visit(id INTEGER PRIMARY KEY, who, weight);"
               "INSERT INTO visit VALUES(1, 'ann', 61.5), (2, 'bob', NULL), (3, x'00', 1)");
  }

  temp_dir dir;
  storage::connection db = storage::connection::open_writer(impatient(dir / "a.db"));
  const storage::snapshot now{db}; // Reading changes nothing: it works on a constant.
};

constexpr auto find_sql = "SELECT id, who, weight FROM visit WHERE id <= ?1 ORDER BY id";

/// Whether `work` is refused with `code` and a text that holds all of `parts`.
template <class Work>
bool refused(errc code, const std::vector<std::string>& parts, Work work) {
  auto failure = failure_of(work);
  BOOST_REQUIRE(failure);
  for (auto& part : parts)
    BOOST_TEST(contains(failure->what(), part), failure->what());
  return failure->code() == code;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(typed_statement, fixture)

BOOST_AUTO_TEST_CASE(rows_become_structs_tuples_and_scalars) {
  const std::vector<visit> expected{{1, "ann", 61.5}, {2, "bob", std::nullopt}};
  BOOST_TEST((now.query_as<visit>(find_sql, 2) == expected));
  BOOST_TEST((now.query_one<visit>(find_sql, 1) == expected[0]));
  BOOST_TEST((now.query_one<std::pair<int, std::string>>("SELECT 7, 'x'")
              == std::pair{7, std::string{"x"}}));
  BOOST_TEST(now.query_scalar<std::uint8_t>("SELECT count(*) FROM visit") == 3);
  BOOST_TEST((now.query_as<task_id>("SELECT id FROM visit ORDER BY id DESC").at(0) == task_id{3}));
  BOOST_TEST(now.query_scalar<std::string>("SELECT ?1 || ?2", "a", std::string{"b"}) == "ab");
  BOOST_TEST((now.query_scalar<value>("SELECT who FROM visit WHERE id = ?1", 3)
              == value{blob{std::byte{0}}}));
}

BOOST_AUTO_TEST_CASE(no_row_is_an_empty_answer_only_where_that_is_asked_for) {
  BOOST_TEST(now.query_as<visit>(find_sql, 0).empty());
  BOOST_TEST(!now.query_optional<visit>(find_sql, 0).has_value());
  BOOST_TEST(now.query_optional<visit>(find_sql, 1)->who == "ann");
  BOOST_TEST(refused(errc::not_found, {"there is none", "in: SELECT id"},
                     [&] { now.query_one<visit>(find_sql, 0); }));
  BOOST_TEST(refused(errc::not_found, {}, [&] {
    now.query_scalar<std::optional<std::string>>("SELECT who FROM visit WHERE id = 9");
  }));
}

BOOST_AUTO_TEST_CASE(more_than_one_row_is_a_conflict) {
  BOOST_TEST(refused(errc::conflict, {"there are more", "in: SELECT id"},
                     [&] { now.query_one<visit>(find_sql, 2); }));
  BOOST_TEST(refused(errc::conflict, {}, [&] { now.query_optional<visit>(find_sql, 2); }));
  BOOST_TEST(refused(errc::conflict, {}, [&] { now.query_scalar<int>("SELECT id FROM visit"); }));
  // The statement was given back as new.
  BOOST_TEST(now.query_one<visit>(find_sql, 1).id == 1);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_an_error_of_the_statement) {
  BOOST_TEST(refused(errc::invalid_argument,
                     {"row 3, column 2 ('who')", "text was expected", "a blob", "in: SELECT id"},
                     [&] { now.query_as<visit>(find_sql, 3); }));
  BOOST_TEST(refused(errc::invalid_argument, {"column 1 ('n')", "0 to 255", "does not fit"},
                     [&] { now.query_scalar<std::uint8_t>("SELECT 256 AS n"); }));
  BOOST_TEST(refused(errc::invalid_argument, {"2 columns were expected, but there are 3"}, [&] {
    now.query_as<std::pair<int, int>>(find_sql, 0); // Also without a row.
  }));
  BOOST_TEST(refused(errc::invalid_argument, {"1 column was expected, but there are 0"},
                     [&] { now.query_as<int>("DELETE FROM visit WHERE id = 77"); }));
  BOOST_TEST(refused(errc::sql, {"parameters"}, [&] { now.query_as<visit>(find_sql); }));
}

BOOST_AUTO_TEST_CASE(a_row_can_be_read_in_the_middle_of_a_statement) {
  auto stmt = now.prepare(find_sql);
  stmt->bind(3);
  BOOST_TEST(stmt->step());
  BOOST_TEST((storage::read_row<visit>(*stmt) == visit{1, "ann", 61.5}));
  BOOST_TEST(stmt->step());
  BOOST_TEST(stmt->step());
  BOOST_TEST(refused(errc::invalid_argument, {"column 2 ('who')"},
                     [&] { storage::read_row<visit>(*stmt); }));
}

BOOST_AUTO_TEST_CASE(the_limits_are_those_that_were_given) {
  auto read = [&](std::size_t rows_max, std::size_t bytes_max) {
    auto stmt = now.prepare(find_sql);
    return storage::read_rows<visit>(stmt->bind(2), find_sql, rows_max, bytes_max).size();
  };
  BOOST_TEST(read(2, 10'000) == 2u);
  BOOST_TEST(
    refused(errc::too_large, {"larger than 1 rows", "in: SELECT id"}, [&] { read(1, 10'000); }));
  BOOST_TEST(refused(errc::too_large, {"10 bytes"}, [&] { read(2, 10); }));
}

BOOST_AUTO_TEST_SUITE_END()

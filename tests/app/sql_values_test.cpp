#include "quire/app/cli/sql_values.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::cli;

BOOST_AUTO_TEST_SUITE(sql_values)

BOOST_AUTO_TEST_CASE(integers_are_what_is_written_exactly_as_one) {
  for (auto* text : {"0", "-7", "42", "9223372036854775807", "-9223372036854775808"}) {
    auto x = parameter_value(text);
    BOOST_REQUIRE((x.type() == value::kind::integer));
    BOOST_TEST(std::to_string(x.integer()) == text);
  }
}

BOOST_AUTO_TEST_CASE(reals_are_what_is_written_exactly_as_one) {
  BOOST_TEST(parameter_value("2.5").real() == 2.5);
  BOOST_TEST(parameter_value("1e9").real() == 1e9);
  BOOST_TEST(parameter_value("-0.5E-3").real() == -0.5e-3);
}

// Postal codes, telephone numbers, dates, and numbers that are too large.
BOOST_AUTO_TEST_CASE(all_else_is_text) {
  for (auto* text : {"", "007", "+5", "0x10", "NULL", "1.", ".5", "1e", "1e+", "--1", "-", "1 ", " 1", "1_000",
                     "2026-03-01", "9223372036854775808", "1e999", "nan", "inf"}) {
    auto x = parameter_value(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE((x.type() == value::kind::text));
      BOOST_TEST(x.text() == text);
    }
  }
}

BOOST_AUTO_TEST_CASE(columns_of_numbers_stand_to_the_right) {
  row_set rows;
  rows.columns = {"n", "name"};
  rows.rows = {{value{std::int64_t{5}}, value{std::string{"a"}}}, {value{}, value{std::string{"b"}}},
               {value{std::int64_t{1234}}, value{std::string{"c"}}}};
  auto text = rows_text(rows, 0);
  BOOST_TEST(text.find("\n   5  a\n") != std::string::npos, text);
  BOOST_TEST(text.find("\n1234  c\n") != std::string::npos, text);
}

BOOST_AUTO_TEST_SUITE_END()

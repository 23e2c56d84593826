#include "quire/app/cli/text_table.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>

using namespace quire::cli;

namespace {

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);)
    widest = std::max(widest, line.size());
  return widest;
}

} // namespace

BOOST_AUTO_TEST_SUITE(text_table)

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_what_they_hold) {
  quire::cli::text_table table({{"name"}, {"count", true}, {"note"}});
  table.add({"a", "5", ""});
  table.add({"longer", "1234567", "x"});
  BOOST_TEST(table.to_text() == "name      count  note\n"
                                "a             5\n"
                                "longer  1234567  x\n");
}

BOOST_AUTO_TEST_CASE(control_characters_reach_no_terminal) {
  quire::cli::text_table table({{"name"}});
  table.add({"a\nb\x1b[2J"});
  auto text = table.to_text();
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 2);
  BOOST_TEST(text.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(missing_cells_are_empty_and_surplus_ones_are_dropped) {
  quire::cli::text_table table({{"a"}, {"b"}});
  table.add({"1"});
  table.add({"1", "2", "3"});
  BOOST_TEST(table.to_text() == "a  b\n1\n1  2\n");
}

BOOST_AUTO_TEST_CASE(the_widest_columns_give_way_first) {
  quire::cli::text_table table({{"id"}, {"path"}, {"error"}}, 40);
  table.add({"17", std::string(50, 'p'), std::string(30, 'e')});
  auto text = table.to_text();
  BOOST_TEST(widest_line(text) <= 40u);
  BOOST_TEST(text.find("\n17  p") != std::string::npos);
  BOOST_TEST(text.find("ppp...  eee") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_column_is_readable_however_narrow_the_terminal_is) {
  quire::cli::text_table table({{"first"}, {"second"}}, 5);
  table.add({std::string(20, 'x'), std::string(20, 'y')});
  BOOST_TEST(table.to_text() == "first     second\nxxxxx...  yyyyy...\n");
}

BOOST_AUTO_TEST_CASE(pages_have_one_heading_and_the_same_columns) {
  quire::cli::text_table table({{"a"}, {"b"}});
  table.add({"long one", "1"});
  BOOST_TEST(table.take_page() == "a         b\nlong one  1\n");
  BOOST_TEST(table.rows() == 0u);
  table.add({"x", "2"});
  BOOST_TEST(table.take_page() == "x         2\n");
}

BOOST_AUTO_TEST_SUITE_END()

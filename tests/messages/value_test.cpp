#include "quire/messages/types/value.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

using quire::bytes_of;
using quire::to_display;

BOOST_AUTO_TEST_SUITE(value)

BOOST_AUTO_TEST_CASE(each_kind_is_what_it_was_made_from) {
  using kind = quire::value::kind;
  BOOST_TEST((quire::value{}.type() == kind::null));
  BOOST_TEST((quire::value{nullptr}.type() == kind::null));
  BOOST_TEST((quire::value{7}.type() == kind::integer));
  BOOST_TEST((quire::value{true}.integer() == 1));
  BOOST_TEST((quire::value{0.5}.type() == kind::real));
  BOOST_TEST((quire::value{"text"}.text() == "text"));
  BOOST_TEST((quire::value{quire::blob{std::byte{1}}}.type() == kind::bytes));
}

BOOST_AUTO_TEST_CASE(nothing_is_converted_silently) {
  BOOST_CHECK_THROW((void)quire::value{"7"}.integer(), std::bad_variant_access);
  BOOST_CHECK_THROW((void)quire::value{7}.real(), std::bad_variant_access);
}

BOOST_AUTO_TEST_CASE(people_see_what_the_value_is) {
  BOOST_TEST(to_display({}) == "NULL");
  BOOST_TEST(to_display(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  BOOST_TEST(to_display(3.0) == "3.0");
  BOOST_TEST(to_display(0.1) == "0.1");
  BOOST_TEST(to_display(1e300) == "1e+300");
  BOOST_TEST(to_display("as it is") == "as it is");
  BOOST_TEST(to_display(quire::blob{std::byte{0x0a}, std::byte{0xff}}) == "x'0aff'");
}

BOOST_AUTO_TEST_CASE(large_values_count_with_their_content) {
  BOOST_TEST(bytes_of(quire::value{std::string(1000, 'x')}) >= 1000u);
  BOOST_TEST(bytes_of(quire::value{quire::blob(500)}) >= 500u);
  BOOST_TEST(bytes_of(quire::value{1}) < 100u);
}

BOOST_AUTO_TEST_CASE(an_integer_that_sql_does_not_have_is_refused) {
  BOOST_TEST(quire::value{std::uint64_t{1} << 62}.integer() == std::int64_t{1} << 62);
  BOOST_CHECK_THROW(quire::value{std::uint64_t{1} << 63}, std::out_of_range);
}

BOOST_AUTO_TEST_SUITE_END()

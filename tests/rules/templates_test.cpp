#include "quire/actors/nearest_name.hpp"
#include "quire/actors/templates.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

using namespace quire::actors;

namespace {

// The parts in one line: literals in quotes, templates by name.
std::string shown(std::string_view text) {
  std::string line;
  for (const auto& part : parse_template(text)) {
    auto is_literal = part.from == template_part::source::literal;
    auto is_unknown = part.from == template_part::source::unknown;
    line += is_literal ? "'" + part.text + "'" : (is_unknown ? "?" : "") + part.name();
    line += ' ';
  }
  return line;
}

} // namespace

BOOST_AUTO_TEST_SUITE(templates)

BOOST_AUTO_TEST_CASE(a_text_is_taken_apart_in_order) {
  BOOST_TEST(shown("") == "");
  BOOST_TEST(shown("plain } text {") == "'plain } text {' ");
  BOOST_TEST(shown("a{{params.root}}b{{ item }}") == "'a' params.root 'b' item ");
  BOOST_TEST(shown("{{index}}{{stages.x.y.output}}{{stages.x.outputs}}")
             == "index stages.x.y.output stages.x.outputs ");
}

BOOST_AUTO_TEST_CASE(four_braces_are_two_literal_ones) {
  BOOST_TEST(shown("{{{{params.root}}") == "'{{params.root}}' ");
  BOOST_TEST(shown("{{{{{{item}}}}") == "'{{' item '}}' ");
}

BOOST_AUTO_TEST_CASE(unknown_names_are_kept_for_the_message) {
  BOOST_TEST(shown("{{itme}}") == "?itme ");
  BOOST_TEST(shown("{{}}") == "? ");
  BOOST_TEST(shown("{{params.}}{{stages.output}}") == "?params. ?stages.output ");
}

BOOST_AUTO_TEST_CASE(an_open_template_is_refused) {
  for (auto text : {"{{", "a {{item", "{{item}", "{{params.a {{item}}", "{{{{{{"})
    BOOST_CHECK_THROW(parse_template(text), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(the_nearest_name_is_near) {
  BOOST_TEST(nearest_name("max_atempts", {"max_attempts", "argv"}).value() == "max_attempts");
  BOOST_TEST(nearest_name("hihg", {"low", "high"}).value() == "high");
  BOOST_TEST(!nearest_name("colour", {"kind", "argv"}));
  BOOST_TEST(suggestion("x", {}) == "; there are none");
}

BOOST_AUTO_TEST_CASE(a_message_shows_every_text_on_one_line) {
  BOOST_TEST(printable("täglich") == "täglich");
  BOOST_TEST(printable("a\nb\t\x1b\x7f") == "a\\nb\\t\\u001b\\u007f");
  BOOST_TEST(printable("\xff\xc3") == "\\xff\\xc3");
  BOOST_TEST(printable("\u202eabc") == "\\u202eabc");
  BOOST_TEST(printable("äöüß", 3) == "äöü...");
  BOOST_TEST(is_utf8("ä€😀"));
  BOOST_TEST(!is_utf8("\xed\xa0\x80"));
  BOOST_TEST(!is_utf8("\xc0\x80"));
}

BOOST_AUTO_TEST_SUITE_END()

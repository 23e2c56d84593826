#include "quire/messages/types/cron.hpp"

#include "quire/tests/support/civil_text.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace quire;
using namespace std::chrono_literals;
using tests::local_of;
using tests::text_of;
using texts = std::vector<std::string>;

namespace {

cron_expression cron_of(const std::string& text) {
  return std::get<cron_expression>(parse_schedule(text));
}

/// The first `count` times after `after`.
texts times(const std::string& spec, const std::string& after, std::size_t count) {
  texts found;
  auto cron = cron_of(spec);
  for (auto at = next_local_time(cron, local_of(after)); at && found.size() < count;
       at = next_local_time(cron, *at))
    found.push_back(text_of(*at));
  return found;
}

std::string refusal_of(const std::string& text) {
  try {
    static_cast<void>(parse_schedule(text));
  } catch (const schedule_error& wrong) {
    return wrong.what();
  }
  return "accepted";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(cron)

BOOST_AUTO_TEST_CASE(fields_name_the_times_that_everybody_knows) {
  struct row {
    const char* spec;
    const char* after;
    texts expected;
  };
  const std::vector<row> table{
    {"* * * * *", "2026-01-01 00:00", {"2026-01-01 00:01", "2026-01-01 00:02"}},
    {"* * * * *", "2026-12-31 23:59:30", {"2027-01-01 00:00"}},
    {"*/15 * * * *", "2026-01-01 00:50", {"2026-01-01 01:00", "2026-01-01 01:15"}},
    {"5-59/20 * * * *", "2026-01-01 00:00", {"2026-01-01 00:05", "2026-01-01 00:25", "2026-01-01 00:45"}},
    {"0,30 9-10 * * *", "2026-01-01 09:00", {"2026-01-01 09:30", "2026-01-01 10:00", "2026-01-01 10:30"}},
    {"05 04 * * *", "2026-01-01 04:05", {"2026-01-02 04:05"}},
    {"0 0 1 * *", "2026-01-31 12:00", {"2026-02-01 00:00", "2026-03-01 00:00"}},
    {"0 0 31 * *", "2026-01-31 00:00", {"2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00"}},
    {"0 12 30 * *", "2026-01-30 12:00", {"2026-03-30 12:00"}},
    {"0 0 29 2 *", "2026-01-01 00:00", {"2028-02-29 00:00", "2032-02-29 00:00"}},
    {"0 0 29 2 *", "2096-02-29 00:00", {"2104-02-29 00:00"}},
    {"59 23 31 12 *", "2026-12-31 23:59", {"2027-12-31 23:59"}},
    {"0 9 * * MON-FRI", "2026-02-27 09:00", {"2026-03-02 09:00", "2026-03-03 09:00"}},
    {"0 9 * * 0", "2026-02-27 09:00", {"2026-03-01 09:00", "2026-03-08 09:00"}},
    {"0 9 * * 7", "2026-02-27 09:00", {"2026-03-01 09:00", "2026-03-08 09:00"}},
    {"0 9 * * fri-sun", "2026-02-27 09:00", {"2026-02-28 09:00", "2026-03-01 09:00", "2026-03-06 09:00"}},
    {"0 9 * * 5-7", "2026-02-27 09:00", {"2026-02-28 09:00", "2026-03-01 09:00", "2026-03-06 09:00"}},
    {"0 0 * JAN,Jul *", "2026-01-31 00:00", {"2026-07-01 00:00", "2026-07-02 00:00"}},
    {"0 0 1 */3 *", "2026-01-01 00:00", {"2026-04-01 00:00", "2026-07-01 00:00"}},
    {"\t 0  0 * * * ", "2026-01-01 00:00", {"2026-01-02 00:00"}},
  };
  for (auto& [spec, after, expected] : table)
    BOOST_TEST_CONTEXT(spec << " after " << after)
    BOOST_TEST(times(spec, after, expected.size()) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(six_fields_begin_with_the_second) {
  BOOST_TEST(times("*/20 * * * * *", "2026-01-01 00:00:05", 3)
               == (texts{"2026-01-01 00:00:20", "2026-01-01 00:00:40", "2026-01-01 00:01"}),
             boost::test_tools::per_element());
  BOOST_TEST(times("30 0 0 * * *", "2026-01-01 00:00:30", 1) == texts{"2026-01-02 00:00:30"},
             boost::test_tools::per_element());
  BOOST_TEST(times("59 59 23 31 12 *", "2026-01-01 00:00", 1) == texts{"2026-12-31 23:59:59"},
             boost::test_tools::per_element());
}

// As crontab(5) has it: either is enough if neither of the two contains a `*`.
BOOST_AUTO_TEST_CASE(day_of_month_and_day_of_week_are_alternatives_if_both_are_restricted) {
  BOOST_TEST(times("0 0 13 * FRI", "2026-02-01 00:00", 5)
               == (texts{"2026-02-06 00:00", "2026-02-13 00:00", "2026-02-20 00:00",
                         "2026-02-27 00:00", "2026-03-06 00:00"}),
             boost::test_tools::per_element());
  BOOST_TEST(times("0 0 1 * MON", "2026-02-23 00:00", 2)
               == (texts{"2026-03-01 00:00", "2026-03-02 00:00"}),
             boost::test_tools::per_element());
  BOOST_TEST(times("0 0 */2 * MON", "2026-03-01 00:00", 2)
               == (texts{"2026-03-09 00:00", "2026-03-23 00:00"}),
             boost::test_tools::per_element());
}

// 2100 has no 29 February: from 2072 it is 40 years to the next one that is a Monday.
BOOST_AUTO_TEST_CASE(a_day_that_comes_after_forty_years_is_found) {
  auto cron = cron_of("0 0 29 2 *");
  cron.weekdays.reset();
  cron.weekdays.set(1);
  auto found = next_local_time(cron, local_of("2072-02-29 00:00"));
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(text_of(*found) == "2112-02-29 00:00");
}

BOOST_AUTO_TEST_CASE(macros_stand_for_what_they_say) {
  struct row {
    const char* macro;
    const char* fields;
  };
  for (auto& [macro, fields] : {row{"@yearly", "0 0 1 1 *"}, row{"@annually", "0 0 1 1 *"},
                                row{"@monthly", "0 0 1 * *"}, row{"@weekly", "0 0 * * 0"},
                                row{"@daily", "0 0 * * *"}, row{"@midnight", "0 0 * * *"},
                                row{"@Hourly", "0 * * * *"}})
    BOOST_TEST(times(macro, "2026-05-05 05:05", 5) == times(fields, "2026-05-05 05:05", 5),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(intervals_have_a_number_and_a_unit) {
  auto interval = [](const char* text) { return std::get<std::chrono::seconds>(parse_schedule(text)); };
  BOOST_TEST((interval("every 90s") == 90s));
  BOOST_TEST((interval("every 15m") == 15min));
  BOOST_TEST((interval("Every  2h") == 2h));
  BOOST_TEST((interval("every 1d") == 24h));
  BOOST_TEST((interval("every 3660d") == schedule_interval_max));
  for (auto wrong : {"every", "every 0s", "every 3661d", "every 5", "every s", "every 5w", "every -5s",
                     "every 1.5h", "every 1h 30m", "every 99999999999s"})
    BOOST_TEST(contains(refusal_of(wrong), "a whole number and a unit"), wrong);
}

BOOST_AUTO_TEST_CASE(a_refusal_names_the_field_and_what_is_allowed) {
  struct row {
    const char* spec;
    const char* field;
    const char* why;
  };
  const std::vector<row> table{
    {"60 * * * *", "'minute'", "allowed are 0 to 59"},
    {"* 24 * * *", "'hour'", "allowed are 0 to 23"},
    {"* * 0 * *", "'day of month'", "allowed are 1 to 31"},
    {"* * 32 * *", "'day of month'", "allowed are 1 to 31"},
    {"* * * 13 *", "'month'", "allowed are 1 to 12, JAN to DEC"},
    {"* * * * 8", "'day of week'", "allowed are 0 to 7, SUN to SAT"},
    {"60 * * * * *", "'second'", "allowed are 0 to 59"},
    {"* * * FEBRUARY *", "'month'", "'FEBRUARY'"},
    {"* * * * L", "'day of week'", "'L'"},
    {"* * ? * *", "'day of month'", "'?'"},
    {"5-1 * * * *", "'minute'", "ends before it begins"},
    {"* * * * FRI-MON", "'day of week'", "ends before it begins"},
    {"* * * * 6-0", "'day of week'", "ends before it begins"},
    {"*/0 * * * *", "'minute'", "a step that is not 1 to 59"},
    {"*/60 * * * *", "'minute'", "a step that is not 1 to 59"},
    {"* */24 * * *", "'hour'", "a step that is not 1 to 23"},
    {"*/ * * * *", "'minute'", "a step that is not 1 to 59"},
    {"5/10 * * * *", "'minute'", "a step without a range"},
    {"1,,2 * * * *", "'minute'", "lacks a number"},
    {"1- * * * *", "'minute'", "lacks a number"},
    {"-1 * * * *", "'minute'", "lacks a number"},
    {"+1 * * * *", "'minute'", "'+1'"},
    {"** * * * *", "'minute'", "'**'"},
    {"1-2-3 * * * *", "'minute'", "'2-3'"},
    {"99999999999 * * * *", "'minute'", "allowed are"},
    {"MON * * * *", "'minute'", "'MON'"},
    {"* * * *", "4 fields", "allowed are 5"},
    {"* * * * * * *", "7 fields", "allowed are 5"},
    {"", "0 fields", "allowed are 5"},
    {"@reboot", "'@reboot'", "@hourly"},
    {"0 0 30 2 *", "no day that exists", "'30'"},
    {"0 0 31 4,6,9,11 *", "no day that exists", "'4,6,9,11'"},
  };
  for (auto& [spec, field, why] : table) {
    auto refusal = refusal_of(spec);
    BOOST_TEST(contains(refusal, field), spec << ": " << refusal);
    BOOST_TEST(contains(refusal, why), spec << ": " << refusal);
  }
  BOOST_TEST(contains(refusal_of(std::string(1001, '*')), "its limit of 1000 bytes"));
  BOOST_TEST(contains(refusal_of("a\nb * * * *"), "'a?b'"));
}

// A day that is named beside a day of the week exists with that.
BOOST_AUTO_TEST_CASE(an_impossible_date_with_a_day_of_the_week_is_possible) {
  BOOST_TEST(times("0 0 30 2 MON", "2026-02-20 00:00", 1) == texts{"2026-02-23 00:00"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/app/cli/format.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <ctime>

using namespace quire::cli;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(format)

BOOST_AUTO_TEST_CASE(durations_keep_what_matters) {
  BOOST_TEST(duration_text(-5ms) == "0 ms");
  BOOST_TEST(duration_text(999ms) == "999 ms");
  BOOST_TEST(duration_text(1000ms) == "1.0 s");
  BOOST_TEST(duration_text(59'999ms) == "59.9 s");
  BOOST_TEST(duration_text(60s) == "1 min 00 s");
  BOOST_TEST(duration_text(3599s) == "59 min 59 s");
  BOOST_TEST(duration_text(26h + 3min) == "26 h 03 min");
}

BOOST_AUTO_TEST_CASE(sizes_and_counts_have_their_units) {
  BOOST_TEST(bytes_text(1) == "1 byte");
  BOOST_TEST(bytes_text(1023) == "1023 bytes");
  BOOST_TEST(bytes_text(1024) == "1.0 KiB");
  BOOST_TEST(bytes_text(std::uint64_t{5} << 40) == "5.0 TiB");
  BOOST_TEST(bytes_text(std::uint64_t{1} << 62) == "4194304.0 TiB");
  BOOST_TEST(count_text(1, "task") == "1 task");
  BOOST_TEST(count_text(0, "task") == "0 tasks");
}

BOOST_AUTO_TEST_CASE(rates_that_say_nothing_are_left_out) {
  BOOST_TEST(rate_text(1, 1s) == "");
  BOOST_TEST(rate_text(100, 0s) == "");
  BOOST_TEST(rate_text(2, 5s) == "0.4/s");
  BOOST_TEST(rate_text(850, 10s) == "85/s");
  BOOST_TEST(ratio_text(31, 10) == "3.1");
  BOOST_TEST(ratio_text(31, 0) == "0.0");
}

BOOST_AUTO_TEST_CASE(times_are_those_of_the_time_zone) {
  ::setenv("TZ", "UTC-2", 1);
  ::tzset();
  BOOST_TEST(time_text(1'700'000'000'999) == "2023-11-15 00:13:20");
  ::unsetenv("TZ");
  ::tzset();
}

BOOST_AUTO_TEST_CASE(what_a_shell_would_take_apart_is_quoted) {
  BOOST_TEST(shell_quoted("var/quire-1.db") == "var/quire-1.db");
  BOOST_TEST(shell_quoted("") == "''");
  BOOST_TEST(shell_quoted("my data.db") == "'my data.db'");
  BOOST_TEST(shell_quoted("it's $HOME") == "'it'\\''s $HOME'");
}

BOOST_AUTO_TEST_CASE(widths_are_columns_of_a_terminal_not_bytes) {
  BOOST_TEST(display_width("abc") == 3u);
  BOOST_TEST(display_width("größe") == 5u);
  BOOST_TEST(display_width("日本") == 4u);
  BOOST_TEST(display_width("e\u0301") == 1u);
  BOOST_TEST(display_width("\xf0\x9f") <= 2u); // Cut in the middle: not read past its end.
}

BOOST_AUTO_TEST_CASE(a_cut_is_seen_and_never_divides_a_character) {
  BOOST_TEST(cut_to_width("abcdef", 6) == "abcdef");
  BOOST_TEST(cut_to_width("abcdefg", 6) == "abc...");
  BOOST_TEST(cut_to_width("日本日本", 6) == "日...");
  BOOST_TEST(cut_to_width("abcdefg", 2) == "..");
  BOOST_TEST(cut_to_width("abcdefg", 0) == "");
  BOOST_TEST(padded("日", 4) == "日  ");
  BOOST_TEST(padded("7", 3, true) == "  7");
  BOOST_TEST(padded("long", 2) == "long");
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/messages/types/errc.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using quire::advice;
using quire::errc_from_number;
using quire::errc_from_string;
using quire::outcome_of;
using quire::retryable;
using quire::to_string;
using quire::write_outcome;

BOOST_AUTO_TEST_SUITE(errc)

// The numbers travel in messages and logs: a code may be added, never moved.
BOOST_AUTO_TEST_CASE(every_code_has_a_name_of_its_own_and_reads_back) {
  std::set<std::string> names;
  int count = 0;
  for (int number = 1; number < 256; ++number) {
    auto code = errc_from_number(number);
    if (!code)
      continue;
    ++count;
    BOOST_TEST(static_cast<int>(*code) == number);
    BOOST_TEST(names.insert(std::string{to_string(*code)}).second);
    BOOST_TEST((errc_from_string(to_string(*code)) == *code));
    BOOST_TEST(!advice(*code).empty());
  }
  BOOST_TEST(count == 29);
  BOOST_TEST(static_cast<int>(quire::errc::busy) == 1);
  BOOST_TEST(static_cast<int>(quire::errc::internal) == 24);
}

BOOST_AUTO_TEST_CASE(zero_and_unknown_numbers_are_no_code) {
  BOOST_TEST(!errc_from_number(0).has_value());
  BOOST_TEST(!errc_from_number(30).has_value());
  BOOST_TEST(!errc_from_string("no_such_code").has_value());
}

// "Unknown" must be rare and honest: only where nobody can tell.
BOOST_AUTO_TEST_CASE(only_timeouts_lost_commits_and_our_own_bugs_leave_the_outcome_unknown) {
  std::set<quire::errc> unknown;
  for (int number = 1; number < 256; ++number)
    if (auto code = errc_from_number(number); code && outcome_of(*code) == write_outcome::unknown)
      unknown.insert(*code);
  BOOST_TEST((unknown == std::set{quire::errc::timeout, quire::errc::commit_outcome_unknown,
                                  quire::errc::internal}));
}

BOOST_AUTO_TEST_CASE(a_retry_is_advised_only_where_the_same_request_can_succeed_later) {
  BOOST_TEST(retryable(quire::errc::busy));
  BOOST_TEST(retryable(quire::errc::overloaded));
  BOOST_TEST(retryable(quire::errc::unavailable));
  BOOST_TEST(!retryable(quire::errc::constraint));
  BOOST_TEST(!retryable(quire::errc::commit_outcome_unknown));
  BOOST_TEST(!retryable(quire::errc::sql));
}

BOOST_AUTO_TEST_SUITE_END()

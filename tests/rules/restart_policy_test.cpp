#include "quire/actors/restart_policy.hpp"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using quire::actors::restart_limits;

BOOST_AUTO_TEST_SUITE(restart_policy)

constexpr restart_limits limits{3, 60s, 200ms, 1s, 60s};
const std::chrono::steady_clock::time_point start{};

BOOST_AUTO_TEST_CASE(the_delay_doubles_up_to_its_limit) {
  quire::actors::restart_policy policy{{10, 60s, 200ms, 1s, 60s}};
  for (auto expected : {200ms, 400ms, 800ms, 1000ms, 1000ms})
    BOOST_TEST((policy.ended(start) == expected));
}

BOOST_AUTO_TEST_CASE(one_end_too_many_in_the_period_gives_up) {
  quire::actors::restart_policy policy{limits};
  BOOST_TEST(policy.ended(start).has_value());
  BOOST_TEST(policy.ended(start + 1s).has_value());
  BOOST_TEST(policy.ended(start + 2s).has_value());
  BOOST_TEST(!policy.ended(start + 3s).has_value());
}

BOOST_AUTO_TEST_CASE(ends_that_are_long_ago_do_not_count) {
  quire::actors::restart_policy policy{limits};
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(policy.ended(start + i * 30s).has_value());
}

BOOST_AUTO_TEST_CASE(after_a_healthy_time_the_delay_starts_over) {
  quire::actors::restart_policy policy{limits};
  policy.ended(start);
  BOOST_TEST((policy.ended(start + 1s) == 400ms));
  BOOST_TEST((policy.ended(start + 61s) == 200ms));
}

BOOST_AUTO_TEST_SUITE_END()

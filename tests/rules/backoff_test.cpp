#include "quire/actors/backoff.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cmath>

using namespace quire;
using namespace std::chrono_literals;
using actors::backoff_delay;

namespace {

retry_policy policy(std::chrono::milliseconds base, double factor, std::chrono::milliseconds cap,
                    double jitter) {
  retry_policy result;
  result.base = base;
  result.factor = factor;
  result.cap = cap;
  result.jitter = jitter;
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(backoff)

BOOST_AUTO_TEST_CASE(delays_grow_by_the_factor_up_to_the_cap) {
  auto doubling = policy(1s, 2, 10s, 0);
  BOOST_TEST((backoff_delay(doubling, 1, 0) == 1s));
  BOOST_TEST((backoff_delay(doubling, 2, 0) == 2s));
  BOOST_TEST((backoff_delay(doubling, 4, 0) == 8s));
  BOOST_TEST((backoff_delay(doubling, 5, 0) == 10s));
  BOOST_TEST((backoff_delay(doubling, 1000, 0) == 10s));
}

BOOST_AUTO_TEST_CASE(jitter_only_makes_a_delay_longer_and_by_its_share_at_most) {
  auto with_jitter = policy(1s, 2, 10s, 0.1);
  BOOST_TEST((backoff_delay(with_jitter, 1, 0) == 1000ms));
  BOOST_TEST((backoff_delay(with_jitter, 1, 0.5) == 1050ms));
  BOOST_TEST((backoff_delay(with_jitter, 9, std::nextafter(1.0, 0.0)) <= 11'000ms));
}

// The power overflows to infinity after a few hundred attempts.
BOOST_AUTO_TEST_CASE(extreme_policies_give_a_delay_between_zero_and_the_cap) {
  for (auto base : {0ms, 1ms})
    for (auto factor : {1.0, 1e300})
      for (auto failed : {0, 1, 2, 1000}) {
        auto delay = backoff_delay(policy(base, factor, 60s, 0), failed, 0.9);
        BOOST_TEST(delay.count() >= 0);
        BOOST_TEST(delay.count() <= 60'000);
      }
}

BOOST_AUTO_TEST_SUITE_END()

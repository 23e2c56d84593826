#include "quire/storage/token_bucket.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second = 1'000'000;

} // namespace

BOOST_AUTO_TEST_SUITE(token_bucket)

BOOST_AUTO_TEST_CASE(it_begins_full_and_fills_evenly) {
  storage::token_bucket bucket({10, 60s, 3}, 0);
  std::int64_t now = 1000 * second;
  BOOST_TEST(bucket.tokens(now) == 3u);
  BOOST_TEST(bucket.next_us(now) == now);
  bucket.take(3, now);
  BOOST_TEST(bucket.tokens(now) == 0u);
  BOOST_TEST(bucket.next_us(now) == now + 6 * second);
  BOOST_TEST(bucket.tokens(now + 6 * second - 1) == 0u);
  BOOST_TEST(bucket.tokens(now + 6 * second) == 1u);
  BOOST_TEST(bucket.tokens(now + 17 * second) == 2u);
  BOOST_TEST(bucket.tokens(now + 1000 * second) == 3u);
}

// However it is asked: no more than its burst and what came since.
BOOST_AUTO_TEST_CASE(on_the_long_run_it_gives_what_its_rate_says) {
  storage::token_bucket bucket({7, 1s, 5}, 0);
  std::int64_t now = 0;
  std::size_t taken = 0;
  for (; now < 100 * second; now += 13'337) {
    auto some = std::min<std::size_t>(bucket.tokens(now), now % 3);
    bucket.take(some, now);
    taken += some;
  }
  BOOST_TEST(taken <= 705u);
  BOOST_TEST(taken >= 695u);
}

BOOST_AUTO_TEST_CASE(its_state_is_one_number) {
  rate_limit rate{10, 60s, 3};
  storage::token_bucket bucket(rate, 0);
  bucket.take(2, 500 * second);
  storage::token_bucket again(rate, bucket.full_at_us());
  BOOST_TEST(again.tokens(500 * second) == 1u);
  BOOST_TEST(again.tokens(506 * second) == 2u);
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_back_empties_it_at_most) {
  storage::token_bucket bucket({10, 60s, 3}, 0);
  bucket.take(3, 5000 * second);
  BOOST_TEST(!bucket.heed_clock(5000 * second));
  BOOST_TEST(bucket.heed_clock(1 * second));
  BOOST_TEST(bucket.tokens(1 * second) == 0u);
  BOOST_TEST(bucket.next_us(1 * second) == 7 * second);
  BOOST_TEST(bucket.tokens(7 * second) == 1u);
  BOOST_TEST(bucket.tokens(19 * second) == 3u);
}

BOOST_AUTO_TEST_SUITE_END()

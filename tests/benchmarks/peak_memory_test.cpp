#include "quire/benchmarks/peak_memory.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include <unistd.h>

using namespace quire::benchmarks;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(peak_memory)

// It was given back before anybody asked: only the peak can tell.
BOOST_AUTO_TEST_CASE(memory_that_was_used_and_given_back_is_seen) {
  auto seen = in_child(1min, [] {
    class peak_memory memory;
    // Each page is touched, or it would not be resident.
    { std::vector<std::byte> used(std::size_t{48} << 20, std::byte{1}); }
    sample result;
    result.rss_growth_mib = memory.growth_mib();
    return result;
  });
  BOOST_REQUIRE(seen.rss_growth_mib.has_value());
  BOOST_TEST(*seen.rss_growth_mib > 40);
  BOOST_TEST(*seen.rss_growth_mib < 200);
}

BOOST_AUTO_TEST_CASE(what_was_there_before_is_no_growth) {
  auto seen = in_child(1min, [] {
    { std::vector<std::byte> used(std::size_t{48} << 20, std::byte{1}); }
    class peak_memory memory;
    sample result;
    result.rss_growth_mib = memory.growth_mib();
    return result;
  });
  BOOST_TEST(seen.rss_growth_mib.value_or(1'000) < 40);
}

BOOST_AUTO_TEST_CASE(the_result_of_a_child_comes_back_whole) {
  auto seen = in_child(1min, [] {
    sample result;
    result.items = 3;
    result.seconds = 0.5;
    result.cpu_seconds = 0.25;
    result.locked_errors = 4;
    result.refused = 5;
    result.fail("the \"first\" one");
    result.fail("the second one");
    result.rss_growth_mib = 6.5;
    return result;
  });
  BOOST_TEST(seen.items == 3u);
  BOOST_TEST(seen.seconds == 0.5);
  BOOST_TEST(seen.cpu_seconds == 0.25);
  BOOST_TEST(seen.locked_errors == 4u);
  BOOST_TEST(seen.refused == 5u);
  BOOST_TEST(seen.failures == 2u);
  BOOST_TEST(seen.first_failure == "the \"first\" one");
  BOOST_TEST(seen.rss_growth_mib.value_or(0) == 6.5);
}

BOOST_AUTO_TEST_CASE(a_child_that_throws_ends_early_or_never_is_a_failure) {
  auto thrown = in_child(1min, []() -> sample { throw std::runtime_error("disk full"); });
  BOOST_TEST(thrown.failures == 1u);
  BOOST_TEST(thrown.first_failure == "disk full");

  auto gone = in_child(1min, []() -> sample { ::_exit(75); });
  BOOST_TEST(gone.failures == 1u);

  auto stuck = in_child(50ms, []() -> sample {
    for (;;)
      ::pause();
  });
  BOOST_TEST(stuck.failures == 1u);
  BOOST_TEST(stuck.rss_growth_mib.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

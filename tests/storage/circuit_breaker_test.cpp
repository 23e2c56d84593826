#include "quire/storage/circuit_breaker.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;

namespace {

struct breaker_fixture {
  breaker_fixture() {
    policy.failures = 3;
    policy.open_for = 1000ms;
  }

  storage::circuit_breaker make() { return storage::circuit_breaker(policy); }

  /// Ends attempts that have just been started.
  void see(storage::circuit_breaker& breaker, const std::string& results) {
    for (auto result : results)
      breaker.saw(result == '+', now, now);
  }

  std::string state(const storage::circuit_breaker& breaker) const {
    return std::string{to_string(breaker.state(now))};
  }

  breaker_policy policy;
  std::int64_t now = 50'000;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(circuit_breaker, breaker_fixture)

BOOST_AUTO_TEST_CASE(failures_in_succession_open_it) {
  auto breaker = make();
  see(breaker, "--+--");
  BOOST_TEST(state(breaker) == "closed");
  BOOST_TEST(breaker.room(1000, now) > 1'000'000u);
  see(breaker, "-");
  BOOST_TEST(state(breaker) == "open");
  BOOST_TEST(breaker.room(0, now) == 0u);
  BOOST_TEST(breaker.half_open_at(now).value() == now + 1000);
}

BOOST_AUTO_TEST_CASE(a_share_of_failures_opens_it_once_its_window_is_full) {
  policy.failures = 0;
  policy.window = 4;
  policy.window_percent = 50;
  auto breaker = make();
  see(breaker, "-+-");
  BOOST_TEST(state(breaker) == "closed");
  see(breaker, "+"); // Half of them, but this one succeeded.
  BOOST_TEST(state(breaker) == "closed");
  see(breaker, "++-");
  BOOST_TEST(state(breaker) == "closed");
  see(breaker, "-");
  BOOST_TEST(state(breaker) == "open");
}

BOOST_AUTO_TEST_CASE(a_window_of_64_is_possible) {
  policy.failures = 0;
  policy.window = 64;
  policy.window_percent = 100;
  auto breaker = make();
  see(breaker, "+" + std::string(63, '-'));
  BOOST_TEST(state(breaker) == "closed");
  see(breaker, "-");
  BOOST_TEST(state(breaker) == "open");
}

BOOST_AUTO_TEST_CASE(after_its_time_a_probe_closes_it_or_opens_it_again) {
  auto breaker = make();
  see(breaker, "---");
  now += 999;
  BOOST_TEST(state(breaker) == "open");
  now += 1;
  BOOST_TEST(state(breaker) == "half_open");
  BOOST_TEST(breaker.room(0, now) == 1u);
  BOOST_TEST(breaker.room(1, now) == 0u);
  see(breaker, "-");
  BOOST_TEST(state(breaker) == "open");
  BOOST_TEST(breaker.half_open_at(now).value() == now + 1000);
  now += 1000;
  see(breaker, "+");
  BOOST_TEST(state(breaker) == "closed");
  see(breaker, "--"); // It has forgotten what was before.
  BOOST_TEST(state(breaker) == "closed");
}

BOOST_AUTO_TEST_CASE(it_may_ask_for_several_probes) {
  policy.probes = 2;
  policy.successes = 2;
  auto breaker = make();
  see(breaker, "---");
  now += 1000;
  BOOST_TEST(breaker.room(0, now) == 2u);
  see(breaker, "+");
  BOOST_TEST(state(breaker) == "half_open");
  see(breaker, "+");
  BOOST_TEST(state(breaker) == "closed");
}

BOOST_AUTO_TEST_CASE(each_probe_that_fails_makes_it_wait_longer_up_to_a_limit) {
  policy.factor = 2;
  policy.open_max = 3000ms;
  auto breaker = make();
  see(breaker, "---");
  for (auto wait : {1000, 2000, 3000, 3000}) {
    BOOST_TEST(breaker.half_open_at(now).value() == now + wait);
    now += wait;
    see(breaker, "-");
  }
  now += 3000;
  see(breaker, "+---");
  BOOST_TEST(breaker.half_open_at(now).value() == now + 1000);
}

BOOST_AUTO_TEST_CASE(results_of_attempts_from_before_say_nothing_while_it_is_not_closed) {
  auto breaker = make();
  auto before = now;
  see(breaker, "---");
  auto opened = breaker.memory();
  breaker.saw(true, before, now);
  breaker.saw(false, before, now);
  now += 1000;
  breaker.saw(true, before, now);
  breaker.saw(false, before, now);
  BOOST_TEST((breaker.memory() == opened));
}

BOOST_AUTO_TEST_CASE(what_was_opened_by_hand_is_closed_by_hand) {
  auto breaker = make();
  breaker.open(now);
  now += 1'000'000;
  see(breaker, "+++");
  BOOST_TEST(state(breaker) == "open");
  BOOST_TEST(!breaker.half_open_at(now));
  breaker.close();
  BOOST_TEST(state(breaker) == "closed");
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_back_makes_it_wait_for_no_longer) {
  auto breaker = make();
  see(breaker, "---");
  now -= 40'000;
  breaker.heed_clock(now);
  BOOST_TEST(state(breaker) == "half_open");
  see(breaker, "+");
  BOOST_TEST(state(breaker) == "closed");
}

BOOST_AUTO_TEST_CASE(presets_are_found_by_name) {
  for (auto& name : breaker_presets())
    BOOST_TEST(bool(breaker_preset(name)), name);
  BOOST_TEST((breaker_preset("service") == breaker_policy{}));
  BOOST_TEST((breaker_preset("api")->open_for == 60s));
  BOOST_TEST(breaker_preset("api")->window == 10);
  BOOST_TEST(breaker_preset("utility")->successes == 2);
  BOOST_TEST(!breaker_preset("API"));
}

BOOST_AUTO_TEST_SUITE_END()

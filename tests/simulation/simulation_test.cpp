#include "quire/tests/simulation/world.hpp"

#include <boost/test/unit_test.hpp>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

using namespace quire;

namespace {

// Wide enough to find what is planted, small enough for every submission.
constexpr std::uint64_t seeds_by_default = 500;
constexpr std::uint64_t seeds_for_lies = 200;

std::optional<std::uint64_t> number_from_environment(const char* name) {
  auto* text = std::getenv(name);
  return text ? std::optional<std::uint64_t>{std::strtoull(text, nullptr, 10)} : std::nullopt;
}

std::string how_to_repeat(std::uint64_t seed) {
  return "repeat it with: QUIRE_SIM_SEED=" + std::to_string(seed)
         + " simulation_tests --run_test=simulation";
}

tests::simulation_result simulate_one(std::uint64_t seed, bool shown = false) {
  tests::simulation_plan plan;
  plan.seed = seed;
  plan.shown = shown;
  return tests::simulate(plan);
}

void check_twice(std::uint64_t seed, bool shown) {
  auto first = simulate_one(seed, shown);
  auto second = simulate_one(seed);
  for (auto& violation : first.violations)
    BOOST_ERROR("seed " << seed << ": " << violation << "; " << how_to_repeat(seed));
  if (first.fingerprint != second.fingerprint)
    BOOST_ERROR("seed " << seed << " took two ways (" << first.events << " and " << second.events
                        << " events); " << how_to_repeat(seed));
}

/// Returns the first seed that finds out what `spoil` plants, if any does.
std::optional<std::uint64_t> found_out(const std::function<void(tests::simulation_plan&)>& spoil) {
  for (std::uint64_t seed = 1; seed <= seeds_for_lies; ++seed) {
    tests::simulation_plan plan;
    plan.seed = seed;
    spoil(plan);
    if (!tests::simulate(plan).violations.empty())
      return seed;
  }
  return std::nullopt;
}

struct quiet_log {
  quiet_log() {
    if (!std::getenv("QUIRE_SIM_SEED") && !spdlog::get("quire"))
      spdlog::create<spdlog::sinks::null_sink_mt>("quire");
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(simulation, quiet_log)

// The promises of the whole runtime hold whatever the disk, the services and the
// order of messages do; and a failure can be repeated.
BOOST_AUTO_TEST_CASE(no_seed_breaks_a_promise_and_each_takes_the_same_way_twice) {
  if (auto seed = number_from_environment("QUIRE_SIM_SEED"))
    return check_twice(*seed, true);
  auto first = number_from_environment("QUIRE_SIM_FIRST").value_or(1);
  auto seeds = number_from_environment("QUIRE_SIM_SEEDS").value_or(seeds_by_default);
  for (std::uint64_t seed = first; seed < first + seeds; ++seed)
    check_twice(seed, false);
}

BOOST_AUTO_TEST_CASE(seeds_differ) {
  BOOST_TEST(simulate_one(1).fingerprint != simulate_one(2).fingerprint);
}

// A simulation that tries nothing finds nothing.
BOOST_AUTO_TEST_CASE(the_first_seeds_try_everything) {
  tests::simulation_result sum;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    auto one = simulate_one(seed);
    sum.power_cuts += one.power_cuts;
    sum.kills += one.kills;
    sum.errors_injected += one.errors_injected;
    sum.rows_confirmed += one.rows_confirmed;
    sum.tasks_confirmed += one.tasks_confirmed;
    sum.runs_confirmed += one.runs_confirmed;
  }
  BOOST_TEST(sum.power_cuts > 20);
  BOOST_TEST(sum.kills > 5);
  BOOST_TEST(sum.errors_injected > 5);
  BOOST_TEST(sum.rows_confirmed > 250);
  BOOST_TEST(sum.tasks_confirmed > 50);
  BOOST_TEST(sum.runs_confirmed > 20);
}

// What follows plants lies: if they are not found out, the simulation is blind.

BOOST_AUTO_TEST_CASE(a_disk_that_does_not_synchronize_is_found_out) {
  BOOST_TEST(found_out([](auto& plan) { plan.lies.sync_does_nothing = true; }).has_value());
}

BOOST_AUTO_TEST_CASE(a_disk_that_loses_writes_into_the_log_is_found_out) {
  BOOST_TEST(found_out([](auto& plan) { plan.lies.log_writes_are_lost = true; }).has_value());
}

BOOST_AUTO_TEST_CASE(rows_that_nobody_asked_for_are_found_out) {
  BOOST_TEST(found_out([](auto& plan) { plan.forgetful_client = true; }).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/tests/torture/power.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <optional>

using namespace quire;
using namespace quire::tests;

namespace {

std::int64_t number_from_environment(const char* name, std::int64_t otherwise) {
  auto* text = std::getenv(name);
  return text ? std::strtoll(text, nullptr, 10) : otherwise;
}

const char* case_of(durability sure) {
  return sure == durability::full ? "what_was_committed_survives_a_power_cut"
                                  : "without_being_sure_a_prefix_survives";
}

power_report one_seed(std::uint64_t seed, durability sure) {
  power_plan plan;
  plan.seed = seed;
  plan.sure = sure;
  auto report = torture_by_power(plan);
  for (auto& violation : report.violations)
    BOOST_ERROR("seed " << seed << ": " << violation << "; repeat it with: QUIRE_TORTURE_SEED="
                        << seed << " torture_tests --run_test=power/" << case_of(sure));
  return report;
}

void show(const char* what, const power_report& sum) {
  std::printf("%s: %lld power cuts, %lld process deaths; requests: %lld committed, %lld refused, "
              "%lld unknown, %lld taken back; %lld replays, %lld checkpoints, %lld snapshots\n",
              what, static_cast<long long>(sum.power_cuts),
              static_cast<long long>(sum.process_deaths), static_cast<long long>(sum.committed),
              static_cast<long long>(sum.refused), static_cast<long long>(sum.unknown),
              static_cast<long long>(sum.taken_back), static_cast<long long>(sum.replays),
              static_cast<long long>(sum.checkpoints), static_cast<long long>(sum.snapshots));
  std::fflush(stdout);
}

/// Runs seeds until there were `cuts` power cuts, or just the one that the
/// environment names.
power_report many_seeds(durability sure, std::int64_t cuts) {
  if (auto seed = number_from_environment("QUIRE_TORTURE_SEED", 0); seed != 0)
    return one_seed(static_cast<std::uint64_t>(seed), sure);
  power_report sum;
  auto seed = static_cast<std::uint64_t>(number_from_environment("QUIRE_TORTURE_FIRST", 1));
  // One seed that fails says more than a thousand of them.
  for (; sum.power_cuts < cuts && sum.violations.empty(); ++seed)
    sum += one_seed(seed, sure);
  show(case_of(sure), sum);
  return sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(power)

// Every request that was told so is there, none is there in part, and none that was
// refused, wherever the power goes.
BOOST_AUTO_TEST_CASE(what_was_committed_survives_a_power_cut) {
  auto sum = many_seeds(durability::full, number_from_environment("QUIRE_TORTURE_CUTS", 5000));
  BOOST_TEST(sum.committed > sum.power_cuts);
  BOOST_TEST(sum.taken_back == 0);
}

// Whole transactions in the order of their numbers; and all of them where only the
// process died.
BOOST_AUTO_TEST_CASE(without_being_sure_a_prefix_survives) {
  auto sum =
    many_seeds(durability::normal, number_from_environment("QUIRE_TORTURE_CUTS", 5000) / 2);
  if (sum.power_cuts > 100)
    BOOST_TEST(sum.taken_back > 0);
}

BOOST_AUTO_TEST_CASE(a_seed_takes_the_same_way_twice) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    BOOST_TEST(one_seed(seed, durability::full).fingerprint
               == one_seed(seed, durability::full).fingerprint);
  BOOST_TEST(one_seed(1, durability::full).fingerprint
             != one_seed(2, durability::full).fingerprint);
}

// A torture that tries nothing finds nothing.
BOOST_AUTO_TEST_CASE(the_first_seeds_try_everything) {
  power_report sum;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    sum += one_seed(seed, durability::full);
  BOOST_TEST(sum.power_cuts > 100);
  BOOST_TEST(sum.process_deaths > 10);
  BOOST_TEST(sum.committed > 1000);
  BOOST_TEST(sum.refused > 200);
  BOOST_TEST(sum.unknown > 20);
  BOOST_TEST(sum.replays > 100);
  BOOST_TEST(sum.checkpoints > 50);
  BOOST_TEST(sum.snapshots > 50);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/tests/torture/mutants.hpp"
#include "quire/tests/torture/small_executor.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdio>

using namespace quire;
using namespace quire::tests;

namespace {

constexpr std::uint64_t seeds_max = 50;

} // namespace

BOOST_AUTO_TEST_SUITE(teeth)

// What is planted must be found: otherwise the torture is blind, and what it says of
// the storage core is worth nothing.
BOOST_AUTO_TEST_CASE(every_mutant_is_caught) {
  for (auto& [name, plan] : all_mutants()) {
    power_report sum;
    auto seed = plan;
    for (seed.seed = 1; seed.seed <= seeds_max && sum.violations.empty(); ++seed.seed)
      sum += torture_by_power(seed);
    BOOST_TEST(!sum.violations.empty(), "not caught: " << name);
    if (!sum.violations.empty())
      std::printf("caught after %lld power cuts: %s: %s\n", static_cast<long long>(sum.power_cuts),
                  name.c_str(), sum.violations.front().c_str());
  }
  std::fflush(stdout);
}

// A wrong accusation would count as a catch above.
BOOST_AUTO_TEST_CASE(nobody_else_is_accused) {
  power_report sum;
  for (std::uint64_t seed = 1; seed <= seeds_max; ++seed) {
    power_plan plan;
    plan.seed = seed;
    plan.make = made_by<small_executor>(flaw::none);
    sum += torture_by_power(plan);
    plan.make = made_by<real_subject>();
    plan.batches_max = 60;
    plan.operations_max = 3000;
    plan.lives = 2;
    sum += torture_by_power(plan);
  }
  for (auto& violation : sum.violations)
    BOOST_ERROR(violation);
  BOOST_TEST(sum.replays > 0);
}

BOOST_AUTO_TEST_SUITE_END()

// Random operations on the stores of tasks and pipelines, and a model in memory beside them:
// the tables must be what the model says, all invariants of quire doctor must hold, and in
// the end nothing may be left undone.

#include "quire/tests/storage/task_model_walk.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>

using namespace quire;
using namespace quire::tests;

namespace {

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  auto* text = std::getenv(name);
  return text ? std::stoll(text) : otherwise;
}

/// Returns what the model found, if it found anything.
std::optional<std::string> difference_of(task_walk& walk, std::int64_t operations) {
  try {
    walk.run_operations(operations);
    walk.drain();
    return std::nullopt;
  } catch (const model_error& found) {
    return found.what();
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(task_model)

// The seeds QUIRE_MODEL_FIRST and following, QUIRE_MODEL_SEEDS of them, with
// QUIRE_MODEL_OPERATIONS each.
BOOST_AUTO_TEST_CASE(the_tables_are_what_the_model_says) {
  auto first = from_environment("QUIRE_MODEL_FIRST", 1);
  auto seeds = from_environment("QUIRE_MODEL_SEEDS", 3);
  auto operations = from_environment("QUIRE_MODEL_OPERATIONS", 10'000);
  for (auto seed = first; seed < first + seeds; ++seed) {
    task_walk walk{static_cast<std::uint64_t>(seed)};
    auto difference = difference_of(walk, operations);
    BOOST_REQUIRE_MESSAGE(!difference,
                          "QUIRE_MODEL_FIRST="
                            << seed << " QUIRE_MODEL_SEEDS=1 QUIRE_MODEL_OPERATIONS=" << operations
                            << " shows it again: " << difference.value_or(""));
    BOOST_TEST(walk.open_work() == 0);
    BOOST_TEST(walk.number("SELECT ifnull(sum(used), 0) FROM quire_gate") == 0);
    BOOST_TEST_MESSAGE("seed " << seed << ": " << walk.zombies_refused << " zombies, "
                               << walk.stale_refused << " old lists, " << walk.claims_lost
                               << " claims lost, " << walk.rolled_back << " rolled back, "
                               << walk.runs_ended << " runs, " << walk.overtaken_refused
                               << " zombies of running tasks, " << walk.duplicates
                               << " duplicates, " << walk.held_back << " claims held back");
    // A walk that does not get everywhere proves little.
    BOOST_TEST(walk.zombies_refused > operations / 50);
    BOOST_TEST(walk.overtaken_refused > operations / 200);
    BOOST_TEST(walk.duplicates > operations / 200);
    BOOST_TEST(walk.held_back > operations / 1000);
    BOOST_TEST(walk.stale_refused > operations / 200);
    BOOST_TEST(walk.claims_lost > operations / 100);
    BOOST_TEST(walk.rolled_back > operations / 50);
    BOOST_TEST(walk.runs_ended > operations / 200);
    BOOST_TEST(walk.families > operations / 200);
    BOOST_TEST(walk.together > operations / 20);
    BOOST_TEST(walk.expired > operations / 200);
    BOOST_TEST(walk.opened > operations / 1000);
    BOOST_TEST(walk.unheard > operations / 400);
    for (auto state : {0, 1, 2, 3, 4, 5, 10, 11, 12, 13})
      BOOST_TEST(walk.seen.contains({"task", state}), "task " << state);
    for (auto state : {0, 1, 3, 10, 11, 12, 13, 14})
      BOOST_TEST(walk.seen.contains({"stage", state}), "stage " << state);
  }
}

// With the seeds and operations of the environment, too.
BOOST_AUTO_TEST_CASE(nothing_of_a_claim_that_is_over_is_written) {
  auto first = from_environment("QUIRE_MODEL_FIRST", 1);
  auto seeds = from_environment("QUIRE_MODEL_SEEDS", 1);
  auto operations = from_environment("QUIRE_MODEL_OPERATIONS", 2500);
  constexpr int zombies = 10;
  for (auto seed = first; seed < first + seeds; ++seed) {
    task_walk walk{static_cast<std::uint64_t>(seed)};
    walk.zombies_after_each = zombies;
    auto difference = difference_of(walk, operations);
    BOOST_REQUIRE_MESSAGE(!difference,
                          "QUIRE_MODEL_FIRST="
                            << seed << " QUIRE_MODEL_SEEDS=1 QUIRE_MODEL_OPERATIONS=" << operations
                            << " shows it again: " << difference.value_or(""));
    BOOST_TEST_MESSAGE("seed " << seed << ": " << walk.zombies_refused << " stale writes, "
                               << walk.overtaken_refused << " of them to running tasks, "
                               << walk.claims_lost << " claims lost");
    BOOST_TEST(walk.zombies_refused > operations * zombies / 2);
    BOOST_TEST(walk.overtaken_refused > operations * zombies / 8);
    BOOST_TEST(walk.claims_lost > operations / 100);
  }
}

// Stores with any of these mistakes would be found out.
BOOST_AUTO_TEST_CASE(planted_mistakes_are_found) {
  for (auto& mutant : task_mutants()) {
    std::optional<std::string> difference;
    for (std::uint64_t seed = 1; seed <= 5 && !difference; ++seed) {
      task_walk walk{seed, &mutant};
      difference = difference_of(walk, 2000);
    }
    BOOST_TEST(difference.has_value(), mutant.what);
    BOOST_TEST_MESSAGE(mutant.what << ": " << difference.value_or("not found"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/tests/storage/oracle_mutants.hpp"
#include "quire/tests/storage/oracle_twins.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <string>

using namespace quire;
using namespace quire::tests;

namespace {

constexpr int rounds_a_seed = 30;
constexpr int members_a_seed_min = 300;

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  auto* text = std::getenv(name);
  return text ? std::stoll(text) : otherwise;
}

/// Lets batches and single members work on twins.
/// @returns the first difference, if there is any.
std::optional<std::string> difference_of(oracle_twins& twins) {
  for (int round = 0; round < rounds_a_seed; ++round)
    if (auto found = twins.next_round())
      return found;
  return twins.last_look();
}

} // namespace

BOOST_AUTO_TEST_SUITE(batch_oracle)

// Whatever shares a transaction, each member ends as it would have alone. The seeds
// QUIRE_ORACLE_FIRST and following, QUIRE_ORACLE_SEEDS of them; odd ones have triggers.
BOOST_AUTO_TEST_CASE(a_batch_does_what_its_members_do_one_by_one) {
  auto first = from_environment("QUIRE_ORACLE_FIRST", 1);
  auto seeds = from_environment("QUIRE_ORACLE_SEEDS", 50);
  std::int64_t members = 0;
  std::int64_t failed = 0;
  std::int64_t replays = 0;
  std::int64_t commits = 0;
  for (auto seed = first; seed < first + seeds; ++seed) {
    oracle_twins twins{static_cast<std::uint64_t>(seed)};
    auto difference = difference_of(twins);
    BOOST_REQUIRE_MESSAGE(!difference,
                          "QUIRE_ORACLE_FIRST=" << seed << " QUIRE_ORACLE_SEEDS=1 shows it again: "
                                                << difference.value_or(""));
    members += twins.members_run();
    failed += twins.failed();
    replays += twins.replays();
    commits += twins.commits();
  }
  BOOST_TEST_MESSAGE(members << " members, " << failed << " of them failed, " << commits
                             << " commits, " << replays << " replays");
  BOOST_TEST(members >= seeds * members_a_seed_min);
  // Both must be frequent, or little was tried.
  BOOST_TEST(failed > members / 10);
  BOOST_TEST(members - failed > commits * 2);
  BOOST_TEST(replays > seeds);
}

// An executor with any of these mistakes would be found out.
BOOST_AUTO_TEST_CASE(planted_mistakes_are_found) {
  for (auto& mutant : oracle_mutants()) {
    std::optional<std::string> difference;
    for (std::uint64_t seed = 1; seed <= 30 && !difference; ++seed) {
      oracle_twins twins{seed, mutant.run};
      difference = difference_of(twins);
    }
    BOOST_TEST(difference.has_value(), mutant.what);
    BOOST_TEST_MESSAGE(mutant.what << ": " << difference.value_or("not found").substr(0, 200));
  }
}

BOOST_AUTO_TEST_SUITE_END()

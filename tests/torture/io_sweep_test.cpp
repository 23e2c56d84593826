#include "quire/tests/torture/mutants.hpp"
#include "quire/tests/torture/small_executor.hpp"
#include "quire/tests/torture/sweep.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <vector>

using namespace quire;
using namespace quire::tests;

namespace {

/// A disk that refuses.
class disk_fault : public planted_fault {
public:
  disk_fault(chosen_fault chosen, bool forgets) {
    faults_.chosen = chosen;
    faults_.failed_sync_forgets = forgets;
  }

  void plant(memory_disk& disk) override { disk.plan(faults_); }
  void remove(memory_disk& disk) override { disk.plan({}); }
  bool struck(const memory_disk& disk) const override { return disk.errors_injected() > 0; }

private:
  disk_faults faults_;
};

/// One way in which operations of a kind fail.
struct failing {
  const char* name;
  disk_operation on;
  disk_verdict how = disk_verdict::failed;
  bool forgets = false; ///< A failed synchronization is not made up for by the next.
};

const failing sync_forgets{"sync: EIO, not made up for", disk_operation::sync, disk_verdict::failed,
                           true};

const std::vector<failing> all_failing{
  {"read: EIO", disk_operation::read},
  {"write: EIO", disk_operation::write},
  {"write: ENOSPC", disk_operation::write, disk_verdict::full},
  {"write: cut short", disk_operation::write, disk_verdict::cut_short},
  {"sync: EIO", disk_operation::sync},
  {"truncate: EIO", disk_operation::truncate},
  {"open: EIO", disk_operation::open},
  {"create: ENOSPC", disk_operation::create, disk_verdict::full},
  {"remove: EIO", disk_operation::remove},
  {"index: EIO", disk_operation::index},
};

struct sweep_sum {
  std::int64_t runs = 0;
  std::int64_t points = 0; ///< At which the fault struck.
  std::int64_t committed = 0;
  std::int64_t refused = 0;
  std::int64_t unknown = 0;
};

/// Lets the first operation fail, then the second, until a scenario is over before.
void sweep_all(sweep_scenario scenario, const failing& how, bool lasting, sweep_sum& sum) {
  for (std::int64_t n = 1;; ++n) {
    disk_fault fault{{how.on, n, lasting, how.how}, how.forgets};
    auto report = sweep_once(scenario, fault, static_cast<std::uint64_t>(n));
    ++sum.runs;
    sum.points += report.struck ? 1 : 0;
    sum.committed += report.committed;
    sum.refused += report.refused;
    sum.unknown += report.unknown;
    for (auto& violation : report.violations)
      BOOST_ERROR(name_of(scenario) << ", " << how.name << (lasting ? ", from " : ", number ") << n
                                    << (lasting ? " on: " : ": ") << violation);
    if (!report.struck)
      return;
  }
}

void sweep_scenario_with_all(sweep_scenario scenario) {
  sweep_sum sum;
  for (auto& how : all_failing)
    for (auto lasting : {false, true})
      sweep_all(scenario, how, lasting, sum);
  if (scenario != sweep_scenario::power_cut) // That has a case of its own.
    for (auto lasting : {false, true})
      sweep_all(scenario, sync_forgets, lasting, sum);
  std::printf(
    "%s: %lld faults in %lld runs; requests: %lld committed, %lld refused, %lld unknown\n",
    name_of(scenario), static_cast<long long>(sum.points), static_cast<long long>(sum.runs),
    static_cast<long long>(sum.committed), static_cast<long long>(sum.refused),
    static_cast<long long>(sum.unknown));
  std::fflush(stdout);
  BOOST_TEST(sum.points > 300);
  BOOST_TEST(sum.unknown > 0);
}

} // namespace

// Whichever operation of the disk fails, once or from then on, all that clients were
// told is true.
BOOST_AUTO_TEST_SUITE(io_sweep)

BOOST_AUTO_TEST_CASE(of_commits) {
  sweep_scenario_with_all(sweep_scenario::commits);
}

BOOST_AUTO_TEST_CASE(of_checkpoints) {
  sweep_scenario_with_all(sweep_scenario::checkpoints);
}

BOOST_AUTO_TEST_CASE(of_recovery) {
  sweep_scenario_with_all(sweep_scenario::recovery);
}

BOOST_AUTO_TEST_CASE(of_commits_before_a_power_cut) {
  sweep_scenario_with_all(sweep_scenario::power_cut);
}

// Where the system forgets what it could not synchronize, as Linux does, the log has a hole
// on the disk, and a power loss would take what is committed behind it: the log must be
// written anew first, also while a reader is connected.
BOOST_AUTO_TEST_CASE(of_syncs_that_forget_before_a_power_cut) {
  sweep_sum sum;
  for (auto lasting : {false, true})
    sweep_all(sweep_scenario::power_cut, sync_forgets, lasting, sum);
}

// If this is not found, the sweeps are blind.
BOOST_AUTO_TEST_CASE(who_acknowledges_before_the_commit_is_caught) {
  bool caught = false;
  auto struck = true;
  for (std::int64_t n = 1; struck && !caught; ++n) {
    disk_fault fault{{disk_operation::write, n, false, disk_verdict::failed}, false};
    auto report = sweep_once(sweep_scenario::commits, fault, 1,
                             made_by<small_executor>(flaw::acknowledges_before_commit));
    struck = report.struck;
    caught = !report.violations.empty();
  }
  BOOST_TEST(caught);
}

BOOST_AUTO_TEST_SUITE_END()

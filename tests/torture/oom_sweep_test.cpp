#include "quire/tests/torture/sweep.hpp"

#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

using namespace quire;
using namespace quire::tests;

namespace {

sqlite3_mem_methods real_memory;
std::int64_t allocations_left = -1; // Until one fails; negative: none will.
bool allocation_failed = false;

bool refuses() {
  if (allocations_left < 0 || --allocations_left >= 0)
    return false;
  allocation_failed = true;
  return true;
}

void* allocate(int size) {
  return refuses() ? nullptr : real_memory.xMalloc(size);
}

void* allocate_again(void* old, int size) {
  return refuses() ? nullptr : real_memory.xRealloc(old, size);
}

/// SQLite takes other memory only before its first use.
struct failing_memory {
  failing_memory() {
    auto ok = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) == SQLITE_OK;
    auto mine = real_memory;
    mine.xMalloc = allocate;
    mine.xRealloc = allocate_again;
    if (!ok || sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) != SQLITE_OK)
      throw std::runtime_error("SQLite does not take other memory");
  }
};

/// One allocation of SQLite that fails.
class memory_fault : public planted_fault {
public:
  explicit memory_fault(std::int64_t number) : number_(number) {}

  void plant(memory_disk&) override {
    allocation_failed = false;
    allocations_left = number_ - 1;
  }
  void remove(memory_disk&) override { left_ = std::exchange(allocations_left, -1); }
  bool struck(const memory_disk&) const override { return allocation_failed; }

  /// How many allocations were made while it was planted, if it has not struck.
  std::int64_t allocations() const { return number_ - 1 - left_; }

private:
  std::int64_t number_;
  std::int64_t left_ = 0;
};

std::int64_t points_max() {
  auto* text = std::getenv("QUIRE_TORTURE_ALLOCATIONS");
  return text ? std::strtoll(text, nullptr, 10) : 850;
}

/// How many allocations a scenario makes.
std::int64_t allocations_of(sweep_scenario scenario) {
  constexpr auto more_than_any = std::int64_t{1} << 40;
  memory_fault none{more_than_any};
  auto report = sweep_once(scenario, none, 1);
  BOOST_TEST(report.violations.empty());
  return none.allocations();
}

/// Lets them fail one after the other; if there are too many, evenly spread ones.
void sweep_memory(sweep_scenario scenario) {
  auto all = allocations_of(scenario);
  auto step = std::max(std::int64_t{1}, (all + points_max() - 1) / points_max());
  std::int64_t points = 0;
  std::int64_t committed = 0;
  std::int64_t refused = 0;
  std::int64_t unknown = 0;
  for (std::int64_t n = 1;; n += step) {
    memory_fault fault{n};
    auto report = sweep_once(scenario, fault, static_cast<std::uint64_t>(n));
    if (!report.struck)
      break;
    ++points;
    committed += report.committed;
    refused += report.refused;
    unknown += report.unknown;
    for (auto& violation : report.violations)
      BOOST_ERROR(name_of(scenario) << ", allocation " << n << ": " << violation);
  }
  std::printf(
    "%s: %lld of %lld allocations failed; requests: %lld committed, %lld refused, %lld unknown\n",
    name_of(scenario), static_cast<long long>(points), static_cast<long long>(all),
    static_cast<long long>(committed), static_cast<long long>(refused),
    static_cast<long long>(unknown));
  std::fflush(stdout);
  BOOST_TEST(points > 300);
}

} // namespace

BOOST_TEST_GLOBAL_FIXTURE(failing_memory);

// Whichever allocation of SQLite fails, all that clients were told is true.
BOOST_AUTO_TEST_SUITE(oom_sweep)

BOOST_AUTO_TEST_CASE(of_commits) {
  sweep_memory(sweep_scenario::commits);
}

BOOST_AUTO_TEST_CASE(of_checkpoints) {
  sweep_memory(sweep_scenario::checkpoints);
}

BOOST_AUTO_TEST_CASE(of_recovery) {
  sweep_memory(sweep_scenario::recovery);
}

BOOST_AUTO_TEST_SUITE_END()

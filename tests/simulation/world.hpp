#pragma once

#include "quire/tests/support/memory_disk.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quire::tests {

/// What is to be simulated.
struct simulation_plan {
  std::uint64_t seed = 1;
  disk_lies lies;                ///< To see that lies are found out.
  bool forgetful_client = false; ///< The same: one asks for a row and does not say so.
  bool shown = false;            ///< Events go to stderr.
};

/// What came of it.
struct simulation_result {
  std::uint64_t fingerprint = 0; ///< Of all events in order.
  std::size_t events = 0;
  std::vector<std::string> violations;

  // How much was tried.
  int lives = 0;
  int power_cuts = 0;
  int kills = 0;
  std::int64_t errors_injected = 0;
  std::int64_t rows_confirmed = 0;
  std::int64_t tasks_confirmed = 0;
  std::int64_t runs_confirmed = 0;
};

/// Runs the whole runtime, but for threads and the machine's files, through a
/// few lives on one simulated disk. Equal plans have equal results.
simulation_result simulate(const simulation_plan& plan);

} // namespace quire::tests

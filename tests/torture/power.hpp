#pragma once

#include "quire/tests/support/memory_disk.hpp"
#include "quire/tests/torture/subject.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace quire::tests {

/// The history of one database, which all follows from `seed`: batches of several
/// clients, checkpoints, readers, and again and again the power goes.
struct power_plan {
  std::uint64_t seed = 1;
  subject_maker make = made_by<real_subject>();
  disk_lies lies;
  /// What requests want of their commits. With `normal` some still want `full`.
  durability sure = durability::full;
  int lives = 10;           ///< Each ends with a cut, or a death of the process.
  int batches_max = 10;     ///< In one life.
  int operations_max = 200; ///< After at most so many the power goes.
};

struct power_report {
  std::int64_t power_cuts = 0;
  std::int64_t process_deaths = 0;
  std::int64_t committed = 0; ///< Requests that were told so.
  std::int64_t refused = 0;
  std::int64_t unknown = 0;
  std::int64_t taken_back = 0; ///< Told, not asked to be sure, and gone with the power.
  std::int64_t replays = 0;
  std::int64_t checkpoints = 0;
  std::int64_t snapshots = 0; ///< That readers looked at.
  std::uint64_t fingerprint = 0;
  std::vector<std::string> violations;

  power_report& operator+=(const power_report& other);
};

/// Runs that history, up to the first violation.
power_report torture_by_power(const power_plan& plan);

} // namespace quire::tests

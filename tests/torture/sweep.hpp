#pragma once

#include "quire/tests/support/memory_disk.hpp"
#include "quire/tests/torture/subject.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace quire::tests {

/// What a fault is planted into.
enum class sweep_scenario : std::uint8_t {
  commits,     ///< Batches of either durability, while a reader holds a snapshot.
  checkpoints, ///< Batches, and the log is moved after each.
  recovery,    ///< A database is opened whose process died, written, read and closed.
  power_cut,   ///< As `commits`, but in the end the power goes before anything is closed.
};

const char* name_of(sweep_scenario scenario);

/// Something that goes wrong at one point of a scenario.
class planted_fault {
public:
  virtual ~planted_fault() = default;
  virtual void plant(memory_disk& disk) = 0;
  virtual void remove(memory_disk& disk) = 0;
  /// Whether it has struck since it was planted.
  virtual bool struck(const memory_disk& disk) const = 0;
};

struct sweep_report {
  bool struck = false;        ///< False if the scenario ended before the fault.
  std::int64_t committed = 0; ///< Requests that were told so.
  std::int64_t refused = 0;
  std::int64_t unknown = 0;
  std::vector<std::string> violations;
};

/// Runs a scenario with a fault in it. Whatever the clients were told must be true:
/// once the fault is gone and the database was opened anew, and once more after a
/// power loss, of which `seed` decides what it leaves. Meanwhile the storage core must
/// work again by itself.
sweep_report sweep_once(sweep_scenario scenario, planted_fault& fault, std::uint64_t seed,
                        const subject_maker& make = made_by<real_subject>());

} // namespace quire::tests

#pragma once

#include "quire/tests/storage/oracle_twins.hpp"

#include <vector>

namespace quire::tests {

/// A way to run batches that is wrong on purpose.
struct oracle_mutant {
  const char* what; ///< What is wrong.
  oracle_twins::runner run;
};

/// The mistakes that an oracle must find, or it proves nothing.
std::vector<oracle_mutant> oracle_mutants();

} // namespace quire::tests

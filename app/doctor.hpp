#pragma once

#include "quire/app/runtime.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quire {

/// What is not as it should be.
struct doctor_finding {
  std::string name;    ///< Of the invariant, as `storage/sqlite/invariants.hpp` has it.
  std::string meaning; ///< A sentence: what is wrong, and what follows for the data.
  std::string remedy;  ///< What the repair does; what helps where there is none.
  bool repairable = false;
  std::int64_t found = 0;            ///< How many rows violated it at first.
  std::int64_t left = 0;             ///< How many do after the repair; without one, the same.
  std::vector<std::string> examples; ///< `task 17`: up to five of those left, or else found.
};

/// How a database is.
struct doctor_report {
  std::vector<std::string> damage; ///< What `PRAGMA quick_check` says; empty if the file is sound.
  std::size_t checks = 0;          ///< Invariants that were looked at; 0 in a damaged file.
  std::vector<doctor_finding> findings;

  /// Returns whether nothing is wrong, or nothing any more.
  bool well() const noexcept;
};

/// Checks the file and all invariants of Quire's tables. Works in every `access_mode`. Each
/// check is a read of its own, from end to end of the tables it is about, and must fit
/// into `options::request_timeout` and `options::snapshot_lease`.
/// @throws failure; what it says about a damaged file is in the report instead.
doctor_report examine(runtime& database);

/// The same, and repairs what can be: each invariant in one write of its own. Repeats that
/// while a repair shows more to repair, three times at most. A damaged file is left as it is.
/// @throws failure; `read_only` with `access_mode::look`. Repairs before that are kept.
doctor_report repair(runtime& database, std::int64_t now_ms);

} // namespace quire

#pragma once

#include "quire/storage/sqlite/transaction.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quire::storage {

/// What holds in Quire's tables between any two transactions, whoever made them.
struct invariant {
  std::string_view name;    ///< `gate_places`. Scripts may rely on it: never renamed.
  std::string_view meaning; ///< A sentence: what is not as it should be, and what follows.
  std::string_view
    violations; ///< A query: each row names, as a noun and a number or name, what violates it.
  std::string_view remedy; ///< A sentence: what `repair` does; without one, what helps.
  /// Makes it hold again from what else is in the tables, as part of a transaction, and
  /// announces what that lets happen. Never deletes a payload or an output. Null where
  /// that would be guessing.
  void (*repair)(transaction& tx, std::int64_t now_ms) = nullptr;
};

/// All of them. A repair may break what comes behind it, and is thus followed by theirs.
std::span<const invariant> invariants();

/// Returns the invariant that is called `name`, or null.
const invariant* find_invariant(std::string_view name) noexcept;

/// What violates an invariant.
struct violations {
  std::int64_t count = 0;
  std::vector<std::string> examples; ///< `task 17`, `stage 3`, `gate app:1`.
};

/// Counts what violates `rule`, and names up to `examples_max` of them. Reads the tables
/// from end to end.
/// @throws error; `sql` if the database has no tables of Quire.
violations find_violations(const snapshot& db, const invariant& rule, std::size_t examples_max = 5);

} // namespace quire::storage

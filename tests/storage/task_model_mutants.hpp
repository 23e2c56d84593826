#pragma once

#include "quire/storage/sqlite/task_store.hpp"

#include <cstdint>
#include <vector>

namespace quire::tests {

/// A mistake in the stores, planted from outside: a trigger takes back what a statement of
/// theirs has done, or a call is forged as if they had not looked.
struct task_mutant {
  /// When the trigger works.
  enum class moment : std::uint8_t { always, loss, cancel, enqueue };
  /// What of a claim is looked at before its end is taken.
  enum class fence : std::uint8_t { state_and_epoch, state_only, id_only };

  /// Whose claim is looked at with less.
  enum class speaker : std::uint8_t { finish, crash, words };

  const char* what; ///< What is wrong.
  moment when = moment::always;
  const char* trigger = ""; ///< SQL; `(SELECT active FROM planted)` says whether it works.
  fence looks_at = fence::state_and_epoch;
  speaker who = speaker::finish;
};

/// The mistakes that the model must find, or it proves nothing.
std::vector<task_mutant> task_mutants();

/// Makes an end of an attempt pass that only stands behind `fence`.
/// @returns the epoch under which it passes.
std::int64_t forge_claim(storage::transaction& tx, task_mutant::fence fence, task_id task,
                         std::int64_t epoch);

} // namespace quire::tests

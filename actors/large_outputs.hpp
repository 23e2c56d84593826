#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/result_files.hpp"

#include <cstddef>
#include <optional>

namespace quire::actors {

/// Decides where the output of an attempt is kept, and sees to its limits, on the thread of the
/// worker that ran it. Any thread.
struct large_outputs {
  std::optional<storage::result_files> files{};       ///< Absent: all go into the database.
  std::size_t inline_max = std::size_t{1} << 20; ///< Larger ones go into files.

  /// An output over `output_bytes_max` fails its attempt, a larger detail than
  /// `detail_bytes_max` is dropped. A large output goes into a file; if that cannot be written it
  /// stays where it is, for the database to try.
  void settle(const task_assignment& task, task_outcome& outcome) const;
};

} // namespace quire::actors

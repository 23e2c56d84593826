#pragma once

#include "quire/messages/types/pipeline.hpp"

#include <stdexcept>

namespace quire::cli {

/// What the program tells its caller. Part of its interface: never renumbered.
enum exit_status : int {
  exit_completed = 0,
  exit_error = 1,       ///< The database, the disk or the system refused.
  exit_usage = 2,       ///< A bad command line or pipeline file; nothing was touched.
  exit_partial = 3,     ///< The run ended in partial_success.
  exit_failed = 4,      ///< The run failed or was cancelled.
  exit_unwell = 5,      ///< The doctor found something wrong that is not repaired.
  exit_interrupted = 130,
};

constexpr exit_status exit_status_of(run_state state) noexcept {
  switch (state) {
    case run_state::completed: return exit_completed;
    case run_state::partial_success: return exit_partial;
    default: return exit_failed;
  }
}

/// A command line or a file that is wrong: one line that names the place.
class usage_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Something that is not there or cannot be done: exit status 1.
class command_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace quire::cli

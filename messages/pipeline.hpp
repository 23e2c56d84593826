#pragma once

#include "quire/messages/ticket.hpp"
#include "quire/messages/types/pipeline.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace quire::messages {

/// Asks for a run of the pipeline that `definition` (JSON) describes.
/// Reply: `run_started`, once it is committed.
/// Errors: `invalid_argument` with the place in the definition.
struct start_run {
  std::string definition;
  std::map<std::string, std::string> params; ///< Over the definition's defaults.
  admission_ticket ticket{};
};

/// About what a request takes while it waits.
inline std::size_t bytes_of(const start_run& request) noexcept {
  std::size_t sum = sizeof request + request.definition.size();
  for (auto& [name, text] : request.params)
    sum += name.size() + text.size();
  return sum;
}

struct run_started {
  run_id run;
};

/// Asks for a run to be cancelled. Reply: `run_changed`. Errors: `not_found`,
/// `conflict`.
struct cancel_run {
  run_id run;
  std::string reason;
};

struct run_changed {
  run_id run;
  run_state state = run_state::running;
};

/// Asks to be told when a run has ended. Reply: `run_record`, at once if it has.
/// Errors: `not_found`.
struct await_run {
  run_id run;
};

} // namespace quire::messages

#pragma once

#include "quire/actors/process.hpp"
#include "quire/actors/task_handler.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quire::actors {

/// What a task of kind `command` asks for: its payload, decoded.
struct command_spec {
  enum class output_format { text, lines, json };

  process_spec process;
  output_format output = output_format::text;
  std::vector<int> success_codes{0}; ///< Exit statuses that count as success.
  bool report = false;               ///< It has a descriptor 3, see `command_words`.
};

/// Reads the payload of a `command` task:
/// `{"argv": [...], "stdin": "...", "cwd": "...", "env": {...},
///   "output": "text" | "lines" | "json", "output_limit": bytes, "grace_s": seconds,
///   "success_codes": [0, ...], "report": true}`.
/// With `report` the program may say on descriptor 3 (its number is in `QUIRE_REPORT_FD`) how
/// far it is, see actors/command_words.hpp; each line there is a sign of life for the
/// `heartbeat` of its task. `stdin` may be a list of texts: one element a line. Unknown keys
/// are refused.
/// Limits: 1 to 10,000 elements of `argv`, each up to 131,071 bytes;
/// `output_limit` 1 byte to 64 MiB (16 MiB if absent); `grace_s` 0 to 3600 (5 if
/// absent), fractions allowed; `success_codes` 1 to 256 numbers of 0 to 255.
/// @throws std::invalid_argument with a sentence that names the key.
command_spec parse_command(std::string_view payload);

/// Turns what a program did into the outcome of the attempt.
///
/// Exit status 0 (or one of `success_codes`) completes it; the output is JSON: a
/// text without the newlines at its end, a list of lines, or the program's own
/// JSON. Another status, a signal and a timeout fail it, with the last line of
/// stderr in the error. A program that cannot be started fails it permanently,
/// unless the system is just short of something (memory, descriptors, processes).
/// Output over the limit: a text is cut and says so; lines and JSON fail the
/// attempt permanently, because a part of them would be wrong data.
task_outcome outcome_of(const command_spec& command, const process_result& result);

/// The handler of the built-in kind `command`. It ends the program when the
/// timeout of its task passes or its token says so: the outcome is `cancelled`,
/// or `released` if the token says that. A payload that is wrong fails the
/// attempt permanently, and so does a `heartbeat` without `report`: its program could
/// give no sign of life. Thread-safe.
task_handler command_handler();

} // namespace quire::actors

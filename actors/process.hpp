#pragma once

#include "quire/actors/cancel_token.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quire::actors {

/// A program to run: never through a shell.
struct process_spec {
  /// At least the program; it is looked up in PATH if it has no slash.
  std::vector<std::string> argv;
  std::string working_directory;                                ///< Empty for ours.
  std::vector<std::pair<std::string, std::string>> environment; ///< Added to ours.
  std::string standard_input; ///< Given to the program, then end of file.
  /// Is called with each line, without its end and up to 64 KiB of it, that the program writes
  /// to descriptor 3, while it runs and on the thread of `run_process`; if empty the program
  /// has no descriptor 3.
  std::function<void(std::string_view line)> on_line;
  /// Bytes kept of the beginning; the rest is read and counted only.
  std::size_t stdout_max = std::size_t{16} << 20;
  /// Bytes kept of the end, under a line that says how many were cut.
  std::size_t stderr_max = std::size_t{64} << 10;
  std::chrono::milliseconds timeout{0};   ///< 0 for none.
  std::chrono::milliseconds grace{5'000}; ///< Between TERM and KILL.
};

/// How a program ended.
struct process_result {
  enum class ending : std::uint8_t {
    /// By itself, with `code` as its exit status; -1 and `error` if it is lost.
    exited,
    signalled,   ///< By the signal `code` that we did not send.
    timed_out,   ///< We ended it past its timeout.
    cancelled,   ///< We ended it because the token said so.
    not_started, ///< `error` says why (no such program, no permission, ...).
  };

  ending how = ending::exited;
  int code = 0;
  int start_error = 0; ///< errno of `not_started`.
  std::string error;
  std::string standard_output;
  std::string standard_error;
  std::uint64_t stdout_bytes = 0; ///< All that were written, also those not kept.
  std::uint64_t stderr_bytes = 0;
  std::chrono::milliseconds elapsed{0};
};

/// Runs a program to its end and returns how it ended. Blocks the calling
/// thread. Thread-safe; Linux only.
///
/// The program leads a process group of its own. On a timeout or a cancel the
/// group gets TERM, after `grace` KILL. When the program ends by itself, what is
/// left of its group may write for at most 100 ms more, then it gets KILL, too.
/// The program inherits no descriptor but 0, 1 and 2 (and 3 for `on_line`), the default disposition of
/// all signals and an empty signal mask. When this returns, no zombie, no
/// descriptor and no member of the group is left, at most 5 s after the token said
/// `hurried`; only a process that made a
/// session of its own (setsid) lives on, and its output is not waited for.
///
/// If this process dies, the kernel kills the program (not the rest of its
/// group). It does so when the thread that started it ends, which is why this
/// call keeps its thread. A relative program with a slash starts at
/// `working_directory`; PATH is the one of `environment` if it has one.
///
/// This process must neither ignore SIGCHLD nor wait for children that are not
/// its own: the exit status would be lost.
/// @throws std::runtime_error if the system refuses to watch the program, which
/// has been killed then.
process_result run_process(const process_spec& spec, const cancel_token& cancel);

} // namespace quire::actors

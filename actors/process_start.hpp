#pragma once

#include "quire/actors/process.hpp"

#include <array>
#include <string>

#include <sys/types.h>

namespace quire::actors {

/// A descriptor of this process, closed at the end.
class file_descriptor {
public:
  file_descriptor() = default;
  explicit file_descriptor(int number) noexcept : number_(number) {}
  file_descriptor(file_descriptor&& other) noexcept : number_(other.release()) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept;
  ~file_descriptor();

  /// Returns its number; -1 for none, which poll() ignores.
  int number() const noexcept { return number_; }

  explicit operator bool() const noexcept { return number_ >= 0; }

  void close() noexcept;

private:
  int release() noexcept;

  int number_ = -1;
};

/// Both ends of a pipe; programs that others start do not get them.
struct pipe_ends {
  file_descriptor reading;
  file_descriptor writing;

  /// @throws std::system_error if the system has none left.
  static pipe_ends create();
};

/// What came of the attempt to start a program.
struct start_report {
  pid_t process = -1; ///< It leads the group of this number; -1 if there is none.
  int error = 0;      ///< errno.
  std::string text;   ///< A sentence for people.
};

/// Returns what makes `spec` impossible to start anywhere (no program, zero
/// bytes, names with '='); empty if nothing does.
std::string unusable_part(const process_spec& spec);

/// What a program gets as its descriptors 0 to 3; the last may be -1 for none.
using program_streams = std::array<int, 4>;

/// Starts the program of `spec` with `streams`, and returns when it runs or is known not to.
///
/// The caller must reap it. It shares nothing with the caller: no descriptor, no
/// signal disposition, no signal mask. It gets KILL when the calling *thread*
/// ends, so that thread has to wait for it. (The kernel forgets this for a
/// program that changes its user id.)
start_report start_program(const process_spec& spec, const program_streams& streams);

} // namespace quire::actors

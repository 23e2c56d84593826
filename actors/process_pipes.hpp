#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <signal.h>

/// What goes through the pipes of a program. For `process.cpp`.
namespace quire::actors {

/// Keeps SIGPIPE away from the thread during a write, and from the program
/// afterwards: a library must not change the disposition of its host.
class pipe_signal_block {
public:
  pipe_signal_block() noexcept;

  pipe_signal_block(const pipe_signal_block&) = delete;
  pipe_signal_block& operator=(const pipe_signal_block&) = delete;

  ~pipe_signal_block();

private:
  sigset_t only_;
  sigset_t before_;
  bool was_pending_ = false;
};

/// Keeps the last `max` bytes of what is appended.
void append_end(std::string& kept, std::string_view text, std::size_t max);

/// Makes lines of what comes in pieces. A line is without its end, and cut after 64 KiB;
/// what has no end is none.
class line_splitter {
public:
  static constexpr std::size_t line_max = std::size_t{64} << 10;

  void add(std::string_view text, const std::function<void(std::string_view)>& on_line);

private:
  std::string begun_;
};

} // namespace quire::actors

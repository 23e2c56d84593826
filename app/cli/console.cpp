#include "quire/app/cli/console.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <sys/ioctl.h>
#include <unistd.h>

namespace quire::cli {

namespace {

/// @returns 0, or the number of the error.
int write_all(int file, std::string_view text) noexcept {
  while (!text.empty()) {
    auto count = ::write(file, text.data(), text.size());
    if (count < 0 && errno != EINTR)
      return errno;
    if (count > 0)
      text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

std::string_view variable(const char* name) {
  auto* text = std::getenv(name);
  return text ? text : "";
}

} // namespace

console::console() {
  terminal_ = ::isatty(STDOUT_FILENO) == 1;
  live_ = terminal_ && variable("TERM") != "dumb" && !variable("TERM").empty();
  colours_ = live_ && variable("NO_COLOR").empty();
}

void console::out(std::string_view text) {
  auto number = write_all(STDOUT_FILENO, text);
  if (number == EPIPE)
    throw output_closed{};
  if (number != 0)
    throw std::system_error(number, std::generic_category(),
                            "cannot write the output, but what it tells of is done");
}

void console::complain(std::string_view line) noexcept {
  // In one piece, or lines of several processes would mix.
  try {
    write_all(STDERR_FILENO, std::string{line} + "\n");
  } catch (const std::exception&) {
    write_all(STDERR_FILENO, "quire: out of memory\n");
  }
}

void console::note(std::string_view line) noexcept {
  try {
    complain("quire: " + std::string{line});
  } catch (const std::exception&) {
    write_all(STDERR_FILENO, "quire: out of memory\n");
  }
}

console::size console::window() const noexcept {
  winsize now{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) != 0 || now.ws_col == 0 || now.ws_row == 0)
    return {};
  return {now.ws_col, now.ws_row};
}

} // namespace quire::cli

#include "quire/app/cli/interrupts.hpp"

#include "quire/actors/process_groups.hpp"
#include "quire/app/cli/exit_status.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace quire::cli {

namespace {

/// Signals that come together are one.
constexpr std::chrono::milliseconds same_signal{500};

sigset_t taken_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    // Whoever started us with nohup wants that to stay.
    struct sigaction now{};
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN)
      continue;
    ::sigaddset(&set, number);
  }
  return set;
}

int checked(int descriptor, const char* what) {
  if (descriptor < 0)
    throw std::system_error(errno, std::generic_category(), what);
  return descriptor;
}

} // namespace

interrupts::interrupts() {
  auto set = taken_signals();
  signals_ = checked(::signalfd(-1, &set, SFD_CLOEXEC), "cannot watch for signals");
  stop_ = checked(::eventfd(0, EFD_CLOEXEC), "cannot watch for signals");
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

interrupts::~interrupts() {
  std::uint64_t one = 1;
  static_cast<void>(!::write(stop_, &one, sizeof one));
  watcher_.join();
  ::close(stop_);
  ::close(signals_);
}

void interrupts::watch() {
  std::array<pollfd, 2> files{{{signals_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  for (;;) {
    if (::poll(files.data(), files.size(), -1) < 0)
      continue;
    if (files[1].revents != 0)
      return;
    signalfd_siginfo signal{};
    if (::read(signals_, &signal, sizeof signal) != sizeof signal)
      continue;
    // timeout(1), for one, sends its signal to us and to our group: that is one and the same.
    auto now = std::chrono::steady_clock::now();
    if (count_ > 0 && now - first_at_ < same_signal)
      continue;
    if (++count_ > 1) {
      actors::kill_all_programs();
      constexpr std::string_view last_words =
        "quire: left at once; what was running runs again when the database is opened\n";
      static_cast<void>(!::write(STDERR_FILENO, last_words.data(), last_words.size()));
      ::_exit(exit_interrupted);
    }
    first_at_ = now;
  }
}

} // namespace quire::cli

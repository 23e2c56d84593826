#include "quire/app/cli/interrupts.hpp"

#include "quire/actors/process_groups.hpp"
#include "quire/app/cli/exit_status.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace quire::cli {

namespace {

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
    if (::read(signals_, &signal, sizeof signal) == sizeof signal && ++count_ > 1) {
      actors::kill_all_programs();
      ::_exit(exit_interrupted);
    }
  }
}

} // namespace quire::cli

#include "quire/actors/process_groups.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/wait.h>
#include <time.h>

namespace quire::actors {

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// For members of the group to be gone once they got KILL; after the first of
/// these only those count that are not just unreaped.
constexpr milliseconds burial_quick{10};
constexpr milliseconds burial_total{1'000};

/// The groups of the programs that run; 0 for a free place.
constexpr std::size_t groups_max = 1024;
std::array<std::atomic<pid_t>, groups_max> running_groups{};

} // namespace

known_group::known_group(pid_t group) noexcept {
  for (auto& place : running_groups) {
    pid_t free = 0;
    if (place.compare_exchange_strong(free, group)) {
      place_ = &place;
      return;
    }
  }
}

known_group::~known_group() {
  if (place_)
    place_->store(0);
}

void kill_all_programs() noexcept {
  for (auto& place : running_groups)
    if (auto group = place.load(); group > 0)
      ::kill(-group, SIGKILL);
}

bool group_runs(pid_t group) {
  namespace files = std::filesystem;
  std::error_code unreadable;
  files::directory_iterator entry{"/proc", unreadable};
  for (; !unreadable && entry != files::directory_iterator{}; entry.increment(unreadable)) {
    if (entry->path().filename().native().find_first_not_of("0123456789") != std::string::npos)
      continue;
    std::ifstream file{entry->path() / "stat"};
    std::string text;
    std::getline(file, text, '\0');
    // "42 (any name, even ") Z 1") S 1 42 ...": state, parent, group.
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos)
      continue;
    std::istringstream fields{text.substr(name_end + 1)};
    char state = 0;
    pid_t parent = 0;
    pid_t its_group = 0;
    fields >> state >> parent >> its_group;
    if (fields && its_group == group && state != 'Z' && state != 'X')
      return true;
  }
  return false;
}

/// Its members got KILL; they are somebody else's children now, or ours if we
/// are the one who inherits orphans (the first process of a container). Some
/// of those never reap them.
void bury_group(pid_t group) {
  const auto begin = steady::now();
  for (auto now = begin; ::kill(-group, 0) == 0; now = steady::now()) {
    while (::waitpid(-group, nullptr, WNOHANG) > 0) {
    }
    if (now > begin + burial_total || (now > begin + burial_quick && !group_runs(group)))
      return;
    const timespec pause{0, 500'000};
    ::nanosleep(&pause, nullptr);
  }
}

} // namespace quire::actors

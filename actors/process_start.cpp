#include "quire/actors/process_start.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace quire::actors {

file_descriptor& file_descriptor::operator=(file_descriptor&& other) noexcept {
  if (this != &other) {
    close();
    number_ = other.release();
  }
  return *this;
}

file_descriptor::~file_descriptor() {
  close();
}

void file_descriptor::close() noexcept {
  if (number_ >= 0)
    ::close(std::exchange(number_, -1));
}

int file_descriptor::release() noexcept {
  return std::exchange(number_, -1);
}

namespace {

/// Returns a descriptor above 2 for the same file: 0, 1 and 2 are where the
/// program gets its own, and ours may be free if somebody closed them.
file_descriptor above_standard(file_descriptor original) {
  if (original.number() > 2)
    return original;
  file_descriptor moved{::fcntl(original.number(), F_DUPFD_CLOEXEC, 3)};
  if (!moved)
    throw std::system_error{errno, std::generic_category(), "no descriptor"};
  return moved;
}

} // namespace

pipe_ends pipe_ends::create() {
  std::array<int, 2> numbers{};
  if (::pipe2(numbers.data(), O_CLOEXEC) != 0)
    throw std::system_error{errno, std::generic_category(), "no pipe"};
  file_descriptor reading{numbers[0]};
  file_descriptor writing{numbers[1]};
  return {above_standard(std::move(reading)), above_standard(std::move(writing))};
}

namespace {

enum class start_step { preparation, directory, program };

/// All that the child needs, made before it exists: it shares our memory and
/// other threads may hold any lock, so it may neither allocate nor lock.
struct launch_plan {
  const char* program = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr; ///< Null for ours.
  program_streams streams{};
  pid_t parent = 0;
};

/// Written by the child, read by the parent: vfork shares memory.
struct launch_failure {
  volatile start_step step = start_step::preparation;
  volatile int error = 0;
};

constexpr std::size_t kernel_signal_set_bytes = 8;
constexpr int signal_last = 64;

/// Gives every signal its default disposition. The system call itself, as the
/// wrappers of libc and of sanitizers keep records in the memory we share.
void reset_signals() noexcept {
  // All zero is SIG_DFL without flags in the kernel's layout on every machine.
  alignas(8) const std::array<char, 64> default_action{};
  for (int number = 1; number <= signal_last; ++number)
    ::syscall(SYS_rt_sigaction, number, default_action.data(), nullptr, kernel_signal_set_bytes);
}

void close_from(int first) noexcept {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0)
    return;
#endif
  rlimit limit{};
  const auto end = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65'536
                     ? static_cast<int>(limit.rlim_cur)
                     : 65'536;
  for (int number = first; number < end; ++number)
    ::close(number);
}

[[noreturn]] void give_up(launch_failure& failure, start_step step) noexcept {
  failure.step = step;
  failure.error = errno;
  ::_exit(127);
}

[[noreturn]] void run_child(const launch_plan& plan, launch_failure& failure) noexcept {
  reset_signals();
  if (::setpgid(0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    give_up(failure, start_step::preparation);
  // The parent may have died before the kernel knew that this matters.
  if (::getppid() != plan.parent)
    ::_exit(127);
  if (plan.directory && ::chdir(plan.directory) != 0)
    give_up(failure, start_step::directory);
  int number = 0;
  for (; number < 4 && plan.streams[static_cast<std::size_t>(number)] >= 0; ++number) {
    const int stream = plan.streams[static_cast<std::size_t>(number)];
    // The last may be where it belongs; then it is only kept open.
    if ((stream == number ? ::fcntl(number, F_SETFD, 0) : ::dup2(stream, number)) < 0)
      give_up(failure, start_step::preparation);
  }
  close_from(number);
  const std::uint64_t no_signal = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signal, nullptr, kernel_signal_set_bytes);
  ::execve(plan.program, plan.arguments, plan.environment);
  give_up(failure, start_step::program);
}

/// vfork, because fork copies the page tables: a millisecond for each few
/// hundred MiB of ours. A function of its own, so that the child cannot spoil a
/// frame that somebody needs; signals are blocked, so that no handler of ours
/// runs in the child.
[[gnu::noinline]] pid_t launch(const launch_plan& plan, launch_failure& failure) {
  // libc's wrapper leaves its own signals open; their handlers are ours, too.
  const std::uint64_t all_signals = ~std::uint64_t{0};
  std::uint64_t mask_before = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, &mask_before, kernel_signal_set_bytes);
  const pid_t process = ::vfork();
  if (process == 0)
    run_child(plan, failure);
  const int error = errno;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask_before, nullptr, kernel_signal_set_bytes);
  errno = error;
  return process;
}

bool has_zero_byte(std::string_view text) noexcept {
  return text.find('\0') != std::string_view::npos;
}

/// Our environment with the entries of a spec in it.
class environment_block {
public:
  explicit environment_block(const process_spec& spec) {
    for (auto entry = spec.environment.rbegin(); entry != spec.environment.rend(); ++entry)
      if (!find(entry->first))
        own_.push_back(entry->first + "=" + entry->second);
    for (auto entry = ::environ; entry && *entry; ++entry) {
      const std::string_view text{*entry};
      if (!find(text.substr(0, text.find('='))))
        pointers_.push_back(*entry);
    }
    for (auto& entry : own_)
      pointers_.push_back(entry.data());
    pointers_.push_back(nullptr);
  }

  char* const* pointers() const noexcept { return pointers_.data(); }

  /// Returns the value that the program sees; null if there is none.
  const char* value(std::string_view name) const noexcept {
    for (const auto* entry : pointers_)
      if (entry && is_named(entry, name))
        return entry + name.size() + 1;
    return nullptr;
  }

private:
  static bool is_named(std::string_view entry, std::string_view name) noexcept {
    return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
  }

  bool find(std::string_view name) const noexcept {
    for (const auto& entry : own_)
      if (is_named(entry, name))
        return true;
    return false;
  }

  std::vector<std::string> own_;
  std::vector<char*> pointers_;
};

/// Returns where we see the file that the program sees as `path`.
std::string seen_from_here(const std::string& path, const std::string& directory) {
  return path.starts_with('/') || directory.empty() ? path : directory + "/" + path;
}

/// Looks for `name` in the folders of `path`, as execvp does. Sets `error` and
/// returns the last one that is there but not executable, or nothing.
std::string find_program(const std::string& name, std::string_view path,
                         const std::string& directory, int& error) {
  std::string refused;
  error = ENOENT;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find(':', begin), path.size());
    const std::string folder{path.substr(begin, end - begin)};
    const auto candidate = (folder.empty() ? "." : folder) + "/" + name;
    const auto here = seen_from_here(candidate, directory);
    struct stat status {};
    if (::stat(here.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      if (::faccessat(AT_FDCWD, here.c_str(), X_OK, AT_EACCESS) == 0) {
        error = 0;
        return candidate;
      }
      error = EACCES;
      refused = candidate;
    }
    begin = end + 1;
  }
  return refused;
}

std::string system_text(int error) {
  return std::generic_category().message(error);
}

/// Says why `program`, of which we have the whole path, was not started.
std::string program_text(const process_spec& spec, const std::string& program, int error) {
  const auto name = "program '" + program + "'";
  const auto here = seen_from_here(program, spec.working_directory);
  const bool exists = ::access(here.c_str(), F_OK) == 0;
  switch (error) {
    case ENOENT:
      return exists ? "the interpreter that " + name + " names in its first line does not exist"
                    : name + " does not exist";
    case EACCES:
      return exists ? name + " is not executable"
                    : name + " cannot be reached: " + system_text(error);
    case ENOEXEC: return name + " is neither a program of this machine nor a script with a #! line";
    case E2BIG:
      return "the arguments and the environment of " + name
             + " are longer than this system allows; pass data through stdin";
    default: return name + " cannot be started: " + system_text(error);
  }
}

std::string directory_text(const std::string& directory, int error) {
  const auto name = "working directory '" + directory + "'";
  switch (error) {
    case ENOENT: return name + " does not exist";
    case ENOTDIR: return name + " is not a folder";
    default: return name + " cannot be entered: " + system_text(error);
  }
}

std::string failure_text(const process_spec& spec, const std::string& program,
                         const launch_failure& failure) {
  const int error = failure.error;
  switch (failure.step) {
    case start_step::directory: return directory_text(spec.working_directory, error);
    case start_step::program: return program_text(spec, program, error);
    case start_step::preparation: break;
  }
  return "program '" + program + "' cannot be prepared: " + system_text(error);
}

} // namespace

std::string unusable_part(const process_spec& spec) {
  if (spec.argv.empty() || spec.argv.front().empty())
    return "argv names no program";
  for (std::size_t i = 0; i < spec.argv.size(); ++i)
    if (has_zero_byte(spec.argv[i]))
      return "argv[" + std::to_string(i) + "] contains a zero byte, which no argument can";
  if (has_zero_byte(spec.working_directory))
    return "the working directory contains a zero byte, which no path can";
  for (const auto& [name, value] : spec.environment) {
    if (name.empty() || has_zero_byte(name) || name.find('=') != std::string::npos)
      return "environment name '" + std::string{name.c_str()}
             + "' is empty or contains '=' or a zero byte";
    if (has_zero_byte(value))
      return "the value of environment name '" + name + "' contains a zero byte";
  }
  return {};
}

start_report start_program(const process_spec& spec, const program_streams& streams) {
  if (auto text = unusable_part(spec); !text.empty())
    return {-1, EINVAL, std::move(text)};
  const environment_block environment{spec};
  auto program = spec.argv.front();
  if (program.find('/') == std::string::npos) {
    const auto* path = environment.value("PATH");
    int error = 0;
    auto found = find_program(program, path ? path : "/usr/local/bin:/usr/bin:/bin",
                              spec.working_directory, error);
    // A bad working directory makes relative folders of PATH empty: blame it.
    struct stat status {};
    const auto& directory = spec.working_directory;
    if (error != 0 && !directory.empty() && ::stat(directory.c_str(), &status) != 0)
      return {-1, errno, directory_text(directory, errno)};
    if (error == ENOENT)
      return {-1, error, "program '" + program + "' was not found in PATH"};
    if (error != 0)
      return {-1, error, program_text(spec, found, error)};
    program = std::move(found);
  }
  std::vector<char*> arguments;
  arguments.reserve(spec.argv.size() + 1);
  for (const auto& argument : spec.argv)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  launch_plan plan;
  plan.program = program.c_str();
  plan.arguments = arguments.data();
  plan.environment = environment.pointers();
  plan.directory = spec.working_directory.empty() ? nullptr : spec.working_directory.c_str();
  plan.streams = streams;
  plan.parent = ::getpid();
  launch_failure failure;
  const pid_t process = launch(plan, failure);
  if (process < 0)
    return {-1, errno, "no process can be started now: " + system_text(errno)};
  if (failure.error == 0)
    return {process, 0, {}};
  while (::waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
  }
  const int error = failure.error;
  return {-1, error, failure_text(spec, program, failure)};
}

} // namespace quire::actors

#include "quire/actors/process.hpp"

#include "quire/actors/process_groups.hpp"
#include "quire/actors/process_pipes.hpp"
#include "quire/actors/process_start.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace quire::actors {

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// What is left of a group may write on for so long after its program ended by
/// itself: the `tee` of a shell's `> >(tee log)` needs it.
constexpr milliseconds farewell_quiet{20};
constexpr milliseconds farewell_total{100};

/// After the group got KILL, only what is in the pipes is to be read. Longer
/// waiting means that a process which left the group holds them.
constexpr milliseconds drain_quiet{100};
constexpr milliseconds drain_total{1'000};

/// The grace of a program that must hurry: a service that stops waits for 10 s.
constexpr milliseconds hurried_grace{5'000};

/// How often to look whether it must, and whether anything of the group is left.
constexpr milliseconds grace_look_period{100};

/// How often to look for the end of the program where pidfd_open is missing.
constexpr milliseconds look_period{5};

/// Longer waits overflow the clock; nobody sees the end of one anyway.
constexpr milliseconds wait_max = std::chrono::hours{24 * 365 * 10};

int milliseconds_of_poll(steady::duration wait) {
  const auto rounded = std::chrono::ceil<milliseconds>(wait).count();
  return static_cast<int>(std::clamp<std::int64_t>(rounded, 0, 3'600'000));
}

/// One program, from its start until nothing is left of it.
class program_run {
public:
  program_run(const process_spec& spec, const cancel_token& cancel, process_result& result)
    : spec_(spec), cancel_(cancel), result_(result) {}

  program_run(const program_run&) = delete;
  program_run& operator=(const program_run&) = delete;

  ~program_run() {
    if (process_ <= 0)
      return;
    known_.reset();
    signal_group(SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  void run() {
    // Before the start: what fails here must not leave a program behind.
    wake_ = file_descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!wake_)
      throw std::system_error{errno, std::generic_category(), "no descriptor"};
    const auto registration = cancel_.on_cancel([wake = wake_.number()] {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(wake, &one, sizeof one);
    });
    if (!start())
      return;
    feed();
    while (!exited_) {
      watch(until_next_step());
      look_for_end();
      if (!exited_)
        take_next_step(steady::now());
    }
    finish();
  }

private:
  enum class phase { running, asked_to_end, killed };

  bool start() {
    auto input = pipe_ends::create();
    auto output = pipe_ends::create();
    auto errors = pipe_ends::create();
    pipe_ends words;
    if (spec_.on_line)
      words = pipe_ends::create();
    for (auto number : {input.writing.number(), words.reading.number()})
      if (number >= 0 && ::fcntl(number, F_SETFL, O_NONBLOCK) != 0)
        throw std::system_error{errno, std::generic_category(), "no pipe"};
    auto started = start_program(spec_, {input.reading.number(), output.writing.number(),
                                         errors.writing.number(), words.writing.number()});
    if (started.process < 0) {
      result_.how = process_result::ending::not_started;
      result_.start_error = started.error;
      result_.error = std::move(started.text);
      return false;
    }
    process_ = started.process;
    known_.emplace(process_);
    input_ = std::move(input.writing);
    output_ = std::move(output.reading);
    errors_ = std::move(errors.reading);
    words_ = std::move(words.reading);
    exit_notice_ = file_descriptor{static_cast<int>(::syscall(SYS_pidfd_open, process_, 0U))};
    if (spec_.timeout > milliseconds{0})
      next_step_ = steady::now() + std::min(spec_.timeout, wait_max);
    return true;
  }

  void signal_group(int number) const noexcept {
    // Safe until the leader is reaped: its number cannot be given anew.
    ::kill(-process_, number);
  }

  void feed() {
    const std::string_view rest = std::string_view{spec_.standard_input}.substr(fed_);
    if (rest.empty()) {
      input_.close();
      return;
    }
    const pipe_signal_block block;
    const auto count = ::write(input_.number(), rest.data(), rest.size());
    if (count > 0)
      fed_ += static_cast<std::size_t>(count);
    // A program may end, or close its stdin, without reading all of it.
    const bool failed = count < 0 && errno != EAGAIN && errno != EINTR;
    if (failed || fed_ == spec_.standard_input.size())
      input_.close();
  }

  /// Returns what one read gives; nothing at the end of the file, which closes it.
  std::string_view read_some(file_descriptor& from) {
    const auto count = ::read(from.number(), buffer_.data(), buffer_.size());
    if (count > 0)
      return {buffer_.data(), static_cast<std::size_t>(count)};
    if (count == 0 || (errno != EINTR && errno != EAGAIN))
      from.close();
    return {};
  }

  void read_output() {
    const auto text = read_some(output_);
    auto& kept = result_.standard_output;
    result_.stdout_bytes += text.size();
    kept += text.substr(0, spec_.stdout_max - std::min(spec_.stdout_max, kept.size()));
  }

  void read_errors() {
    const auto text = read_some(errors_);
    result_.stderr_bytes += text.size();
    append_end(result_.standard_error, text, spec_.stderr_max);
  }

  /// Returns whether there may be more.
  bool read_words() {
    const auto text = read_some(words_);
    lines_.add(text, spec_.on_line);
    return !text.empty();
  }

  /// Waits for up to `wait` until something happens, and moves what can be moved
  /// between us and the program. Returns whether anything did.
  bool watch(steady::duration wait) {
    if (!exit_notice_ && !exited_)
      wait = std::min<steady::duration>(wait, look_period);
    std::array<pollfd, 6> watched{{{output_.number(), POLLIN, 0},
                                   {errors_.number(), POLLIN, 0},
                                   {input_.number(), POLLOUT, 0},
                                   {exit_notice_.number(), POLLIN, 0},
                                   {wake_.number(), POLLIN, 0},
                                   {words_.number(), POLLIN, 0}}};
    const int count = ::poll(watched.data(), watched.size(), milliseconds_of_poll(wait));
    if (count < 0 && errno != EINTR && errno != EAGAIN)
      throw std::runtime_error{"the program was ended, as it could not be watched: "
                               + std::generic_category().message(errno)};
    if (count <= 0)
      return count < 0;
    if (watched[0].revents)
      read_output();
    if (watched[1].revents)
      read_errors();
    if (watched[2].revents)
      feed();
    noticed_ = watched[3].revents != 0;
    if (watched[4].revents)
      hear_wake();
    if (watched[5].revents)
      read_words();
    return true;
  }

  void look_for_end() {
    if (exit_notice_ && !noticed_)
      return;
    siginfo_t info{};
    const auto id = static_cast<id_t>(process_);
    const int outcome = ::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT);
    // Without a child of this number, somebody else has reaped it.
    exited_ = (outcome == 0 && info.si_pid == process_) || (outcome < 0 && errno == ECHILD);
  }

  steady::duration until_next_step() const {
    auto wait = next_step_ ? *next_step_ - steady::now() : steady::duration{wait_max};
    return phase_ == phase::asked_to_end ? std::min<steady::duration>(wait, grace_look_period) : wait;
  }

  /// The grace of a program that must hurry begins now, if it would end later.
  void hurry_if_asked(steady::time_point now) {
    if (phase_ != phase::asked_to_end || hurried_ || !cancel_.hurried())
      return;
    hurried_ = true;
    next_step_ = std::min(*next_step_, now + hurried_grace);
  }

  void take_next_step(steady::time_point now) {
    hurry_if_asked(now);
    const bool due = next_step_ && now >= *next_step_;
    if (phase_ == phase::running && (due || wake_heard_)) {
      result_.how = due ? process_result::ending::timed_out : process_result::ending::cancelled;
      phase_ = phase::asked_to_end;
      next_step_ = now + std::clamp(spec_.grace, milliseconds{0}, wait_max);
      signal_group(SIGTERM);
      // A stopped process gets TERM only once it goes on.
      signal_group(SIGCONT);
    } else if (phase_ == phase::asked_to_end && due) {
      phase_ = phase::killed;
      next_step_.reset();
      signal_group(SIGKILL);
    }
  }

  void hear_wake() {
    wake_heard_ = true;
    // Emptied, or it would wake every poll; not closed, as the callback knows its number.
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto count = ::read(wake_.number(), &ignored, sizeof ignored);
  }

  /// Reads until both pipes end, or are quiet for `quiet`, or `end` comes.
  void drain(steady::duration quiet, steady::time_point end) {
    while (output_ || errors_) {
      const auto left = end - steady::now();
      if (left <= steady::duration{0} || !watch(std::min(quiet, left)))
        return;
    }
  }

  /// The rest of the group has the same grace as its leader. A process that left
  /// the group may hold the pipes: nobody waits for it.
  void wait_for_rest_of_group() {
    while ((output_ || errors_) && group_runs(process_)) {
      const auto now = steady::now();
      hurry_if_asked(now);
      if (now >= *next_step_)
        return;
      drain(grace_look_period, std::min(now + grace_look_period, *next_step_));
    }
  }

  void finish() {
    input_.close();
    exit_notice_.close();
    const auto now = steady::now();
    if (phase_ == phase::asked_to_end)
      wait_for_rest_of_group();
    else if (phase_ == phase::running)
      drain(farewell_quiet, now + farewell_total);
    signal_group(SIGKILL);
    drain(drain_quiet, steady::now() + drain_total);
    // No more than a pipe holds: a process that left the group may write for ever.
    for (int reads = 0; reads < 16 && words_ && read_words(); ++reads) {
    }
    if (const auto cut = result_.standard_error.size(); cut > spec_.stderr_max)
      result_.standard_error.erase(0, cut - spec_.stderr_max);
    if (const auto cut = result_.stderr_bytes - result_.standard_error.size(); cut > 0)
      result_.standard_error.insert(0, "[... " + std::to_string(cut) + " bytes cut ...]\n");
    reap();
  }

  void reap() {
    known_.reset(); // Its number may be given anew.
    int status = 0;
    pid_t reaped = -1;
    do
      reaped = ::waitpid(process_, &status, 0);
    while (reaped < 0 && errno == EINTR);
    const auto group = std::exchange(process_, -1);
    bury_group(group);
    if (phase_ != phase::running)
      return;
    if (reaped < 0) {
      result_.code = -1;
      result_.error = "its exit status is unknown: another part of this program has taken it";
    } else if (WIFSIGNALED(status)) {
      result_.how = process_result::ending::signalled;
      result_.code = WTERMSIG(status);
    } else {
      result_.code = WEXITSTATUS(status);
    }
  }

  const process_spec& spec_;
  const cancel_token& cancel_;
  process_result& result_;
  file_descriptor input_;
  file_descriptor output_;
  file_descriptor errors_;
  file_descriptor words_;
  line_splitter lines_;
  file_descriptor exit_notice_;
  file_descriptor wake_;
  pid_t process_ = -1;
  std::optional<known_group> known_;
  std::size_t fed_ = 0;
  phase phase_ = phase::running;
  std::optional<steady::time_point> next_step_; ///< TERM or KILL is due.
  bool hurried_ = false;
  bool noticed_ = false;
  bool wake_heard_ = false;
  bool exited_ = false;
  std::array<char, 65'536> buffer_; // Uninitialised: only what a read wrote is looked at.
};

} // namespace

process_result run_process(const process_spec& spec, const cancel_token& cancel) {
  const auto begin = steady::now();
  process_result result;
  if (cancel.cancelled()) {
    result.how = process_result::ending::cancelled;
    return result;
  }
  try {
    program_run{spec, cancel, result}.run();
  } catch (const std::system_error& failure) {
    result.how = process_result::ending::not_started;
    result.start_error = failure.code().value();
    result.error = "no program can be started now: " + failure.code().message();
  }
  result.elapsed = std::chrono::duration_cast<milliseconds>(steady::now() - begin);
  return result;
}

} // namespace quire::actors

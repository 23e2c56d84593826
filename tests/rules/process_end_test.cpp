#include "quire/actors/process.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using quire::actors::cancel_token;
using quire::actors::process_result;
using quire::actors::process_spec;
using quire::actors::run_process;
using ending = process_result::ending;
using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

process_spec shell(const std::string& script) {
  process_spec spec;
  spec.argv = {"sh", "-c", script};
  // No test may hang; far above what any needs.
  spec.timeout = seconds{60};
  return spec;
}

process_result run(const process_spec& spec) {
  return run_process(spec, cancel_token{});
}

/// Returns a number of seconds for sleep that no other process has.
std::string own_sleep() {
  static int count = 0;
  return "1000." + std::to_string(::getpid()) + std::to_string(1000 + ++count);
}

/// Returns the processes that run `sleep time`; zombies have no arguments.
std::vector<pid_t> sleeping(const std::string& time) {
  std::vector<pid_t> result;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    std::ifstream file{entry.path() / "cmdline"};
    // Not by iterators: they throw if the process ends right now.
    std::string arguments;
    std::getline(file, arguments);
    if (arguments == "sleep" + std::string(1, '\0') + time + std::string(1, '\0'))
      result.push_back(std::stoi(entry.path().filename().string()));
  }
  return result;
}

/// Runs `spec` and cancels it once it has got as far as `sleep time`.
process_result cancel_at_sleep(const process_spec& spec, const std::string& time) {
  const cancel_token token;
  std::thread canceller{[&] {
    const auto limit = steady::now() + seconds{30};
    while (sleeping(time).empty() && steady::now() < limit)
      std::this_thread::yield();
    token.cancel("asked by a person");
  }};
  auto result = run_process(spec, token);
  canceller.join();
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(process_end)

BOOST_AUTO_TEST_CASE(a_timeout_ends_the_program_with_term) {
  auto spec = shell("trap 'echo bye; exit 7' TERM; sleep 1000 & wait");
  spec.timeout = milliseconds{800};
  spec.grace = seconds{60};
  const auto result = run(spec);
  BOOST_TEST((result.how == ending::timed_out));
  BOOST_TEST(result.standard_output == "bye\n");
  BOOST_TEST((result.elapsed >= spec.timeout));
  BOOST_TEST((result.elapsed < seconds{30}));
}

BOOST_AUTO_TEST_CASE(what_ignores_term_is_killed_after_the_grace) {
  const auto sleep = own_sleep();
  auto spec = shell("trap '' TERM; sleep " + sleep + " & sleep " + sleep);
  spec.timeout = milliseconds{600};
  spec.grace = milliseconds{150};
  const auto result = run(spec);
  BOOST_TEST((result.how == ending::timed_out));
  BOOST_TEST((result.elapsed >= milliseconds{750}));
  BOOST_TEST((result.elapsed < seconds{30}));
  BOOST_TEST(sleeping(sleep).empty());
}

BOOST_AUTO_TEST_CASE(a_stopped_program_ends_at_its_timeout_without_kill) {
  auto spec = shell("kill -STOP $$; sleep 1000");
  spec.timeout = milliseconds{100};
  spec.grace = seconds{60};
  const auto result = run(spec);
  BOOST_TEST((result.how == ending::timed_out));
  BOOST_TEST((result.elapsed < seconds{30}));
}

// The shell dies of TERM at once; what it started cleans up.
BOOST_AUTO_TEST_CASE(the_whole_group_has_the_grace) {
  const auto sleep = own_sleep();
  auto spec = shell("sh -c 'trap \"sleep 0.2; echo clean; exit\" TERM; echo ready; sleep " + sleep
                    + " & wait'; echo unreached");
  spec.grace = seconds{30};
  const auto result = cancel_at_sleep(spec, sleep);
  BOOST_TEST((result.how == ending::cancelled));
  BOOST_TEST(result.standard_output == "ready\nclean\n");
}

BOOST_AUTO_TEST_CASE(a_token_ends_the_program) {
  const auto sleep = own_sleep();
  const auto result = cancel_at_sleep(shell("echo started; sleep " + sleep), sleep);
  BOOST_TEST((result.how == ending::cancelled));
  BOOST_TEST(result.standard_output == "started\n");
  BOOST_TEST((result.elapsed < seconds{30}));
  BOOST_TEST(sleeping(sleep).empty());
}

BOOST_AUTO_TEST_CASE(a_cancelled_token_starts_nothing) {
  const cancel_token token;
  token.cancel("before");
  const auto result = run_process(shell("echo started"), token);
  BOOST_TEST((result.how == ending::cancelled));
  BOOST_TEST(result.standard_output == "");
}

// With and without the pipes in their hands.
BOOST_AUTO_TEST_CASE(what_a_program_leaves_in_its_group_is_killed) {
  for (const std::string to : {"", " >/dev/null 2>&1"}) {
    const auto sleep = own_sleep();
    const auto result =
      run(shell("sleep " + sleep + to + " & sleep " + sleep + to + " & echo out; exit 4"));
    BOOST_TEST((result.how == ending::exited));
    BOOST_TEST(result.code == 4);
    BOOST_TEST(result.standard_output == "out\n");
    BOOST_TEST((result.elapsed < seconds{30}));
    BOOST_TEST(sleeping(sleep).empty());
  }
}

// As a process in a container that inherits orphans does: they are ours to reap.
BOOST_AUTO_TEST_CASE(orphans_that_come_to_us_leave_no_zombie) {
  BOOST_REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(run(shell("sleep 1000 & sleep 1000 & echo out")).standard_output == "out\n");
  BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
  BOOST_TEST(errno == ECHILD);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

BOOST_AUTO_TEST_CASE(a_process_that_left_the_group_is_not_waited_for) {
  const auto sleep = own_sleep();
  const auto result =
    run(shell("setsid sleep " + sleep + " & "
              + "until [ \"$(cat /proc/$!/comm)\" = sleep ]; do :; done; " + "echo out"));
  BOOST_TEST((result.how == ending::exited));
  BOOST_TEST(result.standard_output == "out\n");
  BOOST_TEST((result.elapsed < seconds{30}));
  const auto left = sleeping(sleep);
  BOOST_TEST(left.size() == 1U);
  for (const pid_t process : left)
    ::kill(process, SIGKILL);
}

// The kernel kills the program when the process that waits for it is killed.
BOOST_AUTO_TEST_CASE(a_program_does_not_outlive_us) {
  const auto sleep = own_sleep();
  const pid_t other = ::fork();
  BOOST_REQUIRE(other >= 0);
  if (other == 0) {
    process_spec spec;
    spec.argv = {"sleep", sleep};
    run(spec);
    ::_exit(0);
  }
  const auto limit = steady::now() + seconds{30};
  while (sleeping(sleep).empty() && steady::now() < limit)
    std::this_thread::yield();
  BOOST_TEST(sleeping(sleep).size() == 1U);
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  while (!sleeping(sleep).empty() && steady::now() < limit)
    std::this_thread::yield();
  BOOST_TEST(sleeping(sleep).empty());
}

// It holds the pipes, but it left the group: nobody waits for it.
BOOST_AUTO_TEST_CASE(who_left_the_group_is_not_waited_for_through_the_grace) {
  const auto time = own_sleep();
  auto spec = shell("setsid sleep " + time + " & sleep 1000");
  spec.timeout = milliseconds{800};
  spec.grace = seconds{300};
  const auto result = run(spec);
  BOOST_TEST((result.how == ending::timed_out));
  BOOST_TEST((result.elapsed < seconds{60}));
  for (auto process : sleeping(time))
    ::kill(process, SIGKILL);
}

// A service that stops does not wait for a grace of an hour, whoever began it.
BOOST_AUTO_TEST_CASE(a_program_that_must_hurry_has_a_short_grace) {
  const auto time = own_sleep();
  auto spec = shell("trap '' TERM; sleep " + time);
  spec.grace = seconds{3600};
  const cancel_token token;
  std::thread canceller{[&] {
    while (sleeping(time).empty())
      std::this_thread::yield();
    token.cancel("asked by a person");
    token.hurry();
  }};
  const auto result = run_process(spec, token);
  canceller.join();
  BOOST_TEST((result.how == ending::cancelled));
  BOOST_TEST((result.elapsed < seconds{60}));
  BOOST_TEST(sleeping(time).empty());
}

BOOST_AUTO_TEST_SUITE_END()

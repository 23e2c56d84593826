#include "quire/actors/process.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using quire::actors::cancel_token;
using quire::actors::process_result;
using quire::actors::process_spec;
using quire::actors::run_process;
using quire::tests::temp_dir;
using ending = process_result::ending;
using std::chrono::milliseconds;
using std::chrono::seconds;

process_spec program(std::vector<std::string> argv) {
  process_spec spec;
  spec.argv = std::move(argv);
  // No test may hang; far above what any needs.
  spec.timeout = seconds{60};
  return spec;
}

process_spec shell(const std::string& script) {
  return program({"sh", "-c", script});
}

process_result run(const process_spec& spec) {
  return run_process(spec, cancel_token{});
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

void write_script(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream{path} << text;
  BOOST_REQUIRE(::chmod(path.c_str(), mode) == 0);
}

/// Fails if a test leaves a child or a descriptor behind.
struct nothing_left {
  std::size_t at_start = open_descriptors();

  ~nothing_left() {
    BOOST_TEST(open_descriptors() == at_start);
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
    BOOST_TEST(errno == ECHILD);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(process, nothing_left)

BOOST_AUTO_TEST_CASE(output_and_status_of_a_program_come_back) {
  const auto result = run(shell("echo out; echo err >&2; exit 3"));
  BOOST_TEST((result.how == ending::exited));
  BOOST_TEST(result.code == 3);
  BOOST_TEST(result.standard_output == "out\n");
  BOOST_TEST(result.standard_error == "err\n");
  BOOST_TEST(result.stdout_bytes == 4U);
  BOOST_TEST(result.stderr_bytes == 4U);
}

BOOST_AUTO_TEST_CASE(arguments_go_through_no_shell) {
  const auto result = run(program({"printf", "%s|", "a b", "$HOME", "*", "", "\n'\""}));
  BOOST_TEST(result.standard_output == "a b|$HOME|*||\n'\"|");
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_not_ours_is_told) {
  const auto result = run(shell("kill -SEGV $$"));
  BOOST_TEST((result.how == ending::signalled));
  BOOST_TEST(result.code == SIGSEGV);
}

// More than any pipe holds, both ways at once: neither side waits for the other.
BOOST_AUTO_TEST_CASE(large_input_and_output_flow_at_the_same_time) {
  auto spec = program({"cat"});
  for (int i = 0; i < 300'000; ++i)
    spec.standard_input += std::to_string(i) + '\n';
  spec.standard_input += std::string("\0end", 4);
  const auto result = run(spec);
  BOOST_TEST((result.how == ending::exited));
  BOOST_TEST((result.standard_output == spec.standard_input));
}

BOOST_AUTO_TEST_CASE(no_input_is_the_end_of_the_file) {
  BOOST_TEST(run(program({"wc", "-c"})).standard_output == "0\n");
}

// SIGPIPE would end this test program.
BOOST_AUTO_TEST_CASE(a_program_may_leave_its_input_unread) {
  auto spec = shell("exec <&-; echo done");
  spec.standard_input.assign(1 << 20, 'x');
  const auto result = run(spec);
  BOOST_TEST((result.how == ending::exited));
  BOOST_TEST(result.standard_output == "done\n");
  BOOST_TEST((run(program({"true"})).how == ending::exited));
  sigset_t pending;
  ::sigpending(&pending);
  BOOST_TEST(::sigismember(&pending, SIGPIPE) == 0);
}

BOOST_AUTO_TEST_CASE(output_keeps_its_first_bytes_and_counts_all) {
  auto spec = shell("i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done");
  spec.stdout_max = 25;
  const auto result = run(spec);
  BOOST_TEST(result.standard_output == "123456789\n123456789\n12345");
  BOOST_TEST(result.stdout_bytes == 200'000U);
}

BOOST_AUTO_TEST_CASE(errors_keep_their_last_bytes_under_a_mark) {
  auto spec = shell("i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done >&2; "
                    "echo bye >&2");
  spec.stderr_max = 14;
  const auto result = run(spec);
  BOOST_TEST(result.stderr_bytes == 200'004U);
  BOOST_TEST(result.standard_error == "[... 199990 bytes cut ...]\n123456789\nbye\n");
}

BOOST_AUTO_TEST_CASE(exactly_the_limit_is_not_cut) {
  auto spec = shell("printf 12345; printf 12345 >&2");
  spec.stdout_max = spec.stderr_max = 5;
  const auto result = run(spec);
  BOOST_TEST(result.standard_output == "12345");
  BOOST_TEST(result.standard_error == "12345");
}

BOOST_AUTO_TEST_CASE(a_missing_program_is_not_started) {
  const auto result = run(program({"quire-no-such-program"}));
  BOOST_TEST((result.how == ending::not_started));
  BOOST_TEST(result.start_error == ENOENT);
  BOOST_TEST(result.error == "program 'quire-no-such-program' was not found in PATH");
  BOOST_TEST(run(program({"/no/such"})).error == "program '/no/such' does not exist");
}

BOOST_AUTO_TEST_CASE(files_that_are_no_programs_are_told_apart) {
  const temp_dir folder;
  write_script(folder / "plain", "#!/bin/sh\n", 0644);
  write_script(folder / "garbage", "\x01\x02", 0755);
  write_script(folder / "lost", "#!/no/such/interpreter\n", 0755);
  const auto plain = run(program({folder / "plain"}));
  BOOST_TEST(plain.start_error == EACCES);
  BOOST_TEST(plain.error == "program '" + (folder / "plain") + "' is not executable");
  BOOST_TEST(run(program({folder / "garbage"})).start_error == ENOEXEC);
  const auto lost = run(program({folder / "lost"}));
  BOOST_TEST(lost.start_error == ENOENT);
  BOOST_TEST(lost.error.starts_with("the interpreter that program"));
}

BOOST_AUTO_TEST_CASE(a_bad_working_directory_is_told_from_a_bad_program) {
  for (const auto* name : {"pwd", "/bin/pwd"}) {
    auto spec = program({name});
    spec.working_directory = "/no/such/folder";
    const auto result = run(spec);
    BOOST_TEST((result.how == ending::not_started));
    BOOST_TEST(result.error == "working directory '/no/such/folder' does not exist");
  }
  auto spec = program({"pwd"});
  spec.working_directory = "/etc/passwd";
  BOOST_TEST(run(spec).error == "working directory '/etc/passwd' is not a folder");
}

BOOST_AUTO_TEST_CASE(what_no_program_can_get_is_refused) {
  BOOST_TEST((run(program({})).how == ending::not_started));
  const auto zero = run(program({"echo", std::string("a\0b", 3)}));
  BOOST_TEST(zero.error == "argv[1] contains a zero byte, which no argument can");
  auto spec = program({"env"});
  spec.environment = {{"A=B", "c"}};
  BOOST_TEST(run(spec).error.starts_with("environment name 'A=B'"));
  const auto long_one = run(program({"echo", std::string(std::size_t{1} << 20, 'x')}));
  BOOST_TEST(long_one.start_error == E2BIG);
}

BOOST_AUTO_TEST_CASE(the_environment_adds_to_ours) {
  BOOST_REQUIRE(::setenv("QUIRE_TEST_OURS", "ours", 1) == 0);
  BOOST_REQUIRE(::setenv("QUIRE_TEST_BOTH", "ours", 1) == 0);
  auto spec = shell("echo $QUIRE_TEST_OURS $QUIRE_TEST_BOTH; env | grep -c ^QUIRE_TEST_BOTH=");
  spec.environment = {{"QUIRE_TEST_BOTH", "first"}, {"QUIRE_TEST_BOTH", "last"}};
  BOOST_TEST(run(spec).standard_output == "ours last\n1\n");
  ::unsetenv("QUIRE_TEST_OURS");
  ::unsetenv("QUIRE_TEST_BOTH");
}

BOOST_AUTO_TEST_CASE(a_program_is_looked_up_in_its_own_path) {
  const temp_dir folder;
  std::filesystem::create_directory(folder / "bin");
  write_script(folder / "bin/quire-hello", "#!/bin/sh\necho hello from \"$PWD\"\n", 0755);
  auto spec = program({"quire-hello"});
  spec.environment = {{"PATH", "/no/such:" + (folder / "bin")}};
  BOOST_TEST(run(spec).standard_output.starts_with("hello from "));
  // Relative folders, and programs with a slash, start at the working directory.
  spec.working_directory = folder.path().string();
  spec.environment = {{"PATH", "bin"}};
  const auto expected = "hello from " + folder.path().string() + "\n";
  BOOST_TEST(run(spec).standard_output == expected);
  spec.argv = {"bin/quire-hello"};
  BOOST_TEST(run(spec).standard_output == expected);
  write_script(folder / "bin/quire-hello", "", 0644);
  spec.argv = {"quire-hello"};
  BOOST_TEST(run(spec).start_error == EACCES);
}

// Descriptor 3 and 200 of this process are open without CLOEXEC.
BOOST_AUTO_TEST_CASE(a_program_inherits_three_descriptors) {
  std::array<int, 2> open{::open("/dev/null", O_RDONLY), ::dup2(0, 200)};
  const auto result = run(shell("ls /proc/$$/fd"));
  for (const int number : open)
    ::close(number);
  BOOST_TEST(result.standard_output == "0\n1\n2\n");
}

BOOST_AUTO_TEST_CASE(a_program_gets_default_signals_and_no_mask) {
  sigset_t blocked;
  sigset_t before;
  ::sigfillset(&blocked);
  ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const auto old = ::signal(SIGUSR1, SIG_IGN);
  const auto result = run(program({"sed", "-n", "/^Sig[BIC]/p", "/proc/self/status"}));
  ::signal(SIGUSR1, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const std::string none = "\t0000000000000000\n";
  BOOST_TEST(result.standard_output == "SigBlk:" + none + "SigIgn:" + none + "SigCgt:" + none);
}

BOOST_AUTO_TEST_CASE(our_signal_mask_stays_as_it_is) {
  sigset_t before;
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  auto spec = program({"true"});
  spec.standard_input = "x";
  run(spec);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int number = 1; number < NSIG; ++number)
    BOOST_TEST(::sigismember(&before, number) == ::sigismember(&after, number));
}

BOOST_AUTO_TEST_CASE(many_runs_of_all_kinds_leave_nothing) {
  auto large = shell("yes | head -c 200000; exit 1");
  large.stdout_max = 10;
  auto timed_out = program({"sleep", "1000"});
  timed_out.timeout = milliseconds{5};
  for (int i = 0; i < 30; ++i) {
    BOOST_TEST((run(program({"true"})).how == ending::exited));
    BOOST_TEST((run(program({"quire-no-such-program"})).how == ending::not_started));
    BOOST_TEST((run(program({"/etc/passwd"})).how == ending::not_started));
    BOOST_TEST(run(large).stdout_bytes == 200'000U);
    BOOST_TEST((run(timed_out).how == ending::timed_out));
  }
}

BOOST_AUTO_TEST_CASE(threads_run_programs_at_the_same_time) {
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&good, t] {
      for (int i = 0; i < 100; ++i) {
        auto spec = program({"cat"});
        spec.standard_input = std::to_string(t) + "/" + std::to_string(i);
        const auto result = run(spec);
        if (result.how == ending::exited && result.standard_output == spec.standard_input)
          ++good;
      }
    });
  for (auto& thread : threads)
    thread.join();
  BOOST_TEST(good == 400);
}

// The last line has no end, so it is none.
// The program goes on only once its first line was heard.
BOOST_AUTO_TEST_CASE(lines_on_descriptor_3_are_heard_while_it_runs) {
  const temp_dir folder;
  auto spec = shell("echo one >&3; until test -e heard; do sleep 0.02; done; echo two >&3; "
                    "printf three >&3; echo done");
  spec.working_directory = folder.path().string();
  std::vector<std::string> heard;
  spec.on_line = [&](std::string_view line) {
    heard.emplace_back(line);
    std::ofstream{folder / "heard"};
  };
  const auto result = run(spec);
  BOOST_TEST(result.standard_output == "done\n");
  BOOST_TEST(heard == (std::vector<std::string>{"one", "two"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_long_line_on_descriptor_3_is_cut_and_many_are_all_heard) {
  auto spec = shell("head -c 100000 /dev/zero | tr '\\0' x >&3; echo >&3; seq 20000 >&3");
  std::size_t lines = 0;
  std::size_t longest = 0;
  spec.on_line = [&](std::string_view line) {
    ++lines;
    longest = std::max(longest, line.size());
  };
  BOOST_TEST(run(spec).code == 0);
  BOOST_TEST(lines == 20001u);
  BOOST_TEST(longest == 65536u);
}

BOOST_AUTO_TEST_SUITE_END()

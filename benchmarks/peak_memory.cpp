#include "quire/benchmarks/peak_memory.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace quire::benchmarks {

namespace {

/// Returns the peak of the resident memory of a process (or of "self").
/// @throws std::runtime_error where the kernel does not tell.
double peak_mib(const std::string& process) {
  auto path = "/proc/" + process + "/status";
  constexpr std::string_view key = "VmHWM:";
  std::ifstream status(path);
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key))
      return std::stod(line.substr(key.size())) / 1024; // It is in KiB.
  }
  throw std::runtime_error(path + " does not have " + std::string{key});
}

std::string to_text(const sample& seen) {
  return nlohmann::json{
    {"items", seen.items},
    {"seconds", seen.seconds},
    {"cpu_seconds", seen.cpu_seconds},
    {"locked_errors", seen.locked_errors},
    {"refused", seen.refused},
    {"failures", seen.failures},
    {"first_failure", seen.first_failure},
    {"rss_growth_mib", seen.rss_growth_mib.value_or(0)},
  }
    .dump();
}

sample from_text(const std::string& text) {
  auto read = nlohmann::json::parse(text);
  sample seen;
  seen.items = read.at("items");
  seen.seconds = read.at("seconds");
  seen.cpu_seconds = read.at("cpu_seconds");
  seen.locked_errors = read.at("locked_errors");
  seen.refused = read.at("refused");
  seen.failures = read.at("failures");
  seen.first_failure = read.at("first_failure");
  seen.rss_growth_mib = read.at("rss_growth_mib").get<double>();
  return seen;
}

[[noreturn]] void run_as_child(const std::function<sample()>& work, int to) {
  std::string text;
  try {
    text = to_text(work());
  } catch (const std::exception& error) {
    sample failed;
    failed.fail(error.what());
    text = to_text(failed);
  }
  auto written = ::write(to, text.data(), text.size()); // Less than a pipe holds.
  // What the parent has buffered is the parent's to write.
  ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
}

} // namespace

peak_memory::peak_memory() : before_mib_(0) {
  // Lets the peak begin anew, as proc(5) says; without it the peak of before counts.
  std::ofstream("/proc/self/clear_refs") << "5";
  before_mib_ = peak_mib("self");
}

double peak_memory::growth_mib() const {
  return peak_mib("self") - before_mib_;
}

namespace {

/// Reads until the other end is closed.
/// @returns false if that took longer than `limit`.
bool read_all(int from, std::chrono::milliseconds limit, std::string& text) {
  auto deadline = steady::now() + limit;
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now()).count();
    ::pollfd wanted{from, POLLIN, 0};
    int ready = ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready == 0)
      return false;
    if (ready < 0)
      continue; // A signal.
    char buffer[4096];
    auto got = ::read(from, buffer, sizeof buffer);
    if (got <= 0)
      return true;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

sample kill_child(::pid_t child, std::chrono::milliseconds limit) {
  sample failed;
  failed.fail("the requests were not answered within " + std::to_string(limit.count()) + " ms");
  failed.rss_growth_mib = peak_mib(std::to_string(child)) - peak_mib("self");
  ::kill(child, SIGKILL);
  return failed;
}

} // namespace

sample in_child(std::chrono::milliseconds limit, const std::function<sample()>& work) {
  int ends[2];
  if (::pipe(ends) != 0)
    throw std::runtime_error("no pipe could be made");
  auto child = ::fork();
  if (child < 0)
    throw std::runtime_error("no process could be made");
  if (child == 0) {
    ::close(ends[0]);
    run_as_child(work, ends[1]);
  }
  ::close(ends[1]);
  std::string text;
  sample result;
  if (!read_all(ends[0], limit, text))
    result = kill_child(child, limit);
  else if (!text.empty())
    result = from_text(text);
  else
    result.fail("the process ended before it had a result");
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return result;
}

} // namespace quire::benchmarks

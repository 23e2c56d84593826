#include "quire/benchmarks/harness.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <stdlib.h>

namespace quire::benchmarks {

// -- statistics ----------------------------------------------------------------

std::size_t histogram::bucket_of(std::uint64_t nanoseconds) noexcept {
  constexpr std::uint64_t sub_count = std::uint64_t{1} << sub_bits;
  if (nanoseconds < sub_count)
    return static_cast<std::size_t>(nanoseconds);
  auto exponent = static_cast<int>(std::bit_width(nanoseconds)) - 1;
  auto sub = (nanoseconds >> (exponent - sub_bits)) & (sub_count - 1);
  return (static_cast<std::size_t>(exponent - sub_bits + 1) << sub_bits)
         + static_cast<std::size_t>(sub);
}

std::uint64_t histogram::upper_bound_of(std::size_t bucket) noexcept {
  constexpr std::uint64_t sub_count = std::uint64_t{1} << sub_bits;
  if (bucket < sub_count)
    return bucket;
  auto shift = (bucket >> sub_bits) - 1;
  auto sub = bucket & (sub_count - 1);
  // For the last bucket of all the shift runs over to 0, and the bound is right.
  return ((sub_count + sub + 1) << shift) - 1;
}

void histogram::add(std::chrono::nanoseconds duration) noexcept {
  auto nanoseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  ++buckets_[bucket_of(nanoseconds)];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

void histogram::merge(const histogram& other) noexcept {
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::chrono::nanoseconds histogram::percentile(double q) const noexcept {
  auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  rank = std::max<std::uint64_t>(rank, 1);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) {
      auto bound = std::min(upper_bound_of(i), max_);
      return std::chrono::nanoseconds{static_cast<std::int64_t>(bound)};
    }
  }
  return max();
}

std::chrono::nanoseconds histogram::max() const noexcept {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(max_)};
}

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double sample::rate_per_s() const noexcept {
  return seconds > 0 ? static_cast<double>(items) / seconds : 0;
}

void sample::fail(std::string_view why) {
  if (failures++ == 0)
    first_failure = why;
}

void sample::merge(const sample& other) {
  items += other.items;
  latency.merge(other.latency);
  locked_errors += other.locked_errors;
  if (failures == 0)
    first_failure = other.first_failure;
  failures += other.failures;
}

summary summarize(const std::vector<sample>& ours, const std::vector<sample>& floor) {
  summary result;
  std::vector<double> rates;
  std::vector<double> floor_rates;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    rates.push_back(ours[i].rate_per_s());
    result.merged.merge(ours[i]);
    if (floor.empty())
      continue;
    floor_rates.push_back(floor[i].rate_per_s());
    if (floor_rates.back() > 0)
      ratios.push_back(rates.back() / floor_rates.back());
  }
  result.rate_per_s = median(rates);
  result.floor_rate_per_s = median(floor_rates);
  result.ratio = median(ratios);
  return result;
}

// -- sections ------------------------------------------------------------------

double referee::run(std::chrono::nanoseconds warm_up, std::chrono::nanoseconds duration) {
  std::this_thread::sleep_for(warm_up);
  auto start = steady::now();
  phase_.store(1, std::memory_order_relaxed);
  std::this_thread::sleep_for(duration);
  phase_.store(2, std::memory_order_relaxed);
  return std::chrono::duration<double>(steady::now() - start).count();
}

sample run_threads(const settings& how, int count,
                   const std::function<void(const referee&, sample&, int)>& client) {
  referee whistle;
  std::vector<sample> seen(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      auto& mine = seen[static_cast<std::size_t>(i)];
      try {
        client(whistle, mine, i);
      } catch (const std::exception& error) {
        mine.fail(error.what());
      }
    });
  }
  sample total;
  total.seconds = whistle.run(how.warm_up(), how.duration);
  for (auto& thread : threads)
    thread.join();
  for (auto& one : seen)
    total.merge(one);
  return total;
}

scratch_folder::scratch_folder(const std::filesystem::path& parent) {
  auto pattern = (parent / "quire-bench-XXXXXX").string();
  if (!::mkdtemp(pattern.data()))
    throw std::runtime_error("cannot make a folder in " + parent.string()
                             + ": choose another one with --dir");
  path_ = pattern;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

// -- results -------------------------------------------------------------------

std::string to_json(std::string_view bench, const case_name& which, const summary& result) {
  auto microseconds = [](std::chrono::nanoseconds duration) {
    return std::round(static_cast<double>(duration.count()) / 100) / 10;
  };
  nlohmann::ordered_json line;
  line["bench"] = bench;
  line["case"] = which.name;
  line["clients"] = which.clients;
  line["window"] = which.window;
  line["sync"] = which.sync;
  line["rate_per_s"] = std::llround(result.rate_per_s);
  auto& latency = result.merged.latency;
  bool timed = latency.count() > 0;
  line["p50_us"] = timed ? nlohmann::ordered_json(microseconds(latency.percentile(0.5))) : nullptr;
  line["p99_us"] = timed ? nlohmann::ordered_json(microseconds(latency.percentile(0.99))) : nullptr;
  line["max_us"] = timed ? nlohmann::ordered_json(microseconds(latency.max())) : nullptr;
  bool compared = result.floor_rate_per_s > 0;
  line["floor_rate_per_s"] =
    compared ? nlohmann::ordered_json(std::llround(result.floor_rate_per_s)) : nullptr;
  line["ratio"] =
    compared ? nlohmann::ordered_json(std::round(result.ratio * 1000) / 1000) : nullptr;
  line["locked_errors"] = result.merged.locked_errors;
  return line.dump();
}

bool program::wanted(const std::vector<case_name>& which) const {
  auto chosen = [this](const case_name& one) {
    return std::find(how_.cases.begin(), how_.cases.end(), one.name) != how_.cases.end();
  };
  return how_.cases.empty() || std::any_of(which.begin(), which.end(), chosen);
}

void program::report(const case_name& which, const summary& result, bool errors_allowed) {
  lines_ << to_json(name_, which, result) << std::endl;
  auto& seen = result.merged;
  if (seen.failures > 0)
    std::fprintf(stderr, "%s %s: %llu requests failed, the first with: %s\n", name_.c_str(),
                 which.name.c_str(), static_cast<unsigned long long>(seen.failures),
                 seen.first_failure.c_str());
  // A quick section may be over before a busy machine did anything.
  bool idle = seen.items == 0 && !how_.quick;
  if (idle)
    std::fprintf(stderr, "%s %s: nothing was done in the time; give it more with --seconds\n",
                 name_.c_str(), which.name.c_str());
  if (seen.failures > 0 || idle || (seen.locked_errors > 0 && !errors_allowed))
    succeeded_ = false;
}

void program::measure(const case_name& which, const std::function<sample()>& run) {
  if (!wanted({which}))
    return;
  std::vector<sample> sections;
  for (int i = 0; i < (how_.alternations + 1) / 2; ++i)
    sections.push_back(run());
  report(which, summarize(sections, {}), true);
}

void program::compare(const case_name& which, const std::function<sample()>& ours,
                      const std::function<sample()>& floor) {
  compare_all({which}, [&ours] { return std::vector<sample>{ours()}; },
              [&floor] { return std::vector<sample>{floor()}; });
}

void program::compare_all(const std::vector<case_name>& which, const section& ours,
                          const section& floor) {
  if (!wanted(which))
    return;
  std::vector<std::vector<sample>> seen(which.size());
  std::vector<std::vector<sample>> floors(which.size());
  auto keep = [](std::vector<std::vector<sample>>& sections, std::vector<sample> results) {
    for (std::size_t i = 0; i < sections.size(); ++i)
      sections[i].push_back(std::move(results.at(i)));
  };
  for (int i = 0; i < how_.alternations; ++i) {
    // Who goes first changes, so that a drift of the machine helps nobody.
    if (i % 2 == 0)
      keep(floors, floor());
    keep(seen, ours());
    if (i % 2 == 1)
      keep(floors, floor());
  }
  for (std::size_t i = 0; i < which.size(); ++i)
    report(which[i], summarize(seen[i], floors[i]), false);
}

// -- command line --------------------------------------------------------------

namespace {

constexpr const char* usage = R"(
  --dir <folder>      where databases are made, and removed at the end
                      (the system's folder for temporary files)
  --seconds <s>       length of each timed section (0.3)
  --alternations <n>  sections of each side of a comparison (5)
  --case <name>       only this case; may be given several times
  --quick             one very short section each: shows that everything runs
)";

double number(const std::string& option, const std::string& text, double least) {
  std::size_t used = 0;
  double result = 0;
  try {
    result = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !(result >= least) || result > 3600)
    throw std::invalid_argument(option + " takes a number, not '" + text + "'");
  return result;
}

} // namespace

settings parse_settings(const std::vector<std::string>& arguments) {
  settings result;
  result.folder = std::filesystem::temp_directory_path();
  auto seconds = [](double x) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(x));
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto& option = arguments[i];
    if (option == "--quick") {
      result.quick = true;
      result.duration = std::chrono::milliseconds{30};
      result.alternations = 1;
      continue;
    }
    bool known = option == "--dir" || option == "--seconds" || option == "--alternations"
                 || option == "--case";
    if (!known)
      throw std::invalid_argument("there is no option '" + option + "'");
    if (++i == arguments.size())
      throw std::invalid_argument(option + " needs a value");
    if (option == "--dir")
      result.folder = arguments[i];
    else if (option == "--seconds")
      result.duration = seconds(number(option, arguments[i], 0.001));
    else if (option == "--alternations")
      result.alternations = static_cast<int>(number(option, arguments[i], 1));
    else
      result.cases.push_back(arguments[i]);
  }
  return result;
}

int run_program(int argc, char** argv, const std::string& name,
                const std::function<void(program&)>& cases) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (std::find(arguments.begin(), arguments.end(), "--help") != arguments.end()) {
    std::printf("%s: writes one line of JSON for each case%s", name.c_str(), usage);
    return 0;
  }
  try {
    program self(name, parse_settings(arguments), std::cout);
    cases(self);
    return self.succeeded() ? 0 : 1;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "%s: %s\n%s", name.c_str(), error.what(), usage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
    return 1;
  }
}

} // namespace quire::benchmarks

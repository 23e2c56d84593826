#include "quire/benchmarks/harness.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <stdlib.h>
#include <sys/resource.h>

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

double sample::cpu_us() const noexcept {
  return items > 0 ? cpu_seconds * 1e6 / static_cast<double>(items) : 0;
}

void sample::fail(std::string_view why) {
  if (failures++ == 0)
    first_failure = why;
}

void sample::merge(const sample& other) {
  items += other.items;
  latency.merge(other.latency);
  locked_errors += other.locked_errors;
  refused += other.refused;
  if (other.rss_growth_mib)
    rss_growth_mib = std::max(rss_growth_mib.value_or(0), *other.rss_growth_mib);
  if (failures == 0)
    first_failure = other.first_failure;
  failures += other.failures;
}

void share_cpu(double cpu_seconds, std::vector<sample>& results) {
  std::uint64_t items = 0;
  for (auto& one : results)
    items += one.items;
  for (auto& one : results)
    one.cpu_seconds = items > 0
                        ? cpu_seconds * static_cast<double>(one.items) / static_cast<double>(items)
                        : cpu_seconds;
}

namespace {

side side_of(const std::vector<sample>& sections) {
  side result;
  std::vector<double> rates;
  std::vector<double> cpu;
  for (auto& one : sections) {
    rates.push_back(one.rate_per_s());
    // Of nothing it costs nothing, which says nothing.
    if (one.items > 0)
      cpu.push_back(one.cpu_us());
    result.merged.merge(one);
  }
  result.rate_per_s = median(std::move(rates));
  result.cpu_us = median(std::move(cpu));
  return result;
}

/// The p50, the p99 and the longest one, in nanoseconds.
std::array<double, 3> latencies_of(const histogram& latency) {
  auto number = [](std::chrono::nanoseconds x) { return static_cast<double>(x.count()); };
  return {number(latency.percentile(0.5)), number(latency.percentile(0.99)), number(latency.max())};
}

} // namespace

summary summarize(const std::vector<sample>& ours, const std::vector<sample>& floor) {
  summary result;
  result.ours = side_of(ours);
  if (floor.empty())
    return result;
  result.floor = side_of(floor);
  std::vector<double> rates;
  std::array<std::vector<double>, 3> latencies; // p50, p99, the longest.
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (floor[i].rate_per_s() > 0)
      rates.push_back(ours[i].rate_per_s() / floor[i].rate_per_s());
    if (floor[i].latency.count() == 0)
      continue;
    auto waited = latencies_of(ours[i].latency);
    auto floor_waited = latencies_of(floor[i].latency);
    for (std::size_t k = 0; k < latencies.size(); ++k)
      if (waited[k] > 0)
        latencies[k].push_back(floor_waited[k] / waited[k]);
  }
  result.ratio = median(std::move(rates));
  result.p50_ratio = median(std::move(latencies[0]));
  result.p99_ratio = median(std::move(latencies[1]));
  result.max_ratio = median(std::move(latencies[2]));
  return result;
}

// -- sections ------------------------------------------------------------------

namespace {

/// Returns the processor time that all threads of the process have had.
double process_cpu_seconds() {
  ::rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const ::timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

} // namespace

stopwatch::stopwatch() : start_(steady::now()), cpu_start_(process_cpu_seconds()) {}

sample stopwatch::stop() const {
  sample result;
  result.seconds = std::chrono::duration<double>(steady::now() - start_).count();
  result.cpu_seconds = process_cpu_seconds() - cpu_start_;
  return result;
}

sample referee::run(std::chrono::nanoseconds warm_up, std::chrono::nanoseconds duration) {
  std::this_thread::sleep_for(warm_up);
  stopwatch watch;
  phase_.store(1, std::memory_order_relaxed);
  std::this_thread::sleep_for(duration);
  phase_.store(2, std::memory_order_relaxed);
  return watch.stop();
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
  auto total = whistle.run(how.warm_up(), how.duration);
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

} // namespace quire::benchmarks

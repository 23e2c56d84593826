#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the benchmark programs share: statistics, timed sections, comparisons
/// with a floor, and one JSON line for each result.
namespace quire::benchmarks {

using steady = std::chrono::steady_clock;

/// Counts durations in buckets whose width is at most 1/32 of what they hold.
/// Not thread-safe: each client has its own, merged at the end.
class histogram {
public:
  void add(std::chrono::nanoseconds duration) noexcept;
  void merge(const histogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }

  /// Returns the duration that a share `q` (0 to 1) of all durations does not
  /// pass: never less than the exact one, at most 1/32 more. 0 if there is none.
  std::chrono::nanoseconds percentile(double q) const noexcept;

  /// Returns the longest duration, exactly.
  std::chrono::nanoseconds max() const noexcept;

private:
  static constexpr int sub_bits = 5;
  static constexpr std::size_t bucket_count = (64 - sub_bits + 1) << sub_bits;
  static std::size_t bucket_of(std::uint64_t nanoseconds) noexcept;
  static std::uint64_t upper_bound_of(std::size_t bucket) noexcept;

  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

/// Returns the middle of `values`, of an even number the mean of the two in the
/// middle. 0 if there are none.
double median(std::vector<double> values);

/// What one client or a whole timed section saw.
struct sample {
  std::uint64_t items = 0; ///< Rows, lookups or tasks within `seconds`.
  double seconds = 0;
  double cpu_seconds = 0;          ///< Processor time of the whole process within `seconds`.
  histogram latency;               ///< Of requests, which may hold several items.
  std::uint64_t locked_errors = 0; ///< `database is locked`, however it was reported.
  std::uint64_t refused = 0;       ///< Answered `overloaded` where that is a good answer.
  std::uint64_t failures = 0;      ///< All other errors.
  std::string first_failure;
  std::optional<double>
    rss_growth_mib; ///< Peak of the resident memory, less what there was before.

  double rate_per_s() const noexcept;

  /// Returns the processor time of one item, in microseconds. 0 if there are none.
  double cpu_us() const noexcept;

  /// Counts a request that failed for another reason than a lock.
  void fail(std::string_view why);

  /// Adds what another client saw at the same time, or in another section. Times
  /// of sections are not added.
  void merge(const sample& other);
};

/// Gives each of `results`, which are of one section, its share of the processor
/// time by its number of items: the process did them all.
void share_cpu(double cpu_seconds, std::vector<sample>& results);

/// Measures how long something takes, and how much processor time of the process.
class stopwatch {
public:
  stopwatch();

  /// Returns a sample that holds nothing but the times since the start.
  sample stop() const;

private:
  steady::time_point start_;
  double cpu_start_;
};

/// Says to all clients of a section when to count and when to stop.
/// Thread-safe.
class referee {
public:
  bool counting() const noexcept { return phase_.load(std::memory_order_relaxed) == 1; }
  bool over() const noexcept { return phase_.load(std::memory_order_relaxed) == 2; }

  /// Lets the clients warm up, then count, then tells them to stop.
  /// @returns a sample that holds nothing but the times of the counting.
  sample run(std::chrono::nanoseconds warm_up, std::chrono::nanoseconds duration);

private:
  std::atomic<int> phase_{0};
};

/// What the command line chose.
struct settings {
  std::filesystem::path folder; ///< Where databases are made, and removed.
  std::chrono::nanoseconds duration{std::chrono::milliseconds{500}}; ///< Of each timed section.
  int alternations = 5;           ///< Sections of each side of a comparison.
  std::int64_t history = 500'000; ///< Finished tasks where there are many.
  bool quick = false;             ///< Only shows that everything runs.
  std::vector<std::string> cases; ///< Only these; all if empty.

  std::chrono::nanoseconds warm_up() const noexcept { return duration / 4; }

  /// Returns the same with sections that are `times` as long.
  settings longer(int times) const {
    auto result = *this;
    result.duration *= times;
    return result;
  }
};

/// Reads the command line of a benchmark.
/// @throws std::invalid_argument naming the argument that is wrong.
settings parse_settings(const std::vector<std::string>& arguments);

/// A folder of its own for the databases of one section, gone at the end.
class scratch_folder {
public:
  /// @throws std::runtime_error if `parent` is no folder one may write to.
  explicit scratch_folder(const std::filesystem::path& parent);
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  /// Returns the path of the database in it.
  std::string database() const { return (path_ / "bench.db").string(); }

private:
  std::filesystem::path path_;
};

/// Runs `client(referee, sample, index)` on `count` threads for one section.
/// Clients count what they do while the referee counts and return when it is
/// over.
sample run_threads(const settings& how, int count,
                   const std::function<void(const referee&, sample&, int)>& client);

/// What identifies a result.
struct case_name {
  std::string name;
  int clients = 1;
  int window = 1; ///< Requests of each client in flight.
  std::string sync = "normal";
};

/// One timed section: a sample for each result it has.
using section = std::function<std::vector<sample>()>;

/// What the sections of one side of a case add up to.
struct side {
  double rate_per_s = 0; ///< The median of its sections.
  double cpu_us = 0;     ///< The same for the processor time of an item.
  sample merged;         ///< All sections.
};

/// What the sections of one case add up to.
struct summary {
  side ours;
  std::optional<side> floor; ///< Absent if there is nothing to compare with.
  double ratio = 0;          ///< The median of the ratios of neighbours; 0 without a floor.
  double p50_ratio = 0;      ///< The same for the floor's latency by ours.
  double p99_ratio = 0;
  double max_ratio = 0;
};

/// Returns the summary of sections that ran in pairs.
/// @pre `floor` is empty or as long as `ours`.
summary summarize(const std::vector<sample>& ours, const std::vector<sample>& floor);

/// Returns one line of JSON without its end. Figures that there are none of are
/// null.
std::string to_json(std::string_view bench, const case_name& which, const summary& result);

/// One benchmark program: runs cases and writes a line of JSON for each to `lines`;
/// what went wrong is written to the standard error.
class program {
public:
  program(std::string name, settings how, std::ostream& lines)
    : name_(std::move(name)), how_(std::move(how)), lines_(lines) {}

  const settings& how() const noexcept { return how_; }

  /// Measures a case that has nothing to be compared with, in half as many
  /// sections as a comparison has of each side, rounded up.
  void measure(const case_name& which, const std::function<sample()>& run);

  /// Measures a case once that a single failure of makes the program fail, and
  /// whose work is what it is, however long it takes.
  void prove(const case_name& which, const std::function<sample()>& run);

  /// Measures a case and its floor in turns, so that both see the same machine.
  /// A section of ours that saw an error makes the program fail.
  void compare(const case_name& which, const std::function<sample()>& ours,
               const std::function<sample()>& floor);

  /// The same for sections with several results, in the order of `which`.
  void compare_all(const std::vector<case_name>& which, const section& ours, const section& floor);

  /// Returns whether every request of ours succeeded.
  bool succeeded() const noexcept { return succeeded_; }

private:
  bool wanted(const std::vector<case_name>& which) const;
  void report(const case_name& which, const summary& result, bool errors_allowed);

  std::string name_;
  settings how_;
  std::ostream& lines_;
  bool succeeded_ = true;
};

/// The `main` of a benchmark.
/// @returns its exit status: 0; 1 if a request or the benchmark itself failed;
///          2 if the command line was wrong.
int run_program(int argc, char** argv, const std::string& name,
                const std::function<void(program&)>& cases);

} // namespace quire::benchmarks

#pragma once

#include "quire/actors/attempt_burst.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_set>
#include <vector>

namespace quire::actors {

/// Claimed tasks that wait for a worker, in the order of their claims. Quick ones are
/// claimed ahead of their time, so that workers need not wait for the writer between
/// two of them.
class task_stock {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = std::chrono::nanoseconds;

  /// Attempts that together take longer are not put into one burst, nor more than so many.
  static constexpr duration burst_time = std::chrono::milliseconds{1};
  static constexpr std::size_t burst_max = 64;

  /// @param quick how long it may be expected to take; 0 for one that must have a worker
  ///        for itself.
  void add(attempt one, duration quick, time_point now);

  /// The same for one that a worker gave back: before all others.
  void put_back(attempt one, duration quick, time_point now);

  /// What one worker is given.
  struct portion {
    std::vector<attempt> attempts;
    bool quick = false; ///< They are expected to be over within a moment.
  };

  /// Takes the next attempts for one worker out: the first, and if that is quick, others
  /// like it.
  /// @param workers how many are free: they share what is there.
  portion next(std::size_t workers);

  /// Takes one out; of that claim alone if `epoch` is given.
  std::optional<attempt> remove(task_id task, std::optional<std::int64_t> epoch = std::nullopt);

  /// Takes those out that nobody took for too long since `now - age`.
  std::vector<attempt> older_than(duration age, time_point now);

  /// Takes all out.
  std::vector<attempt> clear();

  std::vector<const task_assignment*> tasks() const;
  std::size_t size() const noexcept { return waiting_.size(); }
  bool empty() const noexcept { return waiting_.empty(); }

  /// How long the quick ones are expected to take, together.
  duration time() const noexcept { return time_; }

  /// How many of them must have a worker each.
  std::size_t slow() const noexcept { return slow_; }

  /// Returns since when the oldest has waited, if any does.
  std::optional<time_point> oldest() const;

private:
  struct entry {
    attempt one;
    duration quick{0};
    time_point since;
  };

  void count_in(const attempt& one, duration quick);
  attempt extract(std::deque<entry>::iterator where);

  std::deque<entry> waiting_;
  std::unordered_set<std::int64_t> ids_;
  std::size_t slow_ = 0;
  duration time_{0};
};

} // namespace quire::actors

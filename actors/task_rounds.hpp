#pragma once

#include "quire/messages/types/errc.hpp"
#include "quire/messages/types/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace quire::actors {

/// How an attempt ended, until it is written.
struct attempt_result {
  task_id task;
  std::int64_t epoch = 0;
  task_outcome outcome;
  std::int64_t retry_at_ms = 0;  ///< Of the next attempt, if there is one.
  bool crashed = false;          ///< Its worker died: `outcome.error` says how.
  bool replaced = false;         ///< `outcome` only says that the real one cannot be written.
};

/// Returns what is to be written about an attempt of `task` that ended with `outcome`.
/// @param random a number from [0, 1) that chooses the jitter of the next attempt.
attempt_result result_of(const task_assignment& task, task_outcome outcome, std::int64_t now_ms,
                         double random);

/// What the handler of a running attempt said, until it is written.
struct attempt_words {
  task_id task;
  std::int64_t epoch = 0;
  attempt_news news;
};

/// What is done with claims of this process that it knows nothing of.
enum class claim_recovery : std::uint8_t {
  none,
  release,  ///< They were never given to a worker: they go back.
  crash,    ///< The service died with them.
};

/// How many tasks can be claimed.
struct claim_demand {
  std::size_t now = 0;           ///< For workers that are free.
  std::size_t soon = 0;          ///< For workers that are about to be.
  std::size_t ahead = 0;         ///< Quick ones besides.

  bool any() const noexcept { return now + soon + ahead > 0; }
};

/// One transaction of the task service: everything it has to write at a time.
struct task_round {
  std::vector<attempt_words> news;  ///< Of attempts that run, or end with `results`.
  std::vector<attempt_result> results;
  claim_recovery recovery = claim_recovery::none;
  bool promote = false;          ///< Fire schedules and make tasks ready that are due.
  claim_demand claims;           ///< At most so many new tasks.
};

/// Decides when the task service writes, and what. One round is under way at a
/// time; results that come in the meantime wait for the next one, and a result
/// waits for nothing else. Knows no clock: the caller says what time it is.
///
/// After a round that failed nothing new is claimed until the waiting results
/// are written; their number is bounded by that of the tasks that were claimed before.
class task_rounds {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// There may be something to claim.
  void wake() { wanted_ = true; }

  /// There may be something due, or claims that another process added.
  void look_again() { wanted_ = promote_ = true; }

  /// A task or a schedule becomes due at `time_ms`.
  void due_at(std::int64_t time_ms);

  /// An attempt ended.
  void add(attempt_result result) { results_.push_back(std::move(result)); }

  /// The handler of an attempt said something. Is written before its result, and lost if that
  /// cannot be written: it is not worth more.
  void add(attempt_words words);

  /// Claims nothing from now on.
  void stop() { stopped_ = true; }

  /// Begins the next round, if one is needed and possible.
  std::optional<task_round> next(time_point now, std::int64_t now_ms, const claim_demand& wanted);

  /// The round is committed. `claimed` tasks came with it; `next_due_ms` is what
  /// promoting returned.
  void succeeded(const task_round& round, std::size_t claimed,
                 std::optional<std::int64_t> next_due_ms);

  /// The round failed with `code`.
  /// @param random a number from [0, 1) that chooses the jitter of the delay.
  void failed(task_round round, errc code, const std::string& text, time_point now, double random);

  /// Returns whether nothing waits to be written and nothing is under way.
  bool idle() const noexcept { return !in_flight_ && results_.empty(); }

  bool degraded() const noexcept { return failures_ > 0; }

  /// Returns why the last round failed, if it did.
  std::optional<errc> trouble() const noexcept { return trouble_; }
  std::size_t waiting() const noexcept { return results_.size(); }
  const std::deque<attempt_result>& results() const noexcept { return results_; }

  /// Returns when `next` is worth asking although nothing happened: after a round
  /// that failed, or (Unix milliseconds) when a task or a schedule becomes due.
  std::optional<time_point> retry_at() const noexcept { return retry_at_; }
  std::optional<std::int64_t> due_ms() const noexcept;

private:
  void keep_results(task_round round, errc code, const std::string& text);

  std::vector<attempt_words> news_; // At most one of each attempt.
  std::deque<attempt_result> results_;
  bool in_flight_ = false;
  bool stopped_ = false;
  bool wanted_ = true;
  bool promote_ = true;
  claim_recovery recovery_ = claim_recovery::crash;
  std::optional<std::int64_t> due_ms_;
  std::size_t alone_ = 0;        // So many results are written one by one.
  int failures_ = 0;
  std::optional<errc> trouble_;
  std::optional<time_point> retry_at_;
};

} // namespace quire::actors

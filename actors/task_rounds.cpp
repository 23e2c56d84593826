#include "quire/actors/task_rounds.hpp"

#include "quire/actors/attempt_report.hpp"
#include "quire/actors/backoff.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace quire::actors {

namespace {

const retry_policy write_backoff{.attempts_max = 1,
                                 .base = std::chrono::milliseconds{200},
                                 .factor = 2.0,
                                 .cap = std::chrono::milliseconds{10'000},
                                 .jitter = 0.1};

// A task that snoozes for no time at all would keep the service busy alone.
constexpr std::chrono::milliseconds snooze_min{1};
constexpr std::chrono::milliseconds delay_max{std::chrono::hours{10 * 366 * 24}};

// Whether it is the data that cannot be written: trying again would not help.
bool blames_the_data(errc code) {
  return code == errc::constraint || code == errc::sql || code == errc::invalid_argument
         || code == errc::too_large || code == errc::function_failed;
}

} // namespace

attempt_result result_of(const task_assignment& task, task_outcome outcome, std::int64_t now_ms,
                         double random) {
  using verdict = task_outcome::verdict;
  attempt_result result;
  result.task = task.id;
  result.epoch = task.epoch;
  auto named = outcome.retry_after;
  if (outcome.what == verdict::snoozed)
    result.retry_at_ms =
      now_ms + std::clamp(named.value_or(snooze_min), snooze_min, delay_max).count();
  else if (outcome.what == verdict::failed)
    result.retry_at_ms =
      now_ms
      + std::clamp(named.value_or(backoff_delay(task.retry, task.attempt, random)),
                   std::chrono::milliseconds{0}, delay_max)
          .count();
  result.outcome = std::move(outcome);
  return result;
}

void task_rounds::due_at(std::int64_t time_ms) {
  due_ms_ = due_ms_ ? std::min(*due_ms_, time_ms) : time_ms;
}

void task_rounds::add(attempt_words words) {
  if (words.news.empty())
    return;
  auto known = std::ranges::find_if(
    news_, [&](const attempt_words& x) { return x.task == words.task && x.epoch == words.epoch; });
  if (known == news_.end())
    news_.push_back(std::move(words));
  else
    append(known->news, std::move(words.news));
}

std::optional<std::int64_t> task_rounds::due_ms() const noexcept {
  return in_flight_ || retry_at_ || stopped_ ? std::nullopt : due_ms_;
}

std::optional<task_round> task_rounds::next(time_point now, std::int64_t now_ms,
                                            const claim_demand& wanted) {
  if (in_flight_ || (retry_at_ && now < *retry_at_))
    return std::nullopt;
  retry_at_.reset();
  task_round round;
  alone_ = std::min(alone_, results_.size());
  auto taken = alone_ > 0 ? std::min<std::size_t>(1, results_.size()) : results_.size();
  auto only_results = stopped_ || alone_ > 0 || (failures_ > 0 && taken > 0);
  if (!only_results) {
    round.recovery = recovery_;
    round.promote = promote_ || (due_ms_ && *due_ms_ <= now_ms);
    if (wanted_ || round.promote || taken > 0 || recovery_ != claim_recovery::none)
      round.claims = wanted;
  }
  // Not with one that may be to blame for what cannot be written.
  if (alone_ == 0)
    round.news = std::exchange(news_, {});
  if (taken == 0 && round.news.empty() && !round.claims.any() && !round.promote
      && round.recovery == claim_recovery::none)
    return std::nullopt;
  auto last = results_.begin() + static_cast<std::ptrdiff_t>(taken);
  round.results.assign(std::make_move_iterator(results_.begin()), std::make_move_iterator(last));
  results_.erase(results_.begin(), last);
  in_flight_ = true;
  if (round.claims.any())
    wanted_ = false;
  if (round.promote) {
    promote_ = false;
    due_ms_.reset();
  }
  return round;
}

void task_rounds::succeeded(const task_round& round, std::size_t claimed,
                            std::optional<std::int64_t> next_due_ms) {
  in_flight_ = false;
  failures_ = 0;
  trouble_.reset();
  alone_ -= std::min(alone_, round.results.size());
  if (round.recovery != claim_recovery::none)
    recovery_ = claim_recovery::none;
  // A queue that gave all it was asked for may hold more.
  if (claimed > 0 && claimed >= round.claims.now)
    wanted_ = true;
  if (next_due_ms)
    due_at(*next_due_ms);
}

void task_rounds::failed(task_round round, errc code, const std::string& text, time_point now,
                         double random) {
  in_flight_ = false;
  ++failures_;
  trouble_ = code;
  retry_at_ = now + backoff_delay(write_backoff, failures_, random);
  wanted_ = wanted_ || round.claims.any();
  promote_ = promote_ || round.promote;
  // It may have claimed tasks that nobody was told of.
  if (outcome_of(code) == write_outcome::unknown && recovery_ == claim_recovery::none)
    recovery_ = claim_recovery::release;
  // What it said is only lost if it may be what cannot be written.
  if (!blames_the_data(code))
    for (auto& later : std::exchange(news_, std::move(round.news)))
      add(std::move(later));
  keep_results(std::move(round), code, text);
}

void task_rounds::keep_results(task_round round, errc code, const std::string& text) {
  auto& results = round.results;
  if (blames_the_data(code)) {
    // One result must not keep the others from being written. It is to blame only if
    // the round had nothing else to do.
    if (results.size() == 1 && results.front().replaced) {
      results.clear();
      recovery_ = claim_recovery::crash;
    } else if (results.size() == 1 && !round.claims.any() && !round.promote
               && round.recovery == claim_recovery::none && round.news.empty()) {
      results.front().outcome =
        task_outcome::failure("its result could not be written: " + text, error_class::permanent);
      results.front().replaced = true;
    }
    alone_ = std::max(alone_, results.size());
  }
  results_.insert(results_.begin(), std::make_move_iterator(results.begin()),
                  std::make_move_iterator(results.end()));
}

} // namespace quire::actors

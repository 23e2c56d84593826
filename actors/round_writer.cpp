#include "quire/actors/round_writer.hpp"

#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/storage/sqlite/task_progress.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

using namespace storage;

finished_attempt write_result(transaction& tx, const attempt_result& result, std::int64_t now_ms) {
  if (result.crashed)
    return crash_attempt(tx, result.task, result.epoch, result.outcome.error, now_ms);
  return finish_attempt(tx, result.task, result.epoch, result.outcome, result.retry_at_ms, now_ms);
}

std::size_t recover(transaction& tx, const round_order& order) {
  std::size_t recovered = 0;
  for (auto& claim : running_claims(tx, order.boot)) {
    if (std::ranges::find(order.known, claim) != order.known.end())
      continue;
    if (order.round.recovery == claim_recovery::crash)
      crash_attempt(tx, claim.task, claim.epoch, "the task service ended while it ran",
                    order.now_ms);
    else
      finish_attempt(tx, claim.task, claim.epoch,
                     task_outcome::released("its claim reached no worker"), order.now_ms,
                     order.now_ms);
    ++recovered;
  }
  return recovered;
}

std::optional<std::int64_t> earlier(std::optional<std::int64_t> x, std::optional<std::int64_t> y) {
  return x && y ? std::min(x, y) : x ? x : y;
}

} // namespace

round_answer write_round(transaction& tx, const round_order& order) {
  round_answer answer;
  answer.shares = order.shares;
  auto& round = order.round;
  for (auto& [task, epoch, news] : round.news)
    write_news(tx, task, epoch, news);
  breaker_results seen(tx, order.now_ms);
  for (auto& result : round.results) {
    answer.finished.push_back(write_result(tx, result, order.now_ms));
    // A crash is ours, and a cancel somebody's: they say nothing about what a task needs.
    auto& end = answer.finished.back();
    if (end.accepted && !result.crashed && end.state != task_state::cancelled)
      seen.saw(result.task, result.outcome);
  }
  answer.breakers = seen.save();
  if (round.recovery != claim_recovery::none)
    answer.recovered = recover(tx, order);
  if (round.promote) {
    // Schedules first: what they enqueue for now is claimed with this round.
    auto next_fire_ms = fire_due_schedules(tx, order.now_ms);
    auto next_expiry_ms = expire_tasks(tx, order.now_ms);
    answer.next_due_ms =
      earlier(earlier(next_fire_ms, next_expiry_ms), promote_due_tasks(tx, order.now_ms));
  }
  if (round.claims.any()) {
    auto claimed =
      claim_tasks(tx, order.kinds, round.claims.now,
                  {round.claims.ahead, order.ahead_time, order.quick, round.claims.soon},
                  order.boot, order.now_ms, order.shares);
    answer.claimed = std::move(claimed.tasks);
    answer.shares = std::move(claimed.shares);
    answer.next_due_ms = earlier(answer.next_due_ms, claimed.again_at_ms);
  }
  return answer;
}

} // namespace quire::actors

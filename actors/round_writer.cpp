#include "quire/actors/round_writer.hpp"

#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/storage/sqlite/task_progress.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

using namespace storage;

std::vector<finished_attempt> write_results(transaction& tx,
                                            const std::vector<attempt_result>& results,
                                            std::int64_t now_ms) {
  std::vector<ended_attempt> ended;
  ended.reserve(results.size());
  for (auto& one : results)
    ended.push_back({one.task, one.epoch, &one.outcome, one.retry_at_ms, one.crashed});
  return finish_attempts(tx, ended, now_ms);
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
  answer.finished = write_results(tx, round.results, order.now_ms);
  breaker_results seen(tx, order.now_ms);
  for (std::size_t i = 0; i < round.results.size(); ++i) {
    auto& result = round.results[i];
    auto& end = answer.finished[i];
    // A crash is ours, and a cancel somebody's: they say nothing about what a task needs.
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

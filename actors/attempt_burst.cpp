#include "quire/actors/attempt_burst.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

attempt_burst::attempt_burst(std::vector<attempt> attempts)
  : attempts_(std::move(attempts)), results_(attempts_.size()) {}

const attempt* attempt_burst::begin() noexcept {
  // A burst is given to a worker to run: its first attempt is never taken back.
  auto before = begun_.load();
  do {
    auto index = before & (closed - 1);
    if (index == attempts_.size() || (before & closed && index > 0))
      return nullptr;
  } while (!begun_.compare_exchange_weak(before, before + 1));
  return &attempts_[before & (closed - 1)];
}

void attempt_burst::end(task_outcome outcome, duration took) noexcept {
  auto index = ended_.load(std::memory_order_relaxed);
  results_[index] = {std::move(outcome), took};
  ended_.store(index + 1, std::memory_order_release);
}

std::size_t attempt_burst::close() noexcept {
  auto before = begun_.fetch_or(closed) & (closed - 1);
  return std::max<std::size_t>(before, 1);
}

} // namespace quire::actors

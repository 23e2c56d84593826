#include "quire/storage/circuit_breaker.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace quire::storage {

namespace {

// More openings than these make no wait longer.
constexpr int openings_max = 1000;

} // namespace

breaker_state circuit_breaker::state(std::int64_t now_ms) const noexcept {
  if (!memory_.opened_at_ms)
    return breaker_state::closed;
  if (!memory_.probe_at_ms || half_open_at(now_ms))
    return breaker_state::open;
  return breaker_state::half_open;
}

std::optional<std::int64_t> circuit_breaker::half_open_at(std::int64_t now_ms) const noexcept {
  if (!memory_.opened_at_ms || !memory_.probe_at_ms || now_ms >= *memory_.probe_at_ms)
    return std::nullopt;
  return memory_.probe_at_ms;
}

void circuit_breaker::heed_clock(std::int64_t now_ms) noexcept {
  if (memory_.opened_at_ms && memory_.probe_at_ms && now_ms < *memory_.opened_at_ms)
    memory_.opened_at_ms = memory_.probe_at_ms = now_ms;
}

void circuit_breaker::saw(bool success, std::int64_t started_ms, std::int64_t now_ms) noexcept {
  switch (state(now_ms)) {
    case breaker_state::closed:
      remember(success);
      if (!success && too_many_failures())
        trip(now_ms);
      return;
    case breaker_state::open: return;
    case breaker_state::half_open: break;
  }
  if (started_ms < *memory_.probe_at_ms)
    return;
  if (!success)
    trip(now_ms);
  else if (++memory_.successes >= policy_.successes)
    close();
}

void circuit_breaker::open(std::int64_t now_ms) noexcept {
  if (!memory_.opened_at_ms)
    memory_.opened_at_ms = now_ms;
  memory_.probe_at_ms.reset();
}

std::size_t circuit_breaker::room(std::size_t running, std::int64_t now_ms) const noexcept {
  switch (state(now_ms)) {
    case breaker_state::closed: return std::numeric_limits<std::size_t>::max();
    case breaker_state::open: return 0;
    case breaker_state::half_open: break;
  }
  auto probes = static_cast<std::size_t>(std::max(policy_.probes, 1));
  return probes - std::min(probes, running);
}

void circuit_breaker::remember(bool success) noexcept {
  memory_.failures = success ? 0 : std::min(memory_.failures + 1, policy_.failures);
  if (policy_.window == 0)
    return;
  memory_.recent = memory_.recent << 1 | (success ? 0U : 1U);
  memory_.recent_count = std::min(memory_.recent_count + 1, policy_.window);
}

bool circuit_breaker::too_many_failures() const noexcept {
  if (policy_.failures > 0 && memory_.failures >= policy_.failures)
    return true;
  if (policy_.window == 0 || memory_.recent_count < policy_.window)
    return false;
  auto last = ~std::uint64_t{0} >> (64 - policy_.window);
  return std::popcount(memory_.recent & last) * 100 >= policy_.window_percent * policy_.window;
}

void circuit_breaker::trip(std::int64_t now_ms) noexcept {
  auto openings = std::min(memory_.openings + 1, openings_max);
  memory_ = {};
  memory_.openings = openings;
  memory_.opened_at_ms = now_ms;
  memory_.probe_at_ms = now_ms + wait_ms();
}

std::int64_t circuit_breaker::wait_ms() const noexcept {
  auto most = static_cast<double>(std::max(policy_.open_max, policy_.open_for).count());
  auto wait = static_cast<double>(policy_.open_for.count())
              * std::pow(policy_.factor, std::max(memory_.openings - 1, 0));
  return static_cast<std::int64_t>(std::min(wait, most));
}

} // namespace quire::storage

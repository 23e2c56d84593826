#pragma once

#include "quire/actors/guard.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

namespace quire::actors {

/// So much longer than the services wait those who wait for them do: who gives up says why.
inline constexpr std::chrono::seconds answer_margin{2};

/// A thread that waits for a reply.
template <class Reply>
class waiting_thread final : public receiver<Reply> {
public:
  void deliver(Reply reply) override { answer(std::move(reply)); }
  void fail(const caf::error& error) override { answer(error); }

  /// Returns the reply, or the error that came instead of it: `timeout` if nothing came in time.
  std::variant<Reply, caf::error> wait_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock guard(mutex_);
    if (!answered_.wait_until(guard, deadline, [this] { return answer_.has_value(); }))
      return make_failure(errc::timeout, "no answer in time");
    return std::move(*answer_);
  }

private:
  void answer(std::variant<Reply, caf::error> x) {
    std::lock_guard guard(mutex_);
    answer_ = std::move(x);
    answered_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<std::variant<Reply, caf::error>> answer_;
};

} // namespace quire::actors

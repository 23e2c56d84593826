#pragma once

// How callers with threads get answers without being actors.

#include "quire/actors/guard.hpp"
#include "quire/app/bridge.hpp"
#include "quire/app/failure.hpp"

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <utility>

namespace quire {

/// Returns what is thrown for `error`.
inline failure to_failure(const caf::error& error) {
  return {actors::code_of(error), actors::text_of(error), actors::retry_after_of(error)};
}

/// A thread that waits for a reply.
template <class Reply>
class waiting_thread final : public actors::receiver<Reply> {
public:
  void deliver(Reply reply) override {
    std::lock_guard guard(mutex_);
    reply_ = std::move(reply);
    answered_.notify_one();
  }

  void fail(const caf::error& error) override {
    std::lock_guard guard(mutex_);
    error_ = error;
    answered_.notify_one();
  }

  /// @throws failure: that came instead of the reply; `timeout` if nothing came in time.
  Reply wait_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock guard(mutex_);
    if (!answered_.wait_until(guard, deadline, [this] { return reply_ || error_; }))
      throw failure(errc::timeout, "no answer in time");
    if (!reply_)
      throw to_failure(error_);
    return std::move(*reply_);
  }

private:
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<Reply> reply_;
  caf::error error_;
};

/// A future that waits for a reply. Given up by `expire`, from another thread.
template <class Reply>
class waiting_future final : public actors::receiver<Reply>, public pending_answer {
public:
  std::future<Reply> future() { return promise_.get_future(); }

  bool answered() const {
    std::lock_guard guard(mutex_);
    return answered_;
  }

  void deliver(Reply reply) override {
    std::lock_guard guard(mutex_);
    if (!std::exchange(answered_, true))
      promise_.set_value(std::move(reply));
  }

  void fail(const caf::error& error) override { give_up(to_failure(error)); }

  void expire() override { give_up(failure(errc::timeout, "no answer in time")); }

private:
  void give_up(const failure& why) {
    std::lock_guard guard(mutex_);
    if (!std::exchange(answered_, true))
      promise_.set_exception(std::make_exception_ptr(why));
  }

  mutable std::mutex mutex_;
  bool answered_ = false;
  std::promise<Reply> promise_;
};

} // namespace quire

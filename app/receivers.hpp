#pragma once

// How callers with threads get answers without being actors.

#include "quire/actors/guard.hpp"
#include "quire/actors/waiting_thread.hpp"
#include "quire/app/bridge.hpp"
#include "quire/app/failure.hpp"

#include <chrono>
#include <future>
#include <mutex>
#include <utility>
#include <variant>

namespace quire {

/// Returns what is thrown for `error`.
inline failure to_failure(const caf::error& error) {
  return {actors::code_of(error), actors::text_of(error), actors::retry_after_of(error)};
}

/// Waits for a reply.
/// @throws failure: that came instead of it; `timeout` if nothing came in time.
template <class Reply>
Reply await_reply(actors::waiting_thread<Reply>& waiting,
                  std::chrono::steady_clock::time_point deadline) {
  auto answer = waiting.wait_until(deadline);
  if (auto* error = std::get_if<caf::error>(&answer))
    throw to_failure(*error);
  return std::move(std::get<Reply>(answer));
}

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

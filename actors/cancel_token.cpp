#include "quire/actors/cancel_token.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace quire::actors {

struct cancel_token::state {
  std::atomic<bool> cancelled{false};
  std::atomic<bool> releasing{false};
  std::atomic<bool> hurried{false};
  std::mutex mutex;
  std::condition_variable callback_ended;
  std::string reason;
  std::map<std::uint64_t, std::function<void()>> callbacks;
  std::uint64_t id_last = 0;
  std::uint64_t running = 0; ///< Id of the callback that runs now; 0 for none.
  std::thread::id runner;

  /// Runs what is registered, until nothing is.
  void run_callbacks(std::unique_lock<std::mutex>& lock) noexcept {
    runner = std::this_thread::get_id();
    while (!callbacks.empty()) {
      {
        const auto next = callbacks.extract(callbacks.begin());
        running = next.key();
        lock.unlock();
        next.mapped()();
      }
      lock.lock();
      running = 0;
      callback_ended.notify_all();
    }
  }
};

cancel_token::cancel_token() : state_(std::make_shared<state>()) {}

bool cancel_token::cancelled() const noexcept {
  return state_->cancelled.load(std::memory_order_acquire);
}

std::string cancel_token::reason() const {
  const std::lock_guard lock{state_->mutex};
  return state_->reason;
}

bool cancel_token::releasing() const noexcept {
  return state_->releasing.load(std::memory_order_acquire);
}

void cancel_token::hurry() const noexcept {
  state_->hurried.store(true, std::memory_order_release);
}

bool cancel_token::hurried() const noexcept {
  return state_->hurried.load(std::memory_order_acquire);
}

void cancel_token::cancel(std::string reason, bool release) const {
  // A callback may destroy the token that it was registered with.
  const auto shared = state_;
  std::unique_lock lock{shared->mutex};
  if (shared->cancelled.load(std::memory_order_relaxed))
    return;
  shared->reason = std::move(reason);
  // Who sees the first must see the second, too.
  shared->releasing.store(release, std::memory_order_release);
  shared->cancelled.store(true, std::memory_order_release);
  shared->run_callbacks(lock);
}

std::unique_ptr<cancel_token::registration> cancel_token::on_cancel(
  std::function<void()> callback) const {
  std::unique_ptr<registration> result{new registration{state_}};
  std::unique_lock lock{state_->mutex};
  if (!state_->cancelled.load(std::memory_order_relaxed)) {
    const auto id = state_->id_last + 1;
    state_->callbacks.emplace(id, std::move(callback));
    state_->id_last = result->id_ = id;
    return result;
  }
  lock.unlock();
  callback();
  return result;
}

cancel_token::registration::registration(std::shared_ptr<state> shared)
  : state_(std::move(shared)) {}

cancel_token::registration::~registration() {
  if (id_ == 0)
    return;
  // Destroyed after the lock is released: it may own the last copy of a token.
  std::function<void()> forgotten;
  std::unique_lock lock{state_->mutex};
  if (const auto found = state_->callbacks.find(id_); found != state_->callbacks.end()) {
    forgotten = std::move(found->second);
    state_->callbacks.erase(found);
  }
  if (state_->running == id_ && state_->runner != std::this_thread::get_id())
    state_->callback_ended.wait(lock, [this] { return state_->running != id_; });
}

} // namespace quire::actors

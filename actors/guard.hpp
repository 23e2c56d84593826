#pragma once

#include "quire/messages/caf_replies.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/storage/error.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace quire::actors {

/// The one seam between exceptions of the storage and errors of messages.
caf::error to_caf(const storage::error& failure);

/// Makes an error of ours; `retry_after` is when it may be worth to try again, 0 if nobody knows.
caf::error make_failure(errc code, std::string text,
                        std::chrono::milliseconds retry_after = std::chrono::milliseconds{0});

/// Returns the code of `error`: ours, or what comes nearest to an error of CAF
/// (a request that timed out, a receiver that is down).
errc code_of(const caf::error& error);

/// Returns the text that came with `error`.
std::string text_of(const caf::error& error);

/// Returns when it may be worth to try again, 0 if `error` does not say.
std::chrono::milliseconds retry_after_of(const caf::error& error);

/// Somebody who waits for a reply and is no actor. Told once, on any thread.
template <class Reply>
class receiver {
public:
  virtual ~receiver() = default;
  virtual void deliver(Reply reply) = 0;
  virtual void fail(const caf::error& error) = 0;
};

/// A promise that is always answered: 0.17 never answers one that was dropped.
/// Its end answers `errc::unavailable`. May be moved to another thread.
template <class Reply>
class promise {
public:
  promise() = default;
  explicit promise(reply_address content) : content_(std::move(content)), open_(true) {}
  explicit promise(std::shared_ptr<receiver<Reply>> content)
    : receiver_(std::move(content)), open_(true) {}
  promise(promise&& other) noexcept
    : content_(std::move(other.content_)), receiver_(std::move(other.receiver_)),
      open_(std::exchange(other.open_, false)) {}
  promise& operator=(promise&& other) noexcept {
    if (this != &other) {
      abandon();
      content_ = std::move(other.content_);
      receiver_ = std::move(other.receiver_);
      open_ = std::exchange(other.open_, false);
    }
    return *this;
  }
  ~promise() { abandon(); }

  void deliver(Reply reply) {
    if (!std::exchange(open_, false))
      return;
    if (auto waiting = std::move(receiver_))
      waiting->deliver(std::move(reply));
    else
      content_.deliver(std::move(reply));
  }

  void fail(caf::error error) {
    if (!std::exchange(open_, false))
      return;
    if (auto waiting = std::move(receiver_))
      waiting->fail(error);
    else
      content_.deliver(std::move(error));
  }

private:
  void abandon() noexcept {
    if (open_)
      fail(make_failure(errc::unavailable, "the service stopped before it answered"));
  }

  reply_address content_;
  std::shared_ptr<receiver<Reply>> receiver_;
  bool open_ = false;
};

/// Returns a promise for the request that is being handled.
template <class Reply, class Self>
promise<Reply> promise_to_sender(Self* self) {
  return promise<Reply>{reply_address::of_request<Reply>(self)};
}

} // namespace quire::actors

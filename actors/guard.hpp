#pragma once

#include "quire/messages/interfaces.hpp"
#include "quire/storage/error.hpp"

#include <exception>
#include <string>
#include <utility>

namespace quire::actors {

/// The one seam between exceptions of the storage and errors of messages.
caf::error to_caf(const storage::error& failure);

/// Makes an error of ours.
caf::error make_failure(errc code, std::string text);

/// Returns the code of `error`: ours, or what comes nearest to an error of CAF
/// (a request that timed out, a receiver that is down).
errc code_of(const caf::error& error);

/// Returns the text that came with `error`.
std::string text_of(const caf::error& error);

/// A promise that is always answered: 0.17 never answers one that was dropped.
/// Its end answers `errc::unavailable`.
template <class Reply>
class promise {
public:
  promise() = default;
  explicit promise(caf::typed_response_promise<Reply> content)
    : content_(std::move(content)), open_(true) {}
  promise(promise&& other) noexcept
    : content_(std::move(other.content_)), open_(std::exchange(other.open_, false)) {}
  promise& operator=(promise&& other) noexcept {
    if (this != &other) {
      abandon();
      content_ = std::move(other.content_);
      open_ = std::exchange(other.open_, false);
    }
    return *this;
  }
  ~promise() { abandon(); }

  void deliver(Reply reply) {
    if (std::exchange(open_, false))
      content_.deliver(std::move(reply));
  }

  void fail(caf::error error) {
    if (std::exchange(open_, false))
      content_.deliver(std::move(error));
  }

private:
  void abandon() noexcept {
    if (std::exchange(open_, false))
      content_.deliver(make_failure(errc::unavailable, "the service stopped before it answered"));
  }

  caf::typed_response_promise<Reply> content_;
  bool open_ = false;
};

/// Returns a promise for the request that is being handled.
template <class Reply, class Self>
promise<Reply> promise_to_sender(Self* self) {
  return promise<Reply>{self->template make_response_promise<Reply>()};
}

} // namespace quire::actors

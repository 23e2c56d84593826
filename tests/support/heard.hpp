#pragma once

#include "quire/actors/guard.hpp"
#include "quire/messages/types/clock_source.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace quire::tests {

/// Somebody who is no actor and remembers what it was told.
template <class Reply>
class heard final : public actors::receiver<Reply>,
                    public std::enable_shared_from_this<heard<Reply>> {
public:
  std::optional<Reply> reply;
  caf::error error;
  int answers = 0;

  actors::promise<Reply> promise() {
    return actors::promise<Reply>{
      std::shared_ptr<actors::receiver<Reply>>{this->shared_from_this()}};
  }

  bool answered() const { return answers > 0; }

  bool failed_with(errc code) const {
    return !reply && answered() && actors::code_of(error) == code;
  }

  void deliver(Reply x) override {
    ++answers;
    reply = std::move(x);
  }

  void fail(const caf::error& x) override {
    ++answers;
    error = x;
  }
};

/// A clock that stands still until somebody sets it.
class set_clock final : public clock_source {
public:
  std::int64_t unix_ms() const override { return 0; }
  std::chrono::steady_clock::time_point now() const override { return time; }

  std::chrono::steady_clock::time_point time{std::chrono::seconds{1000}};
};

/// A clock that goes on by a millisecond whenever somebody looks at it.
class ticking_clock final : public clock_source {
public:
  std::int64_t unix_ms() const override { return 1'700'000'000'000 + ++ticks_; }

  std::chrono::steady_clock::time_point now() const override {
    if (++ticks_ == act_at && act)
      act();
    return std::chrono::steady_clock::time_point{std::chrono::milliseconds{ticks_}};
  }

  std::int64_t act_at = 0;   ///< The tick at which
  std::function<void()> act; ///< this is done.

private:
  mutable std::int64_t ticks_ = 0;
};

} // namespace quire::tests

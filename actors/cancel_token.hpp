#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace quire::actors {

/// Tells a running handler that it should stop. Copies share one state.
/// Thread-safe.
class cancel_token {
public:
  cancel_token();

  /// Returns whether somebody asked to stop.
  bool cancelled() const noexcept;

  /// Returns why; empty if nobody asked.
  std::string reason() const;

  /// Returns whether the attempt should end as `released` (a shutdown), not as
  /// cancelled: the task goes back to its queue and loses no attempt.
  bool releasing() const noexcept;

  /// Asks to stop; all but the first call do nothing. Runs the callbacks on the
  /// calling thread, in the order of their registration.
  void cancel(std::string reason, bool release = false) const;

  /// Tells a handler that was asked to stop that it has a few seconds left at most,
  /// whatever grace it was promised. Nobody is called back: who takes a long time to
  /// stop looks at `hurried` meanwhile.
  void hurry() const noexcept;
  bool hurried() const noexcept;

  class registration;

  /// Runs `callback` once when somebody asks to stop, or now if somebody did.
  /// It runs on the thread of the caller of `cancel`, must not block, and is
  /// forgotten when the returned object goes; that waits for a callback that is
  /// running on another thread.
  ///
  /// A callback may use the token and may destroy registrations, its own too.
  /// It must not throw (that ends the program), and nobody may destroy a
  /// registration while holding a lock that its callback takes: both would wait
  /// for ever. A token that its own callback captures lives until the
  /// registration goes.
  [[nodiscard]] std::unique_ptr<registration> on_cancel(std::function<void()> callback) const;

private:
  struct state;
  std::shared_ptr<state> state_;
};

/// Keeps a callback of a token registered as long as it lives.
class cancel_token::registration {
public:
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;
  ~registration();

private:
  friend class cancel_token;
  explicit registration(std::shared_ptr<state> shared);

  std::shared_ptr<state> state_;
  std::uint64_t id_ = 0; // 0 for a callback that ran at once.
};

} // namespace quire::actors

#pragma once

#include "quire/messages/types/task.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace quire::actors {

/// What a running handler says, until the service writes it: the handler never waits for
/// the disk, and what it says often is written a few times a second. Thread-safe.
class attempt_report {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// A longer line or name of a step is cut.
  static constexpr std::size_t line_max = 4096;

  /// Is called on the handler's thread when there is something to take after there was nothing.
  using waker = std::shared_ptr<const std::function<void()>>;

  explicit attempt_report(waker on_news = {}) : on_news_(std::move(on_news)) {}

  /// @param percent is brought within 0 and 100.
  void progress(int percent, std::optional<std::string> step);

  /// Of more lines than `log_lines_max` at once the last are kept.
  void log(std::string line, std::int64_t at_ms);

  void sign_of_life(time_point now) noexcept { last_sign_ = now.time_since_epoch().count(); }

  /// Returns when the handler gave its last sign of life, if it did.
  std::optional<time_point> last_sign() const noexcept;

  /// Takes out what was said since the last call.
  attempt_news take();

private:
  void wake(bool was_empty) const;

  waker on_news_;
  std::atomic<time_point::rep> last_sign_{time_point::min().time_since_epoch().count()};
  std::mutex mutex_;
  attempt_news news_;
};

/// Adds what was said later.
void append(attempt_news& to, attempt_news later);

} // namespace quire::actors

#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace quire::actors {

/// Knows whether somebody looks at something from time to time, and how to ask him to. Not
/// thread-safe: it belongs under the mutex of whoever has it, and what `once` returns is
/// called without that.
class watch {
public:
  using caller = std::shared_ptr<const std::function<void()>>;

  /// From now on `arm` asks somebody to look, who does not yet; nobody if it is empty.
  void set(std::function<void()> arm) {
    arm_ = arm ? std::make_shared<const std::function<void()>>(std::move(arm)) : nullptr;
    watched_ = false;
  }

  /// There is something to look at. Returns what is to be called, null if somebody looks
  /// already or nobody can be asked.
  caller once() { return arm_ && !std::exchange(watched_, true) ? arm_ : nullptr; }

  /// Whoever looks does so again, or not.
  void goes_on(bool on) noexcept { watched_ = on; }

private:
  caller arm_;
  bool watched_ = false;
};

} // namespace quire::actors

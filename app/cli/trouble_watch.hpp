#pragma once

#include "quire/messages/types/errc.hpp"
#include "quire/messages/types/status.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace quire::cli {

/// Decides what a person is told who watches a run that does not get on: services
/// try again by themselves for as long as it takes, and say so in their status only.
/// Knows no clock: the caller says what time it is.
class trouble_watch {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Looks at the services. Returns what is to be said now, if anything: that
  /// something keeps them from working, for some seconds by now; again from time to
  /// time; and that it is over.
  /// @param held what somebody decided that keeps the run from getting on.
  std::optional<std::string> look(const runtime_status& status, time_point now,
                                  const std::optional<std::string>& held = {});

  /// Returns why no patience helps, once that is certain: the file is damaged, or
  /// somebody took Quire's tables away.
  const std::optional<std::string>& hopeless() const noexcept { return hopeless_; }

private:
  std::optional<time_point> since_;
  std::optional<time_point> endless_since_;
  std::optional<time_point> told_at_;
  std::optional<std::string> hopeless_;
};

} // namespace quire::cli

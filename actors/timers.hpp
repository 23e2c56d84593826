#pragma once

#include "quire/actors/wakeup.hpp"
#include "quire/messages/lifecycle.hpp"

#include "quire/messages/caf_compat.hpp"

#include <chrono>

namespace quire::actors {

/// Makes `self` get a `timer` at `when`, unless it gets one before.
/// @param now the time on the same clock.
template <class Impl, class Self>
void wake_at(Self* self, wakeup& timer, wakeup::time_point now, wakeup::time_point when) {
  auto generation = timer.at(when);
  if (!generation)
    return;
  // Rounded up: a timer that fires too early would be started again.
  auto delay = std::chrono::ceil<std::chrono::milliseconds>(when - now);
  if (delay.count() <= 0)
    tell(self, Impl{self}, messages::timer{*generation});
  else
    tell_after(self, delay, Impl{self}, messages::timer{*generation});
}

} // namespace quire::actors

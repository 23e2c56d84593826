#pragma once

#include <cstdint>

namespace quire::actors {

/// What is to be done about the log now.
enum class checkpoint_step {
  none,
  move,    ///< Move what readers allow, without waiting for them.
  restart, ///< Wait a little for readers, so that the log can start over.
};

/// Decides when the log has grown enough to be moved into the database file:
/// early while nothing waits, later while something does. Readers that overlap
/// without a gap keep it from starting over: past `frames_max` they are waited
/// for. Whatever was tried, the log must then grow by as much again.
class checkpoint_plan {
public:
  checkpoint_plan(std::int64_t frames_idle, std::int64_t frames_busy, std::int64_t frames_max)
    : frames_idle_(frames_idle), frames_busy_(frames_busy), frames_max_(frames_max) {}

  checkpoint_step due(std::int64_t frames, bool busy) const noexcept {
    if (frames >= frames_max_ && grown_since(restart_tried_at_, frames) >= frames_busy_)
      return checkpoint_step::restart;
    return grown_since(done_at_, frames) >= (busy ? frames_busy_ : frames_idle_) ? checkpoint_step::move
                                                                               : checkpoint_step::none;
  }

  /// A checkpoint was tried when the log had `frames`.
  void done(std::int64_t frames, checkpoint_step how = checkpoint_step::move) noexcept {
    done_at_ = frames;
    if (how == checkpoint_step::restart)
      restart_tried_at_ = frames;
  }

private:
  // The log starts over after it was moved in full: fewer frames than before.
  static std::int64_t grown_since(std::int64_t before, std::int64_t frames) noexcept {
    return frames < before ? frames : frames - before;
  }

  std::int64_t frames_idle_;
  std::int64_t frames_busy_;
  std::int64_t frames_max_;
  std::int64_t done_at_ = 0;
  std::int64_t restart_tried_at_ = 0;
};

} // namespace quire::actors

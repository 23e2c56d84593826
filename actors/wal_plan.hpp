#pragma once

#include "quire/messages/types/terms.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace quire::actors {

/// The sizes of the write-ahead log at which something is done about it, in bytes.
struct wal_limits {
  std::int64_t idle_frames = 1000; ///< Move it into the database when nothing waits,
  std::int64_t busy_frames = 4000; ///< or, although something waits, at this.
  std::int64_t gate_bytes = std::int64_t{32}
                            << 20; ///< Hold back readers for a moment, so that it can start over.
  std::int64_t expire_bytes = std::int64_t{256} << 20; ///< End the oldest snapshots.
  std::int64_t end_bytes = std::int64_t{512} << 20;    ///< End every snapshot, however young it is.
  std::int64_t refuse_bytes = std::int64_t{1} << 30;   ///< Refuse bulk writes; a quarter more, all.
  std::chrono::milliseconds gate_patience{50}; ///< How long readers are waited for, and held back.
  std::chrono::milliseconds end_patience{250}; ///< The same after every snapshot was ended: those
                                               ///< who held them only have to notice.
  std::chrono::milliseconds gate_interval{
    1'000}; ///< From one try to the next; doubles when one fails,
  std::chrono::milliseconds gate_interval_max{32'000}; ///< up to this.
  std::chrono::milliseconds expire_age{1'000}; ///< Snapshots that are younger are left alone.
  std::chrono::milliseconds end_interval{
    100}; ///< As `gate_interval`, when every snapshot is ended;
          ///< up to that one.
  std::chrono::milliseconds idle_after{30'000}; ///< Without writes: empty the log.
};

/// Decides what is done about the write-ahead log, after each commit.
class wal_plan {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit wal_plan(wal_limits limits = {})
    : limits_(limits), pause_(limits.gate_interval), end_pause_(limits.end_interval) {}

  enum class step : std::uint8_t {
    none,
    move,   ///< Move what readers allow into the database file.
    gate,   ///< Hold back readers, then empty the log.
    expire, ///< The same, after the oldest snapshots were ended.
    end,    ///< The same, after all were.
  };

  /// @param frames in the log, of `frame_bytes` each.
  /// @param busy whether requests wait.
  step due(std::int64_t frames, std::int64_t frame_bytes, bool busy,
           time_point now) const noexcept {
    auto bytes = frames * frame_bytes;
    // Before writes are refused, reads are. What other gates did does not matter: those wait
    // for readers that may go on.
    if (bytes >= limits_.end_bytes && (!end_tried_ || now - *end_tried_ >= end_pause_))
      return step::end;
    // Above the second limit there is no time to lose.
    if (bytes >= limits_.expire_bytes
        && (!gate_tried_ || now - *gate_tried_ >= limits_.gate_interval))
      return step::expire;
    if (bytes >= limits_.gate_bytes && (!gate_tried_ || now - *gate_tried_ >= pause_))
      return step::gate;
    // Whatever was tried, the log must grow by as much again.
    return grown(frames) >= (busy ? limits_.busy_frames : limits_.idle_frames) ? step::move
                                                                               : step::none;
  }

  /// How long the gate of `what` waits for readers at most.
  std::chrono::milliseconds patience(step what) const noexcept {
    return what == step::end ? limits_.end_patience : limits_.gate_patience;
  }

  void moved(std::int64_t frames) noexcept { moved_at_ = frames; }

  /// The gate of `what` was tried, with or without success.
  void gate_tried(step what, bool emptied, std::int64_t frames, time_point now) noexcept {
    moved_at_ = frames;
    pause_ = emptied ? limits_.gate_interval : std::min(2 * pause_, limits_.gate_interval_max);
    gate_tried_ = now;
    if (what == step::end)
      end_tried_ = now;
    if (emptied)
      end_pause_ = limits_.end_interval;
    else if (what == step::end)
      end_pause_ = std::min(2 * end_pause_, limits_.gate_interval);
  }

  /// Returns from which lane on writes are refused, if any are.
  std::optional<lane> refused(std::int64_t frames, std::int64_t frame_bytes) const noexcept {
    auto bytes = frames * frame_bytes;
    if (bytes >= limits_.refuse_bytes + limits_.refuse_bytes / 4)
      return lane::interactive;
    if (bytes >= limits_.refuse_bytes)
      return lane::bulk;
    return std::nullopt;
  }

  const wal_limits& limits() const noexcept { return limits_; }

private:
  // The log starts over after it was moved in full: fewer frames than before.
  std::int64_t grown(std::int64_t frames) const noexcept {
    return frames < moved_at_ ? frames : frames - moved_at_;
  }

  wal_limits limits_;
  std::int64_t moved_at_ = 0;
  std::chrono::milliseconds pause_;
  std::chrono::milliseconds end_pause_;
  std::optional<time_point> gate_tried_; ///< Any.
  std::optional<time_point> end_tried_;
};

} // namespace quire::actors

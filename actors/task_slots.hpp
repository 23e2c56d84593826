#pragma once

#include "quire/actors/cancel_token.hpp"
#include "quire/messages/types/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quire::actors {

/// Why a running attempt was asked to stop.
enum class stop_cause : std::uint8_t {
  none,
  timed_out,  ///< It took longer than it may.
  cancelled,  ///< Somebody asked for it.
  released,   ///< The service stops; the task goes back to its queue.
  given_up,   ///< The claim was taken away: its result counts no more.
};

/// An attempt that a worker runs.
struct running_attempt {
  std::shared_ptr<const task_assignment> task;
  std::shared_ptr<const cancel_token> cancel;
  stop_cause stopped = stop_cause::none;
  std::chrono::steady_clock::time_point limit; ///< Of the attempt; once stopped, of the grace.
  bool limited = false;                        ///< Whether `limit` counts.
};

/// Which worker runs what, and for how long it may. Knows no clock: the caller
/// says what time it is.
///
/// A handler that does not return within the grace after it was asked to stop
/// is given up together with its worker. The kind `command` has no limits here:
/// it ends its program by itself.
class task_slots {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using worker = std::uint64_t;

  explicit task_slots(std::chrono::milliseconds grace = std::chrono::seconds{5}) : grace_(grace) {}

  /// Adds a worker that is free, and returns its number; none is used twice.
  worker add_worker();

  /// Forgets a worker that is gone, and returns what it was running.
  std::optional<running_attempt> remove_worker(worker who);

  /// Gives `task` to a free worker; nothing is returned if there is none. If an
  /// older claim of the same task still runs, that one is asked to stop.
  std::optional<worker> start(std::shared_ptr<const task_assignment> task,
                              std::shared_ptr<const cancel_token> cancel, time_point now);

  /// Ends what `who` runs, which is free from now on. Nothing is returned if it
  /// was forgotten, or runs nothing.
  std::optional<running_attempt> finish(worker who);

  /// Asks the attempt of `task` to stop. Returns whether it runs here. Only the
  /// first cause of an attempt counts.
  bool stop(task_id task, stop_cause cause, const std::string& reason, time_point now);

  /// The same for the attempt of that claim alone.
  bool stop(task_id task, std::int64_t epoch, stop_cause cause, const std::string& reason,
            time_point now);

  /// The same for all, which must hurry: also those that are stopping already.
  void stop_all(stop_cause cause, const std::string& reason, time_point now);

  /// Asks those to stop whose time is up, and returns the workers whose handlers
  /// did not stop in time.
  std::vector<worker> expire(time_point now);

  /// Returns when `expire` has something to do next, if ever.
  std::optional<time_point> next_limit() const;

  /// Returns the workers that run something.
  std::vector<worker> busy() const;

  /// Returns the attempts that run.
  std::vector<const running_attempt*> running() const;

  std::size_t workers() const noexcept { return free_.size() + running_.size(); }
  std::size_t free() const noexcept { return free_.size(); }

private:
  void ask_to_stop(running_attempt& attempt, stop_cause cause, const std::string& reason,
                   time_point now) const;

  std::chrono::milliseconds grace_;
  worker last_worker_ = 0;
  std::vector<worker> free_;
  std::map<worker, running_attempt> running_;
};

/// Returns what counts as the outcome of `attempt` when its handler said
/// `outcome`: success stays success; what was stopped ended because of that.
task_outcome settled_outcome(const running_attempt& attempt, task_outcome outcome);

/// Returns the outcome of an attempt whose handler did not stop when asked.
task_outcome abandoned_outcome(const running_attempt& attempt);

} // namespace quire::actors

#pragma once

#include "quire/actors/attempt_burst.hpp"
#include "quire/messages/types/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace quire::actors {

/// Why a running attempt was asked to stop.
enum class stop_cause : std::uint8_t {
  none,
  timed_out, ///< It took longer than it may.
  silent,    ///< Its handler gave no sign of life for longer than it may.
  cancelled, ///< Somebody asked for it.
  released,  ///< The service stops; the task goes back to its queue.
  given_up,  ///< The claim was taken away: its result counts no more.
};

/// An attempt that a worker runs, or that follows in its burst.
struct running_attempt {
  std::shared_ptr<const task_assignment> task;
  cancel_token cancel;
  stop_cause stopped = stop_cause::none;
  std::chrono::steady_clock::time_point limit; ///< Of the attempt; once stopped, of the grace.
  bool limited = false;                        ///< Whether `limit` counts.
  std::chrono::steady_clock::time_point begun;
  std::shared_ptr<attempt_report> report;
};

/// What became of the attempts of a worker.
struct slot_report {
  struct ended {
    running_attempt attempt;
    attempt_burst::result result;
  };
  std::vector<ended> ended;               ///< Those whose end was not reported before.
  std::optional<running_attempt> current; ///< Begun, and not ended.
  std::vector<attempt> unbegun;           ///< Nobody runs them now.
};

/// Which worker runs what, and for how long it may. Knows no clock: the caller
/// says what time it is.
///
/// A handler that does not return within the grace after it was asked to stop
/// is given up together with its worker. The kind `command` has no limits here
/// but its heartbeat: it ends its program by itself.
class task_slots {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using worker = std::uint64_t;

  /// A worker with quick attempts that is not through after so long is left with the one
  /// it runs; the rest is taken back from it.
  static constexpr auto burst_limit = std::chrono::milliseconds{5};

  /// An attempt that is limited to less has a worker for itself.
  static constexpr auto shortest_shared_limit = std::chrono::seconds{1};

  explicit task_slots(std::chrono::milliseconds grace = std::chrono::seconds{5}) : grace_(grace) {}

  /// Adds a worker that is free, and returns its number; none is used twice.
  worker add_worker();

  /// Forgets a worker that is gone, and returns what it was running.
  slot_report remove_worker(worker who);

  /// What a worker is to run.
  struct start_order {
    worker who;
    std::shared_ptr<attempt_burst> burst;
  };

  /// Gives `attempts`, at least one, to a free worker; nothing is returned if there is
  /// none.
  /// @param quick whether they are expected to be over within `burst_limit`; several are.
  std::optional<start_order> start(std::vector<attempt> attempts, bool quick, time_point now);

  /// Ends what `who` runs, which is free from now on. Nothing is returned if it
  /// was forgotten, or runs nothing.
  std::optional<slot_report> finish(worker who);

  /// Takes back what has not begun from workers that are through with less than they
  /// were thought to be.
  std::vector<slot_report> relieve(time_point now);

  /// Asks the attempt of `task` to stop, or that of one claim. Returns whether it runs
  /// here. Only the first cause of an attempt counts.
  bool stop(task_id task, std::optional<std::int64_t> epoch, stop_cause cause,
            const std::string& reason, time_point now);

  /// The same for all, which must hurry: also those that are stopping already.
  void stop_all(stop_cause cause, const std::string& reason, time_point now);

  /// Asks those to stop whose time is up, and returns the workers whose handlers
  /// did not stop in time.
  std::vector<worker> expire(time_point now);

  /// Returns when `expire` or `relieve` has something to do next, if ever.
  std::optional<time_point> next_limit();

  /// Returns the workers that run something.
  std::vector<worker> busy() const;

  /// Returns the attempts that run, or follow one that does.
  std::vector<const running_attempt*> running() const;

  std::size_t workers() const noexcept { return free_.size() + running_.size(); }
  std::size_t free() const noexcept { return free_.size(); }

  /// How many workers are free, or will be within a moment: what they run is quick.
  std::size_t soon_free() const noexcept { return free_.size() + quick_; }

private:
  struct running_burst {
    std::shared_ptr<attempt_burst> burst;
    std::vector<running_attempt> attempts;
    std::size_t reported = 0; // So many of the first are reported already.
    time_point relieve_at;
    bool quick = false; // Until `relieve_at` at most.
  };

  running_attempt with_limit(const attempt& one, time_point now) const;
  void ask_to_stop(running_attempt& one, stop_cause cause, const std::string& reason,
                   time_point now) const;
  slot_report take(running_burst& from, worker who, bool all);
  void forget(const task_assignment& task, worker who);
  static running_attempt* single_attempt(running_burst& entry);

  std::chrono::milliseconds grace_;
  worker last_worker_ = 0;
  std::size_t quick_ = 0; // How many of them are quick.
  std::vector<worker> free_;
  std::map<worker, running_burst> running_;
  std::unordered_multimap<std::int64_t, worker> where_;
};

/// Returns whether `task` may be in a burst with others: its own time begins with it.
bool may_share_worker(const task_assignment& task);

/// Returns what counts as the outcome of `attempt` when its handler said
/// `outcome`: success stays success; what was stopped ended because of that.
task_outcome settled_outcome(const running_attempt& attempt, task_outcome outcome);

/// Returns the outcome of an attempt whose handler did not stop when asked.
task_outcome abandoned_outcome(const running_attempt& attempt);

} // namespace quire::actors

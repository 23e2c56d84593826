#pragma once

// The inside of the task service, shared by its two source files: what it keeps
// and does with workers and rounds (task_work.cpp), and how it talks to others
// (task_service.cpp).

#include "quire/actors/attempt_report.hpp"
#include "quire/actors/base.hpp"
#include "quire/actors/handler_pace.hpp"
#include "quire/actors/look_up.hpp"
#include "quire/actors/subscription.hpp"
#include "quire/actors/task_rounds.hpp"
#include "quire/actors/task_service.hpp"
#include "quire/actors/task_slots.hpp"
#include "quire/actors/task_stock.hpp"
#include "quire/actors/wakeup.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace quire::actors {

inline constexpr auto task_service_name = "task_execution_service";

using task_impl = messages::task_service_actor::extend<on<void(messages::timer)>>;

struct task_counters {
  std::int64_t claimed = 0;
  std::int64_t completed = 0;
  std::int64_t failed_attempts = 0;
  std::int64_t stale = 0;
  std::int64_t released = 0;
  std::int64_t snoozed = 0;
  std::int64_t workers_lost = 0;
};

struct task_drain {
  std::vector<promise<messages::drained>> answers;
  std::chrono::steady_clock::time_point stop_at;
  bool told = false; // The handlers were told to stop.
};

struct task_service_state {
  task_service_state() = default;
  static inline const char* name = task_service_name;

  task_service_options options;
  std::shared_ptr<const task_handlers> handlers;
  std::vector<std::string> kinds;
  std::mt19937_64 random;
  task_slots slots;
  task_stock stock; // Claimed, and not given to a worker yet.
  handler_pace pace;
  std::map<task_slots::worker, messages::worker_actor> workers;
  task_rounds rounds;
  storage::tenant_shares shares; ///< Whose turn it is.
  wakeup timer;
  std::chrono::steady_clock::time_point next_look;
  actors::subscription subscription;
  awaited<task_id, task_record> tasks{"task", &storage::find_task_record, {}};
  std::map<task_id, std::string> cancel_reasons; // Of requests that are being written.
  bool news_missed = false;                      // Of a task that was to stop and was not found.
  attempt_report::waker on_news;                 // A handler said something.
  bool news_waiting = false;
  std::chrono::steady_clock::time_point next_news; // Not written before.
  int requests_open = 0;                         // Passed on to the writer, not answered yet.
  std::optional<task_drain> draining;
  task_counters counters;
  std::string note;

  // However the service ends, no program of its tasks goes on.
  ~task_service_state() {
    for (auto* attempt : slots.running())
      attempt->cancel.cancel("the task service ended", true);
    for (auto& [number, worker] : workers)
      caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  }

  std::chrono::steady_clock::time_point now() const { return options.env.clock->now(); }
  std::int64_t unix_ms() const { return options.env.clock->unix_ms(); }
  double random_share() { return static_cast<double>(random() >> 11) * 0x1.0p-53; }
};

using task_pointer = task_impl::stateful_pointer<task_service_state>;

/// Does whatever may be done now, and sees to it that the rest is not forgotten.
/// Whatever changes the state ends with it.
void proceed(task_pointer self);

/// Starts the workers that are missing.
void start_workers(task_pointer self);

/// A worker ended: what it ran is given back, and it is replaced.
void worker_lost(task_pointer self, task_slots::worker number, const std::string& why);

/// Gives up a handler that did not stop: its thread cannot be ended, but its
/// result counts no more.
void abandon(task_pointer self, task_slots::worker number);

/// Gives claimed tasks to workers that are free.
void begin_attempts(task_pointer self);

/// Asks the attempt of `task` (or that of one claim) to stop, wherever it is. Returns
/// whether it was found.
bool stop_attempt(task_service_state& state, task_id task, std::optional<std::int64_t> epoch,
                  stop_cause cause, const std::string& reason);

/// Returns the claims of the tasks that run or wait for a worker.
std::vector<storage::task_claim> claims_here(const task_service_state& state);

/// Takes what the handlers that run said, if it is time to write it.
void take_words(task_service_state& state);

/// Begins the next round, if one is needed and possible.
std::optional<task_round> next_round(task_service_state& state);

/// Returns when claimed tasks have waited for too long, if any do.
std::optional<std::chrono::steady_clock::time_point> stock_limit(const task_service_state& state);

/// Stops what runs here although the database no longer says so: its cancel was
/// requested, or its claim is gone.
void look_at_running(task_pointer self);

/// Writes a round, and keeps what it claimed for the workers.
void write(task_pointer self, task_round round);

} // namespace quire::actors

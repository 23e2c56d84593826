#pragma once

#include "quire/actors/wal_keeper.hpp"
#include "quire/actors/write_port.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/storage/sqlite/batch_executor.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

struct write_worker_options {
  std::function<storage::connection()> open; ///< Opens the connection that writes.
  std::shared_ptr<write_port> port;
  std::shared_ptr<read_port> reads; ///< Of the readers that are held back; may be null.
  std::shared_ptr<const clock_source> clock;
  std::size_t batch_members_max = 1000;
  std::chrono::milliseconds write_limit{30'000};
  std::chrono::milliseconds patience{30'000};
  bool checkpoints = true;
  bool lingers = true; ///< Waits some microseconds for members that are about to come.
  wal_limits wal;
};

/// What the worker calls, on any thread. All of them return at once.
struct write_worker_hooks {
  std::function<void()> wake;                                ///< `flush` has something to do.
  std::function<void(std::chrono::milliseconds)> wake_later; ///< The same, after a while.
  std::function<void(messages::wal_signal, std::chrono::milliseconds)> signal_later;
  std::function<void(const messages::committed&)> publish;
};

/// What the writer does: it takes what waits in the port, commits it, answers, and looks
/// after the log. While it has nothing to do, whoever brings a request may execute it
/// himself. Thread-safe: whoever comes second waits.
class write_worker : public std::enable_shared_from_this<write_worker> {
public:
  /// Opens the database.
  /// @throws storage::error
  explicit write_worker(write_worker_options options);
  write_worker(const write_worker&) = delete;
  write_worker& operator=(const write_worker&) = delete;
  ~write_worker();

  /// Is there for the port from now on.
  void attach(write_worker_hooks hooks);

  /// Commits one batch of what waits, and answers. Returns whether more may wait.
  /// @throws what nobody planned, also if it happened to whoever was lent the writer.
  bool flush();

  /// Takes the write lock, so that nobody commits until `release` with its number.
  /// @throws storage::error, also if it is held already.
  messages::writes_held hold();
  void release(std::uint64_t number); ///< 0: whichever it is.

  bool held() const;

  /// Runs a checkpoint or an optimization; not while it is held.
  /// @throws storage::error
  messages::upkeep_done look_after(const messages::upkeep_request& request);

  void on_signal(messages::wal_signal what);

  service_status report();

  /// Commits all that waits, leaves the port, and closes the connection: the next writer
  /// must find it closed.
  void finish();

  /// The same, but answers what it has taken without committing it.
  void close();

private:
  using clock_time = std::chrono::steady_clock::time_point;

  void lend(submitter who, std::uint64_t client);
  void serve_lent(submitter who, std::uint64_t client);
  void leave();
  bool have_batch();
  bool commit_batch(bool patient);
  void wait_for_lock();
  void publish(const std::vector<storage::member_result>& results);
  void publish_if_possible(const std::vector<storage::member_result>& results);

  const write_worker_options options_;
  write_worker_hooks hooks_;
  mutable std::mutex in_use_;
  std::optional<storage::batch_executor> executor_;
  std::optional<wal_keeper> wal_;
  std::atomic<std::uint64_t> attached_{0};            // To the port.
  std::vector<std::unique_ptr<write_request>> batch_; // Taken, not answered.
  std::vector<storage::batch_member*> members_;       // The same, for the executor.
  std::optional<clock_time> locked_since_;            // By another process.
  clock_time member_deadline_;                        // Of the member that runs.
  bool last_full_ = false;                            // The durability of the last batch.
  std::uint64_t holds_ = 0;                           // The number of the last one.
  bool held_ = false;                                 // Nobody commits.
  std::int64_t lock_waits_ = 0;
  std::int64_t locked_errors_ = 0;
  std::exception_ptr broken_; // Why it cannot go on.
  std::string note_;
};

} // namespace quire::actors

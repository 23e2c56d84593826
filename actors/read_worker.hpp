#pragma once

#include "quire/actors/read_port.hpp"
#include "quire/actors/submitter.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace quire::actors {

struct read_worker_options {
  std::function<storage::connection()> open; ///< Opens a read-only connection.
  std::shared_ptr<read_port> port;
  std::shared_ptr<const clock_source> clock;
  reader_kind kind = reader_kind::slow;
  std::chrono::milliseconds query_limit{30'000}; ///< A longer query ends with `errc::timeout`.

  /// An older snapshot ends with `errc::snapshot_expired`.
  std::chrono::milliseconds lease{30'000};

  /// Then a quick reader leaves a query to a slow one,
  std::chrono::microseconds quick_limit{2'000};
  /// and an actor that borrowed a reader to a quick one.
  std::chrono::microseconds moment_limit{250};

  std::function<void()> closed; ///< Called on any thread, after `close`.
};

/// What a reader does: it takes what waits in the port, opens a snapshot, answers, closes it,
/// and so on; one that is lent does so for what it is given. Thread-safe: whoever comes
/// second waits.
class read_worker : public std::enable_shared_from_this<read_worker> {
public:
  struct counters {
    std::int64_t queries = 0;
    std::int64_t snapshots = 0;
    std::int64_t statements_hit = 0;
    std::int64_t statements_missed = 0;
  };

  explicit read_worker(read_worker_options options) : options_(std::move(options)) {}
  read_worker(const read_worker&) = delete;
  read_worker& operator=(const read_worker&) = delete;
  ~read_worker();

  /// Opens its connection.
  /// @throws storage::error
  void open();

  /// Is there for the port from now on, which calls `wake` when something waits. It must
  /// be open.
  void attach(std::function<void()> wake);

  /// The same of one that is lent. It opens its connection when it is needed.
  void attach_lent();

  /// Answers what it can take at once. Returns whether more may wait.
  bool serve_batch();

  /// Leaves the port and closes the connection: now, or when whoever borrowed it is done.
  void close();

  bool is_closed() const noexcept { return closed_.load(); }

  counters seen() const;

  /// The last thing that went wrong; empty if nothing did.
  std::string note() const;

private:
  using time_point = std::chrono::steady_clock::time_point;

  /// Why a statement was interrupted.
  enum class interruption : std::uint8_t { none, cancelled, timeout, expired, too_long };

  void lend(read_port::request_pointer request, submitter who);
  void serve_lent(read_port::request_pointer& request, submitter who);
  void open_now();
  bool open_if_needed();
  void take_snapshot();
  void give_back();
  std::size_t serve_round(std::vector<read_port::request_pointer>& batch, std::size_t first);
  std::optional<caf::error> run(read_request& request);
  bool serve(read_request& request, time_point now, std::chrono::microseconds budget);
  void serve_or_move(read_port::request_pointer& request, time_point now,
                     std::chrono::microseconds budget, read_length length);
  caf::error interrupted(const read_request& request);
  bool over();

  const read_worker_options options_;
  mutable std::mutex in_use_;
  std::atomic<bool> closing_{false};
  std::atomic<bool> closed_{false};
  std::optional<storage::connection> db_;
  read_port::slot_pointer slot_;
  counters seen_;

  // What one that is lent keeps open from one request to the next.
  std::optional<storage::read_guard> kept_;
  std::optional<storage::commit_stamp> kept_stamp_; ///< From before it was opened.
  time_point kept_since_;

  std::string note_;

  // What the progress handler of SQLite looks at.
  const read_request* request_ = nullptr;
  time_point opened_;     ///< The snapshot was.
  time_point deadline_;   ///< Of the request.
  time_point lease_ends_; ///< Of the snapshot.
  time_point budget_ends_;
  int looks_ = 0; ///< At these, since the request began.
  interruption why_ = interruption::none;
};

} // namespace quire::actors

#pragma once

#include "quire/actors/read_port.hpp"
#include "quire/actors/wal_plan.hpp"
#include "quire/actors/write_port.hpp"
#include "quire/messages/maintenance.hpp"
#include "quire/storage/sqlite/batch_executor.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace quire::actors {

/// What the writer does about the write-ahead log and about a full disk, between two
/// batches. It never waits: it says when it wants to be called again.
///
/// Past its first limit the log is emptied behind a gate: readers begin no snapshot for
/// `gate_patience` at most, `end_patience` after all snapshots were ended, and as soon as none
/// is open the log is truncated. Readers that overlap would otherwise keep it from ever
/// starting over.
///
/// On a full disk all writes are refused at once, reads go on, and every few seconds one
/// is tried, until there is room again.
class wal_keeper {
public:
  using clock_pointer = std::shared_ptr<const clock_source>;
  /// Sends `what` to the writer after `delay`; called on any thread.
  using sender = std::function<void(messages::wal_signal what, std::chrono::milliseconds delay)>;

  struct parts {
    bool enabled = true; ///< False beside another owner: only that one may checkpoint.
    wal_limits limits;
    clock_pointer clock;
    std::shared_ptr<write_port> writes;
    std::shared_ptr<read_port> reads; ///< Null: nobody is held back.
    sender send;
  };

  explicit wal_keeper(parts given);
  wal_keeper(const wal_keeper&) = delete;
  wal_keeper& operator=(const wal_keeper&) = delete;
  ~wal_keeper();

  /// Makes way for a log that could start over.
  void before_batch();

  /// Looks after what a batch left behind; `full` if one of its members found the disk full.
  void after_batch(storage::batch_executor& executor, bool full);

  void on_signal(messages::wal_signal what, storage::batch_executor& executor);

  /// Moves what is in the log, with `truncate` also empties it if readers let it.
  /// @throws storage::error
  storage::connection::checkpoint_result checkpoint(storage::connection& db, bool truncate);

  /// Whether writes are refused because the disk is full.
  bool disk_full() const noexcept { return disk_full_; }

  void add_counters(service_status& status, storage::batch_executor& executor) const;
  const std::string& note() const noexcept { return note_; }

private:
  void checkpoint_if_due(storage::batch_executor& executor);
  void end_snapshots(std::chrono::milliseconds age, std::int64_t limit);
  void close_gate(wal_plan::step why);
  void empty_log(storage::batch_executor& executor, wal_plan::step why);
  void refuse_or_not(storage::batch_executor& executor);
  void look_when_idle();
  void empty_if_idle(storage::batch_executor& executor);
  void enter_disk_full();
  void probe(storage::batch_executor& executor);
  bool can_write(storage::batch_executor& executor);
  std::int64_t frame_bytes(storage::batch_executor& executor);
  void complain(const std::string& what);

  parts parts_;
  wal_plan plan_;
  std::optional<wal_plan::step> gate_; ///< Why it is closed, while it is.
  std::uint64_t gates_ = 0;            ///< The number of the last one.
  bool idle_watched_ = false;
  std::int64_t moved_frames_ = 0; ///< All that the log had were moved: the next commit may
                                  ///< begin it anew. 0 once it has, or cannot.
  std::chrono::steady_clock::time_point last_write_{};
  std::optional<lane> refused_;
  bool disk_full_ = false;
  std::int64_t frame_bytes_ = 0;

  std::int64_t checkpoints_ = 0;
  std::int64_t emptied_ = 0;
  std::int64_t gates_failed_ = 0;
  std::int64_t expired_ = 0;
  std::int64_t wal_bytes_max_ = 0;
  std::int64_t last_checkpoint_ms_ = 0;
  std::int64_t disk_full_times_ = 0;
  std::string note_;
};

} // namespace quire::actors

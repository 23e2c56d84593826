#pragma once

#include "quire/messages/types/event.hpp"
#include "quire/messages/types/sql.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/connection.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace quire::storage {

/// One request in a batch.
class batch_member {
public:
  virtual ~batch_member() = default;

  /// Does the work. May be called several times: only the last call counts.
  virtual void run(transaction& tx) = 0;

  /// How sure this member wants its commit to be; the batch takes the strictest.
  virtual durability sync() const noexcept = 0;

  /// Whether `run` executes exactly one statement. SQLite undoes a failed
  /// statement itself, so such a member needs no savepoint (they cost 29 %). Nor
  /// does one that hardly ever fails after its first change, each of which
  /// `total_changes` counts: what it leaves costs a replay of its neighbours.
  virtual bool single_statement() const noexcept { return false; }

  /// Whether `run` asks its transaction for `commit_seq`.
  virtual bool wants_number() const noexcept { return false; }

  /// Why it is not wanted any more (`errc::cancelled`, `errc::timeout`), if it is not. Asked
  /// before it runs and, every thousand steps of SQLite, while it does.
  virtual std::optional<errc> stopped() const noexcept { return std::nullopt; }

  /// Whether `run` must not be repeated: such a member gets a transaction of
  /// its own.
  virtual bool alone() const noexcept { return false; }
};

/// What became of one member.
struct member_result {
  std::optional<error> failure; ///< Absent if the member is committed.
  std::uint64_t commit_seq = 0;
  std::int64_t rows_changed = 0; ///< Triggers included.
  std::int64_t last_rowid = 0;
  std::vector<event> events;
};

/// Runs batches of members as transactions, each member with its own result:
/// group commit that is exact.
///
/// A member that fails alone is undone alone. When a member spoils the whole
/// transaction (`OR ROLLBACK`, `RAISE(ROLLBACK)`, an interrupted write, a full
/// disk, a violated deferred foreign key), it gets its error and the others are
/// run again; after `replays_max` such turns, each by itself.
class batch_executor {
public:
  struct counters {
    std::int64_t commits = 0;
    std::int64_t members = 0; ///< Committed ones.
    std::int64_t failed = 0;
    std::int64_t replays = 0;
    std::int64_t batch_max = 0;     ///< Members of the largest commit.
    std::int64_t locked_errors = 0; ///< Members that were refused with `errc::busy`.
  };

  /// Limits how long a member may run: `begin` is called before each, and its
  /// statements are interrupted once `over` returns true (it is asked every
  /// thousand steps of SQLite). Such a member fails with `errc::timeout`.
  struct time_limit {
    std::function<void()> begin;
    std::function<bool()> over;
  };

  /// `open` opens the writer's connection; it is called once now, and again
  /// when a COMMIT failed in a way that only a look into the file can clear up.
  explicit batch_executor(std::function<connection()> open, time_limit limit = {},
                          int replays_max = 3);
  batch_executor(const batch_executor&) = delete;
  batch_executor& operator=(const batch_executor&) = delete;

  /// Runs all members and returns one result for each, in order. Everything
  /// that is reported as committed is committed when this returns.
  ///
  /// Never throws for what a member does. If the connection is lost and cannot
  /// be opened again, every member that is not known to be committed fails, and
  /// so does every later call until opening succeeds.
  std::vector<member_result> execute(std::span<batch_member* const> members);

  /// The same; runs nothing and returns nothing if another process holds the write lock,
  /// for which it does not wait.
  std::optional<std::vector<member_result>> execute_unless_locked(
    std::span<batch_member* const> members);

  /// The connection, for checkpoints and upkeep between batches.
  /// @throws error if it is lost and cannot be opened again.
  connection& db();

  /// Keeps the write lock, so that nobody commits, until `release`. Nothing may be executed
  /// meanwhile.
  /// @throws error with `errc::busy` if another process has it; it is not waited for.
  void hold();
  void release() noexcept;

  /// Commits nothing but a number, on the disk, to see whether that is possible.
  /// @throws error if it is not.
  void probe();

  std::uint64_t commit_seq() const noexcept { return commit_seq_; }
  const counters& totals() const noexcept { return totals_; }

private:
  using indices = std::vector<std::size_t>;

  /// What the database says about the last commit.
  struct commit_mark {
    std::uint64_t seq = 0;
    std::int64_t author = 0; ///< `author_` of the executor that committed.
  };

  /// How running one member ended.
  enum class ending { kept, undone, spoiled };

  /// What is left to do after one transaction.
  struct turn {
    indices again;       ///< Members that have no result yet.
    bool singly = false; ///< Whether each of them needs a transaction of its own.
  };

  void run_all(std::span<batch_member* const> members, std::vector<member_result>& results);
  void run_together(std::span<batch_member* const> members, indices waiting,
                    std::vector<member_result>& results);
  turn attempt(std::span<batch_member* const> members, const indices& which,
               std::vector<member_result>& results);
  bool begin(std::span<batch_member* const> members, const indices& which,
             std::vector<member_result>& results);
  turn commit(const indices& which, const indices& kept, std::vector<member_result>& results);
  turn handle_failed_commit(const error& failure, std::uint64_t seq, const indices& which,
                            const indices& kept, std::vector<member_result>& results);
  void require_in_place() const;
  void note_commit(std::uint64_t seq, const indices& kept, std::vector<member_result>& results);
  ending run_member(batch_member& member, member_result& result);
  ending undo_member(bool savepoint, std::int64_t changes_before, const error& failure);
  bool triggers_exist();
  void settle_failed_commit(const error& failure, std::uint64_t expected, const indices& which,
                            const indices& kept, std::vector<member_result>& results);
  std::optional<error> run_guarded(batch_member& member, transaction& tx);
  std::optional<commit_mark> stored_mark();
  std::uint64_t advance_commit_seq();
  void commit_nothing();
  void heal_log();
  void reopen();

  std::function<connection()> open_;
  time_limit limit_;
  std::optional<connection> db_;
  int replays_max_;
  std::uint64_t commit_seq_ = 0;
  std::uint64_t numbered_ = 0; ///< What the open transaction is numbered already; 0 if not.
  bool wait_for_lock_ = true;  ///< Whether the next BEGIN waits for other processes.
  bool locked_ = false;        ///< That BEGIN found the lock taken.
  const batch_member* running_ = nullptr;
  std::optional<std::int64_t> author_; ///< Random: other executors have another one.
  bool log_in_doubt_ = false;          ///< It must be written anew before anything is acknowledged.
  bool seq_stored_ = false;            ///< Whether the database has the table quire_commit.
  int cautious_batches_ = 0;           ///< So many more batches give each member a savepoint.
  counters totals_;
};

} // namespace quire::storage

#pragma once

#include "quire/storage/sqlite/connection.hpp"
#include "quire/storage/sqlite/end_counts.hpp"

#include <array>
#include <optional>
#include <vector>

namespace quire::storage {

/// Runs statements whose rows nobody wants. For this folder only.
/// @throws error
void execute_all(sqlite3* db, const char* sql);

/// What a connection consists of. For this folder only. SQLite's callbacks hold
/// its address: it never moves.
struct connection::state {
  state(const connection_options& options, bool may_write);
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state();

  /// @throws error if somebody else's code is running and its transaction is gone.
  void check_transaction() const;

  static int on_busy(void* self, int count);
  static int on_progress(void* self);
  static int on_authorize(void* self, int action, const char* first, const char* second,
                          const char* database, const char* trigger);
  static int on_wal(void* self, sqlite3* db, const char* database, int frames);
  /// Refuses what would leave something counted and not written.
  static int on_commit(void* self);
  static void on_rollback(void* self);

  /// Sets the limits for SQL from outside, or takes them away: see `outside_limits`.
  void limit_sql(bool tightly) noexcept {
    if (tight != tightly)
      change_limits(tightly);
  }
  void change_limits(bool tightly) noexcept;

  sqlite3* db = nullptr;
  bool writable;
  bool created = false; ///< The file had no page yet.
  std::string path;
  std::chrono::milliseconds patience;
  std::function<void(std::chrono::milliseconds)> pause;
  statement_cache cache;
  /// Compiled once; kept out of the cache, where anybody could take a COMMIT.
  std::array<std::optional<statement>, 8> control;
  std::function<bool()> stop;
  std::optional<durability> sync; ///< Nothing until it is set: defaults differ.

  bool patient = true;                 ///< Whether locks of others are waited for.
  bool restricted = false;             ///< Somebody else's code is running: see `restriction`.
  bool from_outside = false;           ///< What is compiled now may not change our tables.
  bool mentions_ours = false;          ///< The text that is compiled now holds our names.
  bool tight = false;                  ///< The limits are those for SQL from outside.
  bool rolled_back = false;            ///< Since the last BEGIN.
  std::chrono::milliseconds waited{0}; ///< For the present lock.
  std::int64_t lock_waits = 0;
  std::int64_t lock_failures = 0;
  std::int64_t wal_frames = 0;
  const std::uint32_t* log_index = nullptr; ///< Mapped by SQLite for as long as it is open.
  bool log_in_doubt = false;                ///< It could not be synchronized.

  end_counts ended;                     ///< In the open transaction, and not written yet.
  std::vector<end_counts> ended_before; ///< The same when each of the open savepoints was made.
};

/// The statements that open and close transactions. For this folder only.
class transaction_control {
public:
  static void begin_write(connection& db) { run(db, 0); }

  /// The same, but without patience for other processes if `waits` is false.
  /// @returns false if one of them holds the lock then.
  static bool try_begin_write(connection& db, bool waits);

  static void begin_read(connection& db) { run(db, 1); }

  /// Writes what was counted, then tries again within the patience while somebody keeps the
  /// database locked.
  /// @throws error if COMMIT failed; the transaction may be open still.
  static void commit(connection& db);

  /// Does nothing if no transaction is open.
  static void rollback(connection& db) noexcept;

  /// What is counted after a savepoint is forgotten when it is rolled back to. Who has none and is
  /// undone has changed no row, and so has counted nothing.
  static void savepoint(connection& db);
  static void rollback_to_savepoint(connection& db);
  static void release_savepoint(connection& db);

  /// What the open transaction has counted and not written yet.
  static end_counts& ended(connection& db) noexcept { return db.state_->ended; }

  /// Returns whether the transaction that was begun is gone, even if another
  /// one has been opened in its place.
  static bool lost(const connection& db) noexcept;

  /// Refuses from now on, or no longer, what `restriction` refuses.
  static void restrict_use(connection& db, bool refuse) noexcept;

  /// Makes `last_insert_rowid` 0 until the next insert.
  static void forget_rowid(connection& db) noexcept;

  /// While it lives, statements that would end transactions, attach databases
  /// or change settings of the connection are refused with `errc::sql`, and a
  /// COMMIT that gets through all the same becomes a ROLLBACK.
  class restriction {
  public:
    explicit restriction(connection& db);
    restriction(const restriction&) = delete;
    restriction& operator=(const restriction&) = delete;
    ~restriction();

  private:
    connection::state* state_;
    bool before_;
  };

private:
  static void run(connection& db, std::size_t number);
};

} // namespace quire::storage

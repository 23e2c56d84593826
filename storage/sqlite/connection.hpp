#pragma once

#include "quire/messages/types/sql.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/statement_cache.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quire::storage {

/// How a connection is opened.
struct connection_options {
  std::string path;
  std::string vfs;                      ///< Name of an SQLite VFS; empty for the default one.
  durability sync = durability::normal; ///< Of a writer, until a batch asks for more.
  std::chrono::milliseconds patience{
    30'000};                        ///< How long another process's write lock is waited for.
  std::size_t statements_max = 128; ///< Compiled statements kept.
  bool checkpoint_on_close = true;  ///< A writer beside another owner must not checkpoint.
  bool create = true;               ///< Create a missing file (a writer only).
  /// What becomes of the application's data, so the application's to say. Absent:
  /// whatever the SQLite library does by itself.
  std::optional<bool> foreign_keys = true; ///< Enforce them (a writer only).
  /// Overwrite what is deleted: always, or (false) where it costs no further I/O.
  std::optional<bool> secure_delete = false;
  /// Sleeps a moment between two tries for a lock. Injected, so that a
  /// simulation never sleeps; the default waits on the machine's clock.
  std::function<void(std::chrono::milliseconds)> pause;
};

/// The header of the index of a write-ahead log (https://www.sqlite.org/walformat.html, 2.1): it
/// has a number of the last transaction, checksums and salts.
using commit_stamp = std::array<std::uint32_t, 12>;

/// An open SQLite connection with the settings that Quire relies on
/// (the order and the reasons are in ARCHITECTURE.md, "Opening connections").
///
/// It may move between threads, but must never be used by two at once.
class connection {
  struct state;

public:
  /// Refuses, as opening for writing does, a path that cannot be that of a database.
  /// Nothing is created or opened.
  static void check_path(const connection_options& options);

  /// Opens the one connection that writes. Creates the file if it is missing
  /// and `create` says so, and switches it to write-ahead logging.
  /// @throws error: `cannot_open` missing folder or no permission; `read_only`;
  ///         `not_a_database`; `corrupt`; `busy` when another process holds a
  ///         lock for longer than `patience`.
  static connection open_writer(const connection_options& options);

  /// Opens a connection that can neither write nor checkpoint.
  /// @throws error as above; a missing file is `cannot_open`.
  static connection open_reader(const connection_options& options);

  connection(connection&&) noexcept;
  connection& operator=(connection&&) noexcept;
  ~connection();

  /// Compiles `sql` or takes it from the cache.
  statement_cache::lease prepare(std::string_view sql);

  /// While it lives, statements come from somebody who may read Quire's own tables but
  /// not change them: that is refused with `errc::sql`. Compile them with
  /// `prepare_from_outside`.
  class outside_sql {
  public:
    explicit outside_sql(connection& db);
    outside_sql(const outside_sql&) = delete;
    outside_sql& operator=(const outside_sql&) = delete;
    ~outside_sql();

  private:
    connection::state* state_;
  };

  using sql_check = void (*)(std::string_view sql);

  /// Compiles SQL that came as data, or takes it from the cache. It has tighter limits
  /// than our own: 1,000,000 bytes of text, 500 columns, expressions nested 200 deep, 100
  /// parts of a compound SELECT, 100 arguments of a function, 32,766 parameters; while it
  /// runs, patterns of LIKE and GLOB of 1000 bytes and triggers nested 32 deep. The
  /// limits of a run are those of whoever was prepared last.
  /// @param check refuses texts by an exception; asked once while a text stays in the cache.
  /// @throws error with `errc::sql` or `errc::too_large`, or what `check` throws.
  statement_cache::lease prepare_from_outside(std::string_view sql, sql_check check);

  /// Runs any number of statements that return nothing.
  void execute(const std::string& sql);

  /// Sets the rules for the application's data that `options` asks for; where it says
  /// nothing they stay as they are. The writer's connection only, outside of transactions.
  void apply_data_rules(const connection_options& options);

  /// Returns whether the file was empty, or was not there, before it was opened.
  bool created() const noexcept;

  /// Returns whether no transaction is open, as SQLite sees it: an error may
  /// have ended one behind our back.
  bool autocommit() const noexcept;

  /// Returns whether the file is no longer found under its path: it was renamed,
  /// replaced or deleted. SQLite would go on writing into a log that belongs to nothing.
  bool has_moved() const noexcept;

  /// Returns whether a deferred foreign key of the open transaction is violated.
  bool deferred_constraint_violated() const noexcept;

  /// Rows changed by this connection since it was opened, triggers included.
  std::int64_t total_changes() const noexcept;
  /// Rows changed by the last statement alone; triggers not counted.
  std::int64_t changes() const noexcept;
  std::int64_t last_insert_rowid() const noexcept;

  /// While `stop` returns true, a running statement is ended with
  /// `errc::timeout`; it is asked every 1000 steps of SQLite's virtual machine.
  /// An empty function takes the limit away.
  void limit_running(std::function<bool()> stop);

  /// Sets how sure the next commits are. Not inside a transaction.
  void set_durability(durability sync);

  /// Result of `checkpoint`.
  struct checkpoint_result {
    bool complete = false;   ///< Everything was moved into the database file.
    std::int64_t frames = 0; ///< In the log.
    std::int64_t moved = 0;  ///< Of them, moved into the database file.
  };

  /// Moves the log into the database file as far as readers allow; with `truncate`
  /// also empties the log file if it can, waiting for readers for at most
  /// `patience`. The writer's connection only, outside of transactions.
  checkpoint_result checkpoint(bool truncate,
                               std::chrono::milliseconds patience = std::chrono::milliseconds{0});

  /// Whether a part of the log may not be on the disk although it was synchronized later: a
  /// checkpoint of this connection failed to synchronize it.
  bool log_in_doubt() const noexcept;

  /// Writes the log once more as it is and synchronizes it: after a failed fsync(2) Linux
  /// takes what was not written for written (https://www.sqlite.org/howtocorrupt.html,
  /// 3.1), and commits that are appended behind such a hole would be lost with the power.
  /// The write lock must be held.
  /// @throws error if that fails, too; the log is in doubt still.
  void rewrite_log();

  /// What the index of the write-ahead log, in shared memory, says about the last commit of
  /// anybody. Equal stamps mean that nothing was committed in between. Absent if there is
  /// no such index. Costs next to nothing. The first time outside of transactions.
  /// @throws error
  std::optional<commit_stamp> last_commit();

  /// How many frames the log had after the last commit of this connection.
  std::int64_t wal_frames() const noexcept;

  /// Returns the size of a page of the file, in bytes.
  std::int64_t page_size();

  /// How often this connection found the database locked by somebody else, and
  /// how often it gave up waiting.
  std::int64_t lock_waits() const noexcept;
  std::int64_t lock_failures() const noexcept;

  const statement_cache& statements() const noexcept;
  const std::string& path() const noexcept;

  /// For this folder only.
  sqlite3* handle() const noexcept;

private:
  friend class transaction_control;
  explicit connection(std::unique_ptr<state> own);
  static connection open(const connection_options& options, bool writable);
  const std::uint32_t* map_log_index();
  std::unique_ptr<state> state_;
};

} // namespace quire::storage

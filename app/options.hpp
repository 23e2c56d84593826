#pragma once

#include "quire/actors/task_handler.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/messages/types/sql.hpp"
#include "quire/storage/sqlite/migrations.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quire {

/// What this process wants of the database.
enum class access_mode : std::uint8_t {
  own,   ///< Write, run the services; one process at a time.
  visit, ///< Write beside an owner: no services, no checkpoints while it is open.
  look,  ///< Read only: works beside everybody.
};

/// Everything that can be chosen about a runtime. Only `database` has no
/// default. Durations are at most 10 years, `retention` is at most 100.
struct options {
  std::string database; ///< Path of the SQLite file.
  access_mode mode = access_mode::own;
  durability sync = durability::normal; ///< For requests that do not say.

  int workers = 4; ///< Tasks that run at a time, 1 to 1024.
  /// Read-only connections with a thread of their own, for what takes long, 1 to 64.
  int readers = 2;
  /// The same on the threads of the scheduler, for what takes less than 2 ms, 0 to 64; -1: one
  /// for each of two processors.
  int quick_readers = -1;
  /// The same without a thread, 0 to 64: each is opened when it is needed, and lent to a
  /// thread that waits for its own answer, or to an actor with nothing else to do.
  int lent_readers = 16;

  std::chrono::milliseconds patience{30'000};        ///< How long others' locks are waited for.
  std::chrono::milliseconds request_timeout{30'000}; ///< For calls that do not say.
  std::chrono::milliseconds drain_timeout{10'000};   ///< How long `close` lets tasks finish.
  std::chrono::milliseconds stop_deadline{
    30'000}; ///< Then `close` ends the process with status 75.

  std::size_t batch_members_max = 1000; ///< Requests in one transaction, 1 to 100,000.
  std::size_t waiting_max = 100'000;    ///< Requests that may wait before `overloaded`.
  std::size_t waiting_bytes_max = std::size_t{256} << 20;
  std::size_t client_waiting_max = 100'000; ///< The same for one client (an actor, a thread).
  std::size_t client_waiting_bytes_max = std::size_t{256} << 20;
  std::size_t queries_waiting_max = 10'000; ///< Queries that may wait before `overloaded`.

  /// How old the view of a read may become before it ends with `snapshot_expired`: the
  /// write-ahead log cannot shrink while it is open.
  std::chrono::milliseconds snapshot_lease{30'000};
  /// Past this size of the write-ahead log bulk writes are refused, past a quarter more all,
  /// until readers let it shrink; at least 64 MiB. A quarter of it ends snapshots that are
  /// older than a second, half of it all.
  std::int64_t wal_bytes_max = std::int64_t{1} << 30;
  std::chrono::milliseconds key_retention{86'400'000}; ///< How long idempotency keys count.

  /// Outputs of tasks that are larger go into files in the folder `<database>-results`, 0 to
  /// 64 MiB: they belong to the database as its log does, and are removed with their tasks. A
  /// backup or copy of the database is one without them unless the folder is copied, too.
  std::size_t output_bytes_inline = std::size_t{1} << 20;

  std::chrono::milliseconds maintenance_interval{3'600'000}; ///< Also at start; 0: no timer.
  std::chrono::hours retention{24 * 30}; ///< How long ended tasks and runs are kept; 0 for ever.
  /// A task that runs longer, and longer than its own timeout allows, is given up; 0: never.
  std::chrono::milliseconds stuck_after{7'200'000};

  /// The application's own tables. An owner applies the steps that are missing when
  /// it opens the database, after Quire's own, each in a transaction of its own and
  /// recorded under `schema` in the table `quire_migration`; the others only check
  /// that nothing is missing. What the steps refer to must live until it is open.
  std::string schema; ///< Its name, 1 to 100 bytes, not `quire`.
  std::vector<storage::migration> migrations;

  /// Rules for the application's data. Absent: foreign keys are enforced, and deleted
  /// content is overwritten where that costs no further I/O, in files that Quire
  /// created; in all others both are as the SQLite library has them.
  std::optional<bool> foreign_keys;
  std::optional<bool> secure_delete; ///< true: overwritten in any case.

  /// Own the file alone: other processes can neither read nor write it while it is
  /// open, and are told that it is locked. In exchange no `-shm` file stands beside
  /// it. Only with `access_mode::own` and the default VFS.
  bool exclusive = false;

  /// Open a database on a network file system, too. Locks are not reliable there:
  /// nothing may open the file but this process.
  bool allow_network_file_system = false;

  task_handlers handlers; ///< By kind; `command` is built in.

  // For tests and simulations.
  std::shared_ptr<const clock_source> clock; ///< The machine's if absent.
  std::uint64_t seed = 0;                    ///< Of the jitter; 0 takes one from the machine.
  std::string vfs;                           ///< SQLite VFS; any but the default has no owner lock.

  /// Called once, on a thread of the runtime, when it gives up for good. It only
  /// tells others and returns: the runtime cannot be closed on this thread, nor
  /// while it waits here.
  std::function<void(const std::string& reason)> on_failed;

  /// Registers a handler, for `runtime rt{options{...}.handle("resize", f)}`.
  options& handle(std::string kind, task_handler handler);

  /// @throws failure with `errc::invalid_argument`, naming the first option that
  ///         is outside of its limits.
  void validate() const;
};

} // namespace quire

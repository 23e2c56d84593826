#include "quire/app/opening.hpp"

#include "quire/storage/file_system.hpp"
#include "quire/storage/sqlite/file_origin.hpp"
#include "quire/storage/sqlite/migrations.hpp"
#include "quire/storage/sqlite/task_store.hpp"
#include "quire/storage/sqlite/transaction.hpp"

namespace quire {

namespace {

constexpr auto schema_owner = "quire";

/// SQLite's VFS for one process: the first connection that writes locks the file for
/// as long as one is open, and the index of the log is in memory of the process
/// (https://www.sqlite.org/vfs.html#standard_unix_vfses).
constexpr auto exclusive_vfs = "unix-excl";

void start_boot(storage::connection& db, std::int64_t now_ms, opening& report) {
  storage::transaction_guard guard(db);
  storage::transaction tx(db);
  auto boot = storage::begin_boot(tx, now_ms);
  guard.commit();
  report.boot = boot.boot;
  report.recovered = boot.recovered;
  report.poisoned = boot.poisoned;
}

/// An application's database that no owner has opened yet has no tables of ours:
/// that is no error for somebody who only wants to run SQL.
bool has_schema(storage::connection& db) {
  try {
    storage::check_schema(db, schema_owner, storage::quire_migrations());
    return true;
  } catch (const storage::error& failure) {
    if (failure.code() == errc::not_found)
      return false;
    throw;
  }
}

/// What is the application's to say, and our own rules for files of ours.
void choose_data_rules(storage::connection& db, const options& options,
                       storage::connection_options& connection) {
  connection.foreign_keys = options.foreign_keys;
  connection.secure_delete = options.secure_delete;
  bool ours = storage::is_marked_as_ours(db);
  if (ours && !options.foreign_keys)
    connection.foreign_keys = true;
  if (ours && !options.secure_delete)
    connection.secure_delete = false;
  db.apply_data_rules(connection);
}

void mark_if_ours(storage::connection& db) {
  if (!db.created())
    return;
  storage::transaction_guard guard(db);
  storage::transaction tx(db);
  storage::mark_as_ours(tx);
  guard.commit();
}

void check_schemas(storage::connection& db, const options& options, opening& report) {
  report.has_schema = has_schema(db);
  if (!options.migrations.empty())
    storage::check_schema(db, options.schema, options.migrations);
}

/// What an application's migration does to its data follows its rules, too: they are
/// known before one runs.
void open_to_write(const options& options, opened_database& result) {
  result.connection.foreign_keys.reset();
  result.connection.secure_delete.reset();
  auto db = storage::connection::open_writer(result.connection);
  auto& report = result.report;
  if (options.mode == access_mode::visit) {
    choose_data_rules(db, options, result.connection);
    return check_schemas(db, options, report);
  }
  auto now_ms = options.clock->unix_ms();
  report.migrations = storage::migrate(db, schema_owner, storage::quire_migrations(), now_ms);
  report.has_schema = true;
  mark_if_ours(db);
  choose_data_rules(db, options, result.connection);
  report.own_migrations = storage::migrate(db, options.schema, options.migrations, now_ms);
  start_boot(db, now_ms, report);
}

} // namespace

opened_database open_database(const options& options) {
  bool on_disk = options.vfs.empty() || options.vfs.starts_with("unix");
  if (on_disk && !options.allow_network_file_system)
    storage::refuse_network_file_system(options.database);
  opened_database result;
  auto& connection = result.connection;
  connection.path = options.database;
  connection.vfs = options.exclusive ? exclusive_vfs : options.vfs;
  connection.sync = options.sync;
  connection.patience = options.patience;
  // SQLite checkpoints when the last connection closes, and only then: beside an
  // owner a visitor is never the last.
  connection.checkpoint_on_close = options.mode != access_mode::look;
  if (options.mode == access_mode::look) {
    auto db = storage::connection::open_reader(connection);
    check_schemas(db, options, result.report);
    return result;
  }
  storage::connection::check_path(connection); // Before a lock beside it is made.
  if (options.mode == access_mode::own && options.vfs.empty())
    result.lock = storage::owner_lock::acquire(options.database);
  try {
    open_to_write(options, result);
  } catch (const storage::error&) {
    if (result.lock)
      result.lock->leave_no_trace();
    throw;
  }
  return result;
}

} // namespace quire

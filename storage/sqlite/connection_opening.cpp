#include "quire/storage/sqlite/connection.hpp"
#include "quire/storage/sqlite/connection_state.hpp"
#include "quire/storage/sqlite/raise.hpp"

#include <sqlite3.h>

#include <cctype>
#include <filesystem>
#include <utility>

#include <sys/statvfs.h>

namespace quire::storage {

namespace {

bool real_files(const connection_options& options) {
  return options.vfs.empty() || options.vfs.starts_with("unix");
}

std::string first_text(sqlite3* db, const char* sql) {
  statement stmt(db, sql);
  return stmt.step() ? stmt.text(0) : std::string{};
}

void check_path(const connection_options& options, bool writable) {
  auto& path = options.path;
  if (path.empty() || path == ":memory:")
    throw error(errc::invalid_argument,
                "a database needs a file: '" + path
                  + "' would be a temporary one that a second connection cannot see. "
                    "Name a file");
  if (path.ends_with('/'))
    throw error(errc::invalid_argument, "'" + path + "' names a folder: a database needs a file");
  if (path.find('\0') != std::string::npos)
    throw error(errc::invalid_argument, "the path of the database holds a zero byte");
  // Opening a pipe or a device would wait, or do worse.
  std::error_code ignored;
  auto status = std::filesystem::status(path, ignored);
  if (real_files(options) && std::filesystem::exists(status)
      && !std::filesystem::is_regular_file(status))
    throw make_open_error(path, error(errc::cannot_open, "not a file"), writable);
  // SQLite takes an empty file for a new database and removes the log beside it, even
  // when it may only read: with it would go all that can be saved.
  std::error_code none;
  if (real_files(options) && std::filesystem::file_size(path, ignored) == 0 && !ignored
      && std::filesystem::file_size(path + "-wal", none) > 0 && !none)
    throw make_open_error(path, error(errc::corrupt, "its file is empty, but its log is not"),
                          writable);
  // Its log belongs to one name only: under another one it would be missing.
  if (writable && real_files(options) && std::filesystem::hard_link_count(path, ignored) > 1
      && !ignored)
    throw error(errc::cannot_open,
                "cannot open the database '" + path
                  + "': the file has other names, too (hard links), under which SQLite would "
                    "not find its log. Nothing was changed; remove them, or use a copy.");
}

/// SQLite may be configured to read "file:..." as a URI: a path never is one.
std::string literal_path(const std::string& path) {
  return path.starts_with("file:") ? "./" + path : path;
}

std::string immutable_uri(const std::string& path) {
  constexpr char digits[] = "0123456789abcdef";
  std::string uri = "file:";
  for (char c : path) {
    auto number = static_cast<unsigned char>(c);
    if (std::isalnum(number) || c == '/' || c == '.' || c == '_' || c == '-')
      uri += c;
    else
      (uri += '%') += {digits[number >> 4], digits[number & 15]};
  }
  return uri + "?immutable=1";
}

bool on_read_only_system(const std::string& path) {
  struct statvfs system {};
  return ::statvfs(path.c_str(), &system) == 0 && (system.f_flag & ST_RDONLY) != 0;
}

bool without_write_permission(const std::filesystem::path& path) {
  using std::filesystem::perms;
  std::error_code failed;
  auto mode = std::filesystem::status(path, failed).permissions();
  return !failed
         && (mode & (perms::owner_write | perms::group_write | perms::others_write)) == perms::none;
}

/// A read-only connection to a database in WAL mode needs its log, or must be able
/// to create it. Where neither holds it can read the file as it is, provided that
/// nobody writes it: not that we may not, but that nobody may. A journal is what a
/// process left that died while writing.
bool nobody_can_write(const connection_options& options, std::string& canonical) {
  if (!real_files(options))
    return false;
  std::error_code failed;
  auto path = std::filesystem::canonical(options.path, failed);
  if (failed || std::filesystem::exists(path.string() + "-wal", failed)
      || std::filesystem::exists(path.string() + "-journal", failed))
    return false;
  canonical = path.string();
  return on_read_only_system(canonical)
         || (without_write_permission(path) && without_write_permission(path.parent_path()));
}

void open_handle(sqlite3*& db, const std::string& name, const connection_options& options,
                 int flags) {
  auto* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
  auto code = sqlite3_open_v2(name.c_str(), &db, flags, vfs);
  if (code != SQLITE_OK)
    raise(db, code, {});
}

void configure(sqlite3* db, bool checkpoint_on_close) {
  auto set = [&](int option, int value) { sqlite3_db_config(db, option, value, nullptr); };
  set(SQLITE_DBCONFIG_DEFENSIVE, 1);
  set(SQLITE_DBCONFIG_DQS_DML, 0);
  set(SQLITE_DBCONFIG_DQS_DDL, 0);
  set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  set(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0);
  set(SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0);
  set(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, checkpoint_on_close ? 0 : 1);
}

/// Reads the schema, so that a bad file is noticed before anything is written.
void probe(sqlite3* db) {
  first_text(db, "SELECT count(*) FROM sqlite_schema");
}

/// Two processes that switch at once disturb each other in ways that SQLite's
/// busy handler is not asked about.
void switch_to_wal(sqlite3* db, int (*on_busy)(void*, int), void* self) {
  for (int count = 0;; ++count) {
    try {
      auto mode = first_text(db, "PRAGMA journal_mode=WAL");
      if (mode != "wal")
        throw error(errc::cannot_open, "its file system cannot do write-ahead logging (the journal "
                                       "mode stays '"
                                         + mode + "')");
      return;
    } catch (const error& failure) {
      if (failure.code() != errc::busy || !on_busy(self, count))
        throw;
    }
  }
}

void prepare_reader(sqlite3* db) {
  execute_all(db, "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
                  "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192; PRAGMA mmap_size=0");
  probe(db);
}

} // namespace

void connection::check_path(const connection_options& options) {
  storage::check_path(options, true);
}

connection connection::open_writer(const connection_options& options) {
  storage::check_path(options, true);
  try {
    return open(options, true);
  } catch (const error& failure) {
    throw make_open_error(options.path, failure, true);
  }
}

connection connection::open_reader(const connection_options& options) {
  storage::check_path(options, false);
  try {
    return open(options, false);
  } catch (const error& failure) {
    throw make_open_error(options.path, failure, false);
  }
}

connection connection::open(const connection_options& options, bool writable) {
  constexpr int common = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  auto s = std::make_unique<state>(options, writable);
  auto flags = common | (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY)
               | (writable && options.create ? SQLITE_OPEN_CREATE : 0);
  auto open_as = [&](const std::string& name, int how) {
    sqlite3_close_v2(std::exchange(s->db, nullptr));
    open_handle(s->db, name, options, how);
    sqlite3_busy_handler(s->db, state::on_busy, s.get());
    configure(s->db, writable && options.checkpoint_on_close);
    sqlite3_set_authorizer(s->db, state::on_authorize, s.get());
  };
  open_as(literal_path(options.path), flags);
  if (!writable) {
    try {
      prepare_reader(s->db);
    } catch (const error& failure) {
      std::string path;
      if ((failure.code() != errc::cannot_open && failure.code() != errc::read_only)
          || !nobody_can_write(options, path))
        throw;
      open_as(immutable_uri(path), flags | SQLITE_OPEN_URI);
      prepare_reader(s->db);
    }
    return connection{std::move(s)};
  }
  probe(s->db);
  // SQLite opens a file that it may not write as read-only, silently.
  if (sqlite3_db_readonly(s->db, "main") == 1)
    throw error(errc::read_only, "there is no permission to write it");
  // The file is the application's: only one that we create gets our vacuum mode,
  // and it must be set before the first page is written.
  s->created = first_text(s->db, "PRAGMA page_count") == "0";
  if (s->created)
    execute_all(s->db, "PRAGMA auto_vacuum=INCREMENTAL");
  switch_to_wal(s->db, state::on_busy, s.get());
  execute_all(s->db, "PRAGMA journal_size_limit=67108864;"
                     "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
                     "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32768; PRAGMA mmap_size=0");
  // Takes the place of SQLite's automatic checkpoints.
  sqlite3_wal_hook(s->db, state::on_wal, s.get());
  sqlite3_commit_hook(s->db, state::on_commit, s.get());
  sqlite3_rollback_hook(s->db, state::on_rollback, s.get());
  // The first read creates the log and its index, which readers cannot do in
  // every folder.
  probe(s->db);
  connection result{std::move(s)};
  result.apply_data_rules(options);
  result.set_durability(options.sync);
  return result;
}

void connection::apply_data_rules(const connection_options& options) {
  auto* db = state_->db;
  if (options.foreign_keys)
    execute_all(db, *options.foreign_keys ? "PRAGMA foreign_keys=ON" : "PRAGMA foreign_keys=OFF");
  if (options.secure_delete)
    execute_all(db,
                *options.secure_delete ? "PRAGMA secure_delete=ON" : "PRAGMA secure_delete=FAST");
}

} // namespace quire::storage

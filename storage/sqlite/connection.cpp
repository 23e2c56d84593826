#include "quire/storage/sqlite/connection.hpp"

#include "quire/storage/sqlite/connection_state.hpp"
#include "quire/storage/sqlite/raise.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <climits>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace quire::storage {

namespace {

/// What a request may ask a connection; nothing here changes its settings.
constexpr auto harmless_pragmas = std::to_array<std::string_view>({
  "application_id", "collation_list", "compile_options",    "data_version",
  "database_list",  "encoding",       "foreign_key_check",  "foreign_key_list",
  "freelist_count", "function_list",  "incremental_vacuum", "index_info",
  "index_list",     "index_xinfo",    "integrity_check",    "module_list",
  "page_count",     "page_size",      "pragma_list",        "quick_check",
  "schema_version", "table_info",     "table_list",         "table_xinfo",
  "user_version",
});

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sqlite3_strnicmp(a.data(), b.data(), int(a.size())) == 0;
}

bool harmless_pragma(const char* name, const char* argument) {
  if (!name)
    return false;
  if (same_word(name, "schema_version") && argument)
    return false;
  return std::any_of(harmless_pragmas.begin(), harmless_pragmas.end(),
                     [&](auto candidate) { return same_word(name, candidate); });
}

constexpr std::string_view our_prefix = "quire_";

bool is_ours(const char* name) {
  return name && sqlite3_strnicmp(name, our_prefix.data(), int(our_prefix.size())) == 0;
}

// Where the numbers of tasks and runs stand, beside those of the application's tables.
constexpr std::string_view sequences = "sqlite_sequence";

bool mentions(std::string_view sql, std::string_view word) {
  for (std::size_t i = 0; i + word.size() <= sql.size(); ++i)
    if ((sql[i] | 0x20) == word.front() && same_word(sql.substr(i, word.size()), word))
      return true;
  return false;
}

bool mentions_ours(std::string_view sql) {
  return mentions(sql, our_prefix) || mentions(sql, sequences);
}

/// How much SQL from outside may ask for (https://www.sqlite.org/limits.html). Ours, and
/// that of the application's functions, has SQLite's own limits, which are far wider.
/// The last two are checked when a statement runs, all others when it is compiled.
struct sql_limit {
  int id;
  int most;
};

constexpr auto outside_limits = std::to_array<sql_limit>({
  {SQLITE_LIMIT_EXPR_DEPTH, 200},
  {SQLITE_LIMIT_COMPOUND_SELECT, 100},
  {SQLITE_LIMIT_COLUMN, 500},
  {SQLITE_LIMIT_VDBE_OP, 1'000'000},
  {SQLITE_LIMIT_FUNCTION_ARG, 100},
  {SQLITE_LIMIT_VARIABLE_NUMBER, 32'766},
  // A match takes the length of the text times that of the pattern, and nothing
  // interrupts it.
  {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
  {SQLITE_LIMIT_TRIGGER_DEPTH, 32},
});
constexpr std::size_t outside_sql_bytes_max = 1'000'000;

/// Whether an action that SQLite asks about changes a table, an index or a trigger.
bool changes_something(int action) {
  switch (action) {
    case SQLITE_READ:
    case SQLITE_SELECT:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
    case SQLITE_PRAGMA:
    case SQLITE_ANALYZE:
    case SQLITE_REINDEX: return false;
    default: return true;
  }
}

} // namespace

connection::state::state(const connection_options& options, bool may_write)
  : writable(may_write), path(options.path), patience(options.patience), pause(options.pause),
    cache(options.statements_max) {
  if (!pause)
    pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
}

connection::state::~state() {
  cache.clear();
  for (auto& stmt : control)
    stmt.reset();
  sqlite3_close_v2(db);
}

void execute_all(sqlite3* db, const char* sql) {
  auto code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    raise(db, code, sql);
}

// How many of the first steps of a wait for a lock last 1 ms.
constexpr int short_steps = 1000;

int connection::state::on_busy(void* self, int count) {
  auto& s = *static_cast<state*>(self);
  if (!s.patient)
    return 0;
  if (count == 0) {
    ++s.lock_waits;
    s.waited = {};
  }
  // Short steps: a neighbour that commits in a loop leaves the lock free for
  // moments only, and who looks rarely never finds one.
  auto wanted = std::chrono::milliseconds{count < short_steps ? 1 : 5};
  auto step = std::min(wanted, s.patience - s.waited);
  if (step.count() <= 0) {
    ++s.lock_failures;
    return 0;
  }
  try {
    s.pause(step);
  } catch (...) {
    return 0; // SQLite's C code lies between here and whoever could catch it.
  }
  s.waited += step;
  return 1;
}

int connection::state::on_progress(void* self) {
  try {
    return static_cast<state*>(self)->stop() ? 1 : 0;
  } catch (...) {
    return 1;
  }
}

int connection::state::on_authorize(void* self, int action, const char* first, const char* second,
                                    const char*, const char*) {
  auto& s = *static_cast<state*>(self);
  if (s.from_outside && changes_something(action) && (is_ours(first) || is_ours(second)))
    return SQLITE_DENY;
  // What a trigger will do is not asked about before it does it, nor what a table is to be called.
  // SQLite itself changes sequences for a table that is dropped or renamed.
  bool untold = action == SQLITE_CREATE_TRIGGER || action == SQLITE_CREATE_TEMP_TRIGGER
                || action == SQLITE_ALTER_TABLE
                || (changes_something(action) && first && same_word(first, sequences));
  if (s.from_outside && s.mentions_ours && untold)
    return SQLITE_DENY;
  if (!s.restricted)
    return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH: return SQLITE_DENY;
    case SQLITE_PRAGMA: return harmless_pragma(first, second) ? SQLITE_OK : SQLITE_DENY;
    default: return SQLITE_OK;
  }
}

int connection::state::on_wal(void* self, sqlite3*, const char*, int frames) {
  static_cast<state*>(self)->wal_frames = frames;
  return SQLITE_OK;
}

int connection::state::on_commit(void* self) {
  auto& s = *static_cast<state*>(self);
  bool forgotten = !s.ended.empty();
  s.ended = {};
  return s.restricted || forgotten ? 1 : 0;
}

void connection::state::on_rollback(void* self) {
  auto& s = *static_cast<state*>(self);
  s.rolled_back = true;
  s.ended = {};
}

void connection::state::change_limits(bool tightly) noexcept {
  tight = tightly;
  // SQLite lowers what is above its own limit, which is how one is taken away.
  for (auto& limit : outside_limits)
    sqlite3_limit(db, limit.id, tightly ? limit.most : INT_MAX);
}

connection::connection(std::unique_ptr<state> own) : state_(std::move(own)) {}
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

void connection::state::check_transaction() const {
  // Somebody else's code, whose transaction an error has ended, would read a state
  // without its neighbours from now on, and write what is never committed.
  if (restricted && (rolled_back || sqlite3_get_autocommit(db) != 0))
    throw error(errc::sql, "the transaction has ended: an earlier error rolled it back")
      .refused_before_running();
}

statement_cache::lease connection::prepare_from_outside(std::string_view sql, sql_check check) {
  auto& s = *state_;
  s.check_transaction();
  s.limit_sql(true);
  if (auto known = s.cache.take_checked(sql))
    return std::move(*known);
  // It is asked when a statement is compiled: one of ours must not serve others. Texts
  // of ours name our tables, so their names keep the two apart.
  if (sql.size() > outside_sql_bytes_max)
    throw error(errc::too_large,
                "the SQL text is longer than " + std::to_string(outside_sql_bytes_max)
                  + " bytes: bind values as parameters, or send several statements; it begins "
                    "with: "
                  + shortened(sql))
      .refused_before_running();
  check(sql);
  s.mentions_ours = mentions_ours(sql);
  if (s.mentions_ours)
    return s.cache.take_new(s.db, sql);
  auto result = s.cache.take(s.db, sql);
  statement_cache::mark_checked(result);
  return result;
}

connection::outside_sql::outside_sql(connection& db) : state_(db.state_.get()) {
  state_->from_outside = true;
}

connection::outside_sql::~outside_sql() {
  state_->from_outside = false;
}

statement_cache::lease connection::prepare(std::string_view sql) {
  state_->limit_sql(false);
  state_->check_transaction();
  return state_->cache.take(state_->db, sql);
}

void connection::execute(const std::string& sql) {
  if (sql.find('\0') != std::string::npos)
    throw error(errc::sql, "the SQL text holds a zero byte: " + shortened(sql.c_str()));
  state_->limit_sql(false);
  execute_all(state_->db, sql.c_str());
}

bool connection::created() const noexcept {
  return state_->created;
}

bool connection::autocommit() const noexcept {
  return sqlite3_get_autocommit(state_->db) != 0;
}

bool connection::has_moved() const noexcept {
  int moved = 0;
  auto asked = sqlite3_file_control(state_->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return asked == SQLITE_OK && moved != 0;
}

bool connection::deferred_constraint_violated() const noexcept {
  int current = 0;
  int highest = 0;
  sqlite3_db_status(state_->db, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
  return current != 0;
}

std::int64_t connection::total_changes() const noexcept {
  return sqlite3_total_changes64(state_->db);
}

std::int64_t connection::changes() const noexcept {
  return sqlite3_changes64(state_->db);
}

std::int64_t connection::last_insert_rowid() const noexcept {
  return sqlite3_last_insert_rowid(state_->db);
}

void connection::limit_running(std::function<bool()> stop) {
  // The handler goes first: it calls the function that is being replaced.
  sqlite3_progress_handler(state_->db, 0, nullptr, nullptr);
  state_->stop = std::move(stop);
  if (state_->stop)
    sqlite3_progress_handler(state_->db, 1000, state::on_progress, state_.get());
}

void connection::set_durability(durability sync) {
  if (state_->sync == sync)
    return;
  execute_all(state_->db,
              sync == durability::full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  state_->sync = sync;
}

std::int64_t connection::page_size() {
  auto stmt = prepare("PRAGMA page_size");
  stmt->step();
  return stmt->int64(0);
}

std::int64_t connection::lock_waits() const noexcept {
  return state_->lock_waits;
}

std::int64_t connection::lock_failures() const noexcept {
  return state_->lock_failures;
}

const statement_cache& connection::statements() const noexcept {
  return state_->cache;
}

const std::string& connection::path() const noexcept {
  return state_->path;
}

sqlite3* connection::handle() const noexcept {
  return state_->db;
}

} // namespace quire::storage

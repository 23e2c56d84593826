#include "quire/benchmarks/contention.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

namespace quire::benchmarks {

namespace {

using namespace std::chrono_literals;

/// `SQLITE_BUSY` of any kind.
struct locked_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A connection with the statements that were used on it.
class session {
public:
  explicit session(const std::string& path) : db_(path, "normal") {}

  template <class... Values>
  std::vector<std::int64_t> numbers(const char* sql, const Values&... values) {
    auto* statement = bound(sql, values...);
    int code = sqlite3_step(statement);
    std::vector<std::int64_t> row;
    for (int i = 0; code == SQLITE_ROW && i < sqlite3_column_count(statement); ++i)
      row.push_back(sqlite3_column_int64(statement, i));
    sqlite3_reset(statement);
    check(code);
    return row;
  }

  template <class... Values>
  void execute(const char* sql, const Values&... values) {
    check(db_.run(bound(sql, values...)));
  }

  /// Ends a transaction that failed; SQLite may have done it already.
  void roll_back() { db_.run(statement("ROLLBACK")); }

private:
  sqlite3_stmt* statement(const char* sql) {
    // They are few, and all are literals: an address says which one it is.
    auto found = std::find_if(statements_.begin(), statements_.end(),
                              [sql](auto& known) { return known.first == sql; });
    if (found != statements_.end())
      return found->second;
    return statements_.emplace_back(sql, db_.prepare(sql)).second;
  }

  template <class... Values>
  sqlite3_stmt* bound(const char* sql, const Values&... values) {
    auto* result = statement(sql);
    int index = 0;
    (bind(result, ++index, values), ...);
    return result;
  }

  static void bind(sqlite3_stmt* statement, int index, std::int64_t number) {
    sqlite3_bind_int64(statement, index, number);
  }

  static void bind(sqlite3_stmt* statement, int index, std::string_view text) {
    sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }

  void check(int code) {
    if (code == SQLITE_ROW || code == SQLITE_DONE)
      return;
    if ((code & 0xff) == SQLITE_BUSY)
      throw locked_error(db_.message());
    throw std::runtime_error(db_.message());
  }

  plain_sqlite db_;
  std::vector<std::pair<const char*, sqlite3_stmt*>> statements_;
};

/// Connections for whoever needs one: ten are kept, twenty more are opened when
/// these are in use. Thread-safe.
class session_pool {
public:
  explicit session_pool(std::string path) : path_(std::move(path)) {}

  /// Waits for at most 30 s.
  std::unique_ptr<session> take() {
    std::unique_lock guard(mutex_);
    if (!returned_.wait_for(guard, 30s, [this] { return !idle_.empty() || open_ < kept + more; }))
      throw std::runtime_error("no connection of the pool became free");
    if (!idle_.empty()) {
      auto result = std::move(idle_.back());
      idle_.pop_back();
      return result;
    }
    ++open_;
    guard.unlock();
    return std::make_unique<session>(path_);
  }

  void give_back(std::unique_ptr<session> used) {
    {
      std::lock_guard guard(mutex_);
      if (idle_.size() < kept)
        idle_.push_back(std::move(used));
      else
        --open_;
    }
    returned_.notify_one();
  }

private:
  static constexpr std::size_t kept = 10;
  static constexpr std::size_t more = 20;

  std::string path_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<session>> idle_;
  std::size_t open_ = 0;
};

/// A connection of the pool for the time of a scope.
class lent_session {
public:
  explicit lent_session(session_pool& pool) : pool_(pool), session_(pool.take()) {}
  ~lent_session() { pool_.give_back(std::move(session_)); }
  lent_session(const lent_session&) = delete;
  lent_session& operator=(const lent_session&) = delete;

  session& operator*() noexcept { return *session_; }

private:
  session_pool& pool_;
  std::unique_ptr<session> session_;
};

/// Tries until it is committed, as programs do that know of SQLITE_BUSY_SNAPSHOT:
/// with a pause that grows.
void commit_once(session_pool& pool, beginning kind, service who, std::uint64_t i, sample& seen) {
  lent_session lent(pool);
  auto& db = *lent;
  for (auto pause = 100us;; pause = std::min(pause * 2, std::chrono::microseconds{20ms})) {
    try {
      db.execute(kind == beginning::immediate ? "BEGIN IMMEDIATE" : "BEGIN");
      run_transaction(db, who, i);
      db.execute("COMMIT");
      return;
    } catch (const locked_error&) {
      db.roll_back();
      ++seen.locked_errors;
      std::this_thread::sleep_for(pause);
    }
  }
}

} // namespace

void make_contended(const std::string& path) {
  make_events(path, 1'000);
  plain_sqlite db(path, "off");
  db.execute(R"sql(
    CREATE TABLE task(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, tries INTEGER NOT NULL,
                      changed_at INTEGER NOT NULL, payload TEXT NOT NULL);
    CREATE TABLE run(id INTEGER PRIMARY KEY, done INTEGER NOT NULL, ready INTEGER NOT NULL,
                     changed_at INTEGER NOT NULL);
    CREATE TABLE upkeep(removed INTEGER NOT NULL, rounds INTEGER NOT NULL);
    INSERT INTO upkeep VALUES(0, 0);
  )sql");
  db.execute("BEGIN IMMEDIATE");
  auto* add_task = db.prepare("INSERT INTO task VALUES(?1, ?1 % 4, 0, 0, ?2)");
  for (std::int64_t id = 1; id <= contended_tasks; ++id) {
    sqlite3_bind_int64(add_task, 1, id);
    sqlite3_bind_text(add_task, 2, event_payload, 60, SQLITE_STATIC);
    db.run(add_task);
  }
  auto* add_run = db.prepare("INSERT INTO run VALUES(?1, 0, 0, 0)");
  for (std::int64_t id = 1; id <= contended_runs; ++id) {
    sqlite3_bind_int64(add_run, 1, id);
    db.run(add_run);
  }
  db.execute("COMMIT");
  db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

std::string commit_counts::verify(const std::string& path) const {
  session db(path);
  auto found = db.numbers("SELECT (SELECT sum(tries) FROM task), (SELECT sum(done) FROM run), "
                          "(SELECT rounds FROM upkeep), "
                          "(SELECT count(*) FROM event) + (SELECT removed FROM upkeep)");
  auto tasks = static_cast<std::int64_t>(of(service::task_execution));
  auto runs = static_cast<std::int64_t>(of(service::pipeline_execution));
  auto rounds = static_cast<std::int64_t>(of(service::maintenance));
  std::vector<std::int64_t> wanted{tasks, runs, rounds, 1'000 + tasks + runs};
  std::string wrong;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (found.at(i) != wanted[i])
      wrong +=
        (wrong.empty() ? "" : ", ") + std::to_string(found[i]) + " of " + std::to_string(wanted[i]);
  return wrong.empty() ? wrong : "transactions were lost or are there twice: " + wrong;
}

std::vector<sample> plain_contention(const settings& how, beginning kind) {
  scratch_folder folder(how.folder);
  make_contended(folder.database());
  commit_counts committed;
  std::vector<sample> results;
  {
    session_pool pool(folder.database());
    results = run_services(
      how, committed,
      [&](service who, std::uint64_t i, sample& seen) { commit_once(pool, kind, who, i, seen); },
      [&](service who, std::uint64_t i) {
        lent_session lent(pool);
        return run_read(*lent, who, i);
      });
  }
  if (auto wrong = committed.verify(folder.database()); !wrong.empty())
    results.front().fail(wrong);
  return results;
}

std::vector<sample> run_services(const settings& how, commit_counts& committed,
                                 const contended_write& write, const contended_read& read) {
  std::vector<sample> reads(static_cast<std::size_t>(service_threads));
  auto writes =
    run_threads(how, service_threads, [&](const referee& whistle, sample& seen, int index) {
      auto who = service_of(index);
      auto& seen_reads = reads[static_cast<std::size_t>(index)];
      auto timed = [&whistle](sample& into, auto work) {
        bool counting = whistle.counting();
        auto start = steady::now();
        work();
        if (whistle.counting())
          ++into.items;
        if (counting)
          into.latency.add(steady::now() - start);
      };
      for (std::uint64_t i = static_cast<std::uint64_t>(index) << 32; !whistle.over(); ++i) {
        timed(seen, [&] { write(who, i, seen); });
        committed.add(who);
        timed(seen_reads, [&] { read(who, i); });
      }
    });
  sample read_total;
  read_total.seconds = writes.seconds;
  for (auto& one : reads)
    read_total.merge(one);
  auto cpu_seconds = writes.cpu_seconds;
  std::vector<sample> results{std::move(writes), std::move(read_total)};
  share_cpu(cpu_seconds, results);
  return results;
}

} // namespace quire::benchmarks

#include "quire/benchmarks/plain_sqlite.hpp"

#include <sqlite3.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace quire::benchmarks {

namespace {

void insert_event(plain_sqlite& db, sqlite3_stmt* insert, std::uint64_t i) {
  auto& service = event_service(i);
  sqlite3_bind_text(insert, 1, service.data(), static_cast<int>(service.size()), SQLITE_STATIC);
  sqlite3_bind_text(insert, 2, event_payload, 60, SQLITE_STATIC);
  sqlite3_bind_int64(insert, 3, static_cast<std::int64_t>(i));
  if (db.run(insert) != SQLITE_DONE)
    throw std::runtime_error(db.message());
}

/// Counts a lock that was not got within the busy timeout.
void count(plain_sqlite& db, sample& seen, int code) {
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
    ++seen.locked_errors;
  else
    seen.fail(db.message());
}

void write_until_over(plain_sqlite& db, const referee& whistle, sample& seen, int rows_each) {
  auto* begin = db.prepare("BEGIN IMMEDIATE");
  auto* commit = db.prepare("COMMIT");
  auto* insert = db.prepare(insert_event_sql);
  std::uint64_t i = 0;
  while (!whistle.over()) {
    bool timed = whistle.counting();
    auto start = timed ? steady::now() : steady::time_point{};
    if (int code = db.run(begin); code != SQLITE_DONE) {
      count(db, seen, code);
      continue;
    }
    for (int row = 0; row < rows_each; ++row)
      insert_event(db, insert, i++);
    if (int code = db.run(commit); code != SQLITE_DONE) {
      count(db, seen, code);
      db.execute("ROLLBACK");
      continue;
    }
    if (whistle.counting())
      seen.items += static_cast<std::uint64_t>(rows_each);
    if (timed)
      seen.latency.add(steady::now() - start);
  }
}

void read_until_over(plain_sqlite& db, const referee& whistle, sample& seen, int seed,
                     int lookups_each) {
  auto* find = db.prepare(find_event_sql);
  auto next = static_cast<std::uint64_t>(seed) << 32;
  std::uint64_t bytes = 0;
  while (!whistle.over()) {
    if (lookups_each > 1)
      db.execute("BEGIN");
    for (int i = 0; i < lookups_each; ++i) {
      bool timed = whistle.counting();
      auto start = timed ? steady::now() : steady::time_point{};
      sqlite3_bind_int64(find, 1, event_id(next++));
      int code = sqlite3_step(find);
      if (code == SQLITE_ROW) {
        bytes += static_cast<std::uint64_t>(sqlite3_column_bytes(find, 0));
        // Touched as a program that wants the row does.
        bytes += sqlite3_column_text(find, 1)[0];
        bytes += static_cast<std::uint64_t>(sqlite3_column_int64(find, 2) & 1);
      } else {
        count(db, seen, code);
      }
      sqlite3_reset(find);
      if (whistle.counting())
        ++seen.items;
      if (timed)
        seen.latency.add(steady::now() - start);
    }
    if (lookups_each > 1)
      db.execute("COMMIT");
  }
  // A very short section may be over before the first one.
  if (bytes == 0 && seen.items > 0)
    seen.fail("no row was found");
}

} // namespace

const std::string& event_service(std::uint64_t i) {
  static const auto names = [] {
    std::array<std::string, 16> result;
    for (std::size_t n = 0; n < result.size(); ++n)
      result[n] = "service-" + std::to_string(n);
    return result;
  }();
  return names[i % names.size()];
}

plain_sqlite::plain_sqlite(const std::string& path, const std::string& sync) {
  // One thread at a time uses it: no mutex.
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
    std::string why = message();
    sqlite3_close_v2(db_);
    throw std::runtime_error(why);
  }
  sqlite3_busy_timeout(db_, 30'000);
  execute("PRAGMA journal_mode = WAL");
  execute(("PRAGMA synchronous = " + sync).c_str());
}

plain_sqlite::~plain_sqlite() {
  for (auto* statement : statements_)
    sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

void plain_sqlite::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(message() + ": " + sql);
}

int plain_sqlite::run(sqlite3_stmt* statement) {
  int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code;
}

sqlite3_stmt* plain_sqlite::prepare(const char* sql) {
  sqlite3_stmt* result = nullptr;
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &result, nullptr) != SQLITE_OK)
    throw std::runtime_error(message() + ": " + sql);
  statements_.push_back(result);
  return result;
}

std::string plain_sqlite::message() const {
  return sqlite3_errmsg(db_);
}

void make_events(const std::string& path, std::int64_t rows) {
  plain_sqlite db(path, "off");
  db.execute(event_table_sql);
  db.execute(event_index_sql);
  auto* insert = db.prepare(insert_event_sql);
  db.execute("BEGIN IMMEDIATE");
  for (std::int64_t i = 0; i < rows; ++i)
    insert_event(db, insert, static_cast<std::uint64_t>(i));
  db.execute("COMMIT");
  db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

sample plain_writes(const settings& how, const std::string& sync, int rows_each) {
  scratch_folder folder(how.folder);
  make_events(folder.database(), 0);
  return run_threads(how, 1, [&](const referee& whistle, sample& seen, int) {
    plain_sqlite db(folder.database(), sync);
    write_until_over(db, whistle, seen, rows_each);
  });
}

sample plain_thread_writes(const settings& how, const std::string& sync, int threads) {
  scratch_folder folder(how.folder);
  make_events(folder.database(), 0);
  return run_threads(how, threads, [&](const referee& whistle, sample& seen, int) {
    plain_sqlite db(folder.database(), sync);
    write_until_over(db, whistle, seen, 1);
  });
}

sample plain_reads(const settings& how, const std::string& database, int threads, bool one_by_one) {
  return run_threads(how, threads, [&](const referee& whistle, sample& seen, int index) {
    plain_sqlite db(database, "normal");
    read_until_over(db, whistle, seen, index, one_by_one ? 1 : 1000);
  });
}

std::vector<sample> plain_mixed(const settings& how, int writers, int readers) {
  scratch_folder folder(how.folder);
  make_events(folder.database(), event_rows);
  std::vector<sample> written(static_cast<std::size_t>(writers));
  auto total =
    run_threads(how, writers + readers, [&](const referee& whistle, sample& seen, int index) {
      plain_sqlite db(folder.database(), "normal");
      if (index < writers)
        write_until_over(db, whistle, written[static_cast<std::size_t>(index)], 1);
      else
        read_until_over(db, whistle, seen, index, 1);
    });
  sample writes;
  writes.seconds = total.seconds;
  for (auto& one : written)
    writes.merge(one);
  auto cpu_seconds = total.cpu_seconds;
  std::vector<sample> result{std::move(writes), std::move(total)};
  share_cpu(cpu_seconds, result);
  return result;
}

} // namespace quire::benchmarks

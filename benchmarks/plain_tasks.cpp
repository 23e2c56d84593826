#include "quire/benchmarks/plain_tasks.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace quire::benchmarks {

namespace {

constexpr const char* task_tables_sql = R"sql(
  CREATE TABLE task(
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    lane         INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    ord          INTEGER NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0,
    attempts_max INTEGER NOT NULL,
    epoch        INTEGER NOT NULL DEFAULT 0,
    boot         INTEGER,
    created_at   INTEGER NOT NULL,
    claimed_at   INTEGER,
    finished_at  INTEGER
  ) STRICT;
  CREATE TABLE body(
    id           INTEGER PRIMARY KEY,
    payload      TEXT NOT NULL,
    timeout_ms   INTEGER NOT NULL,
    retry        TEXT NOT NULL
  ) STRICT;
  CREATE INDEX task_ready ON task(lane, ord, id) WHERE state = 1;
  CREATE INDEX task_running ON task(claimed_at, id) WHERE state = 3;
  CREATE INDEX task_ended ON task(finished_at, id) WHERE state >= 10;
)sql";

constexpr const char* ready_tasks_sql = R"sql(
  SELECT id, epoch FROM task WHERE state = 1 AND lane = 1 ORDER BY ord, id LIMIT 100
)sql";

constexpr const char* claim_task_sql = R"sql(
  UPDATE task SET state = 3, epoch = epoch + 1, attempt = attempt + 1, boot = 1, claimed_at = ?2
  WHERE id = ?1
)sql";

constexpr const char* complete_task_sql = R"sql(
  UPDATE task SET state = 10, boot = NULL, finished_at = ?3 WHERE id = ?1 AND epoch = ?2 AND state = 3
)sql";

std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

constexpr const char* insert_task_sql =
  "INSERT INTO task(lane, state, ord, attempts_max, created_at) VALUES(1, 1, ?1, 3, ?1)";

constexpr const char* insert_body_sql = "INSERT INTO body(id, payload, timeout_ms, retry) "
                                        "VALUES(last_insert_rowid(), '{}', 600000, '1 s')";

void enqueue_until_over(plain_sqlite& db, const referee& whistle, sample& seen, int tasks_each) {
  auto* begin = db.prepare("BEGIN IMMEDIATE");
  auto* commit = db.prepare("COMMIT");
  auto* task = db.prepare(insert_task_sql);
  auto* body = db.prepare(insert_body_sql);
  auto require = [&](int code) {
    if (code != SQLITE_DONE)
      throw std::runtime_error(db.message());
  };
  while (!whistle.over()) {
    bool timed = whistle.counting();
    auto start = timed ? steady::now() : steady::time_point{};
    require(db.run(begin));
    for (int i = 0; i < tasks_each; ++i) {
      sqlite3_bind_int64(task, 1, unix_ms());
      require(db.run(task));
      require(db.run(body));
    }
    require(db.run(commit));
    if (whistle.counting())
      seen.items += static_cast<std::uint64_t>(tasks_each);
    if (timed)
      seen.latency.add(steady::now() - start);
  }
}

/// A table with rows of tasks, and its column with the task.
struct task_table {
  const char* name;
  const char* id;
};

constexpr task_table task_tables[] = {{"quire_task", "id"},
                                      {"quire_task_body", "id"},
                                      {"quire_task_result", "id"},
                                      {"quire_task_attempt", "task_id"}};

/// Returns the statement that gives the tasks ?1 to ?2 the rows that the temporary table
/// `model` has of one.
std::string copy_rows_sql(plain_sqlite& db, const task_table& table) {
  auto* columns = db.prepare("SELECT name FROM pragma_table_info(?1) WHERE name <> ?2");
  sqlite3_bind_text(columns, 1, table.name, -1, SQLITE_STATIC);
  sqlite3_bind_text(columns, 2, table.id, -1, SQLITE_STATIC);
  std::string names;
  while (sqlite3_step(columns) == SQLITE_ROW)
    names.append(", ").append(reinterpret_cast<const char*>(sqlite3_column_text(columns, 0)));
  return "WITH RECURSIVE task(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM task WHERE i < ?2) "
         "INSERT INTO "
         + std::string(table.name) + "(" + table.id + names + ") SELECT i" + names
         + " FROM model CROSS JOIN task";
}

} // namespace

sample plain_tasks(const settings& how, const std::string& sync, int tasks) {
  scratch_folder folder(how.folder);
  plain_sqlite db(folder.database(), sync);
  db.execute(task_tables_sql);
  auto* add = db.prepare(insert_task_sql);
  db.execute("BEGIN IMMEDIATE");
  for (int i = 0; i < tasks; ++i) {
    sqlite3_bind_int64(add, 1, i / 100);
    db.run(add);
  }
  db.execute("COMMIT");
  db.execute("PRAGMA wal_checkpoint(TRUNCATE)");

  auto* begin = db.prepare("BEGIN IMMEDIATE");
  auto* commit = db.prepare("COMMIT");
  auto* ready = db.prepare(ready_tasks_sql);
  auto* claim = db.prepare(claim_task_sql);
  auto* complete = db.prepare(complete_task_sql);
  std::vector<std::pair<std::int64_t, std::int64_t>> running;
  sample seen;
  stopwatch watch;
  do {
    auto begun = steady::now();
    auto completed = running.size();
    db.run(begin);
    for (auto [id, epoch] : running) {
      sqlite3_bind_int64(complete, 1, id);
      sqlite3_bind_int64(complete, 2, epoch);
      sqlite3_bind_int64(complete, 3, unix_ms());
      db.run(complete);
    }
    running.clear();
    while (sqlite3_step(ready) == SQLITE_ROW)
      running.emplace_back(sqlite3_column_int64(ready, 0), sqlite3_column_int64(ready, 1) + 1);
    sqlite3_reset(ready);
    for (auto [id, epoch] : running) {
      sqlite3_bind_int64(claim, 1, id);
      sqlite3_bind_int64(claim, 2, unix_ms());
      db.run(claim);
    }
    if (db.run(commit) != SQLITE_DONE)
      throw std::runtime_error(db.message());
    seen.items += completed;
    seen.latency.add(steady::now() - begun);
  } while (!running.empty());
  auto total = watch.stop();
  total.merge(seen);
  if (total.items != static_cast<std::uint64_t>(tasks))
    total.fail("not every task was completed");
  return total;
}

sample plain_enqueues(const settings& how, int threads, int tasks_each) {
  scratch_folder folder(how.folder);
  plain_sqlite(folder.database(), "normal").execute(task_tables_sql);
  return run_threads(how, threads, [&](const referee& whistle, sample& seen, int) {
    plain_sqlite db(folder.database(), "normal");
    enqueue_until_over(db, whistle, seen, tasks_each);
  });
}

void multiply_task(const std::string& database, std::int64_t count) {
  constexpr std::int64_t at_once = 250'000;
  // Or those who open it next would wait until all this is on the disk.
  plain_sqlite db(database, "normal");
  for (auto& table : task_tables) {
    // Not from the table itself: SQLite would collect the rows before it writes them.
    auto model = "CREATE TEMP TABLE model AS SELECT * FROM " + std::string(table.name);
    db.execute(model.c_str());
    auto* copy = db.prepare(copy_rows_sql(db, table).c_str());
    for (std::int64_t last = 1; last < count;) {
      sqlite3_bind_int64(copy, 1, last + 1);
      last = std::min(last + at_once, count);
      sqlite3_bind_int64(copy, 2, last);
      if (db.run(copy) != SQLITE_DONE)
        throw std::runtime_error(db.message());
    }
    db.execute("DROP TABLE model");
  }
  db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

} // namespace quire::benchmarks

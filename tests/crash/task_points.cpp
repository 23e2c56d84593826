// Works on tasks and a pipeline, and ends itself with SIGKILL at a named point of what it
// writes. See kill_at_points.py.
//
// usage: task_points DATABASE TASKS ITEMS [POINT [COUNT]]
//
// It creates TASKS tasks and a run with ITEMS tasks, unless an earlier life has, and returns
// when all of them have ended. With POINT it ends when that is reached for the COUNT-th time,
// and tells so before, in one line: at POINT <transactions that were committed> <ids>...
//
// Where a transaction stands is seen from outside, by SQLite's trace of each connection.

#include "quire/actors/pipeline_parser.hpp"
#include "quire/app/runtime.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

using namespace quire;
using namespace std::chrono_literals;

namespace {

// No row is unique by a constraint: what happens twice must show.
constexpr std::string_view ledger = R"(
CREATE TABLE claimed(task INTEGER NOT NULL, epoch INTEGER NOT NULL, boot INTEGER) STRICT;
CREATE TABLE stepped(task INTEGER NOT NULL, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE ended(task INTEGER NOT NULL, epoch INTEGER NOT NULL, state INTEGER NOT NULL) STRICT;
CREATE TRIGGER note_claim AFTER UPDATE OF state ON quire_task WHEN new.state = 3
BEGIN INSERT INTO claimed VALUES(new.id, new.epoch, new.boot); END;
CREATE TRIGGER note_end AFTER UPDATE OF state ON quire_task WHEN new.state >= 10
BEGIN INSERT INTO ended VALUES(new.id, new.epoch, new.state); END;
)";

/// Where in a transaction a point is.
enum class moment : std::uint8_t { statement, before_commit, after_commit, handler };

/// A statement by which a kind of transaction is known: with its values, and one space
/// between two words.
struct point {
  std::string_view name;
  moment when;
  std::string_view statement;
};

constexpr std::string_view claim = "UPDATE quire_task SET state = 3,";
constexpr std::string_view completion = "UPDATE quire_task SET state = 10,";
constexpr std::string_view retry = "UPDATE quire_task SET state = 5,";
constexpr std::string_view step = "INSERT INTO quire_task_step(";
constexpr std::string_view portion = "UPDATE quire_stage SET total =";
constexpr std::string_view last_portion = "UPDATE quire_stage SET state = 3, sealed = 1";
constexpr std::string_view boot = "UPDATE quire_meta SET value = value + 1 WHERE key = 'boot'";

constexpr auto points = std::to_array<point>({
  {"boot_before_commit", moment::before_commit, boot},
  {"boot_after_commit", moment::after_commit, boot},
  {"claim_before_commit", moment::before_commit, claim},
  {"claim_after_commit", moment::after_commit, claim},
  {"handler_runs", moment::handler, {}},
  {"handler_returned", moment::statement, completion},
  {"completion_before_commit", moment::before_commit, completion},
  {"completion_after_commit", moment::after_commit, completion},
  {"retry_before_commit", moment::before_commit, retry},
  {"retry_after_commit", moment::after_commit, retry},
  {"step_before_commit", moment::before_commit, step},
  {"step_after_commit", moment::after_commit, step},
  {"portion_before_commit", moment::before_commit, portion},
  {"portion_after_commit", moment::after_commit, portion},
  {"last_portion_before_commit", moment::before_commit, last_portion},
  {"last_portion_after_commit", moment::after_commit, last_portion},
});

const point* chosen = nullptr;
int wanted = 1;
std::atomic<int> reached{0};
std::atomic<int> committed{0};

/// Ends the process if the chosen point is reached often enough.
void reach(const std::vector<std::string>& ids) {
  if (++reached != wanted)
    return;
  auto line = "at " + std::string{chosen->name} + " " + std::to_string(committed);
  for (auto& id : ids)
    line += " " + id;
  line += "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    std::_Exit(3);
  std::raise(SIGKILL);
}

std::string one_line(const char* sql) {
  std::string result;
  for (char c : std::string_view{sql ? sql : ""}) {
    bool space = c == ' ' || c == '\n';
    if (!space)
      result += c;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  return result;
}

/// Returns the ids of the rows that `sql` names: one, or a list, which may be empty; "0" for a
/// statement that names none.
std::vector<std::string> ids_in(std::string_view sql) {
  for (std::string_view before : {" WHERE id = ", " VALUES(", " json_each('["}) {
    auto at = sql.find(before);
    if (at == sql.npos)
      continue;
    std::vector<std::string> ids;
    bool begun = false;
    for (char c : sql.substr(at + before.size())) {
      bool digit = c >= '0' && c <= '9';
      if (!digit && !(c == ',' && before.ends_with('[')))
        break;
      if (digit && !begun)
        ids.emplace_back();
      if (digit)
        ids.back() += c;
      begun = digit;
    }
    return ids;
  }
  return {"0"};
}

/// What one connection is doing.
class watched_connection {
public:
  void begins(sqlite3_stmt* stmt, std::string_view sql) {
    if (sql == "BEGIN IMMEDIATE") {
      ids_.clear();
    } else if (sql == "COMMIT" && !ids_.empty()) {
      if (chosen && chosen->when == moment::before_commit)
        reach(ids_);
    } else if (chosen && !chosen->statement.empty() && !sqlite3_stmt_readonly(stmt)) {
      look_at(stmt);
    }
  }

  void ended(sqlite3* db, std::string_view sql) {
    if (sql != "COMMIT" || sqlite3_get_autocommit(db) == 0)
      return;
    committed += sqlite3_total_changes64(db) != changes_;
    changes_ = sqlite3_total_changes64(db);
    if (chosen && chosen->when == moment::after_commit && !ids_.empty())
      reach(ids_);
    ids_.clear();
  }

private:
  void look_at(sqlite3_stmt* stmt) {
    auto* expanded = sqlite3_expanded_sql(stmt);
    auto sql = one_line(expanded);
    sqlite3_free(expanded);
    if (!sql.starts_with(chosen->statement))
      return;
    auto named = ids_in(sql);
    ids_.insert(ids_.end(), named.begin(), named.end());
    if (chosen->when == moment::statement && !named.empty())
      reach(ids_);
  }

  std::vector<std::string> ids_; ///< Of the rows that the statements of the point name.
  sqlite3_int64 changes_ = 0;
};

int on_trace(unsigned what, void* self, void* subject, void* detail) {
  auto* watched = static_cast<watched_connection*>(self);
  if (what == SQLITE_TRACE_CLOSE) {
    delete watched;
    return 0;
  }
  auto* stmt = static_cast<sqlite3_stmt*>(subject);
  auto* text = what == SQLITE_TRACE_STMT ? static_cast<const char*>(detail) : sqlite3_sql(stmt);
  std::string_view sql{text ? text : ""};
  if (sql.starts_with("--")) // Of a trigger.
    return 0;
  if (what == SQLITE_TRACE_STMT)
    watched->begins(stmt, sql);
  else
    watched->ended(sqlite3_db_handle(stmt), sql);
  return 0;
}

int watch(sqlite3* db, char**, const sqlite3_api_routines*) {
  return sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE | SQLITE_TRACE_CLOSE,
                          on_trace, new watched_connection);
}

/// The first attempt at a task of the kind `flaky` does a step, and fails. The output says which
/// claim gave it.
task_outcome run_task(task_context& context) {
  if (chosen && chosen->when == moment::handler)
    reach({std::to_string(context.task.id.value)});
  if (context.task.kind == "flaky")
    context.transact("mark", [task = context.task](storage::transaction& tx) {
      tx.execute("INSERT INTO stepped VALUES(?1, ?2)", task.id.value, task.epoch);
    });
  if (context.task.kind == "flaky" && context.task.attempt == 1)
    return task_outcome::failure("the first attempt fails");
  return task_outcome::success(std::to_string(context.task.epoch));
}

options options_of(const char* database) {
  options result;
  result.database = database;
  result.schema = "ledger";
  result.migrations = {{1, "0001_ledger", ledger}};
  for (auto* kind : {"plain", "flaky", "item", "gather"})
    result.handle(kind, run_task);
  return result;
}

std::vector<task_spec> tasks_to_do(int count) {
  std::vector<task_spec> tasks(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    auto& task = tasks[i];
    task.kind = i % 3 == 0 ? "flaky" : "plain";
    task.payload = "{}";
    task.retry.base = 1ms;
    if (i % 2 == 0) {
      task.gate = "gate";
      task.gate_capacity = 2;
    }
    if (i % 5 == 0)
      task.unique.key = "key " + std::to_string(i);
  }
  return tasks;
}

pipeline_spec pipeline_of(int items) {
  std::string list;
  for (int i = 0; i < items; ++i)
    list += (i > 0 ? "," : "") + std::string{"\""} + std::to_string(i) + "\"";
  return actors::parse_pipeline(R"({"name": "points", "stages": [
    {"name": "items", "for_each": [)"
                                + list + R"(], "task": {"kind": "item", "payload": "{{item}}"}},
    {"name": "gather", "after": ["items"],
     "task": {"kind": "gather", "payload": "{{stages.items.outputs}}"}}]})");
}

void work(const char* database, int tasks, int items) {
  runtime db(options_of(database));
  if (db.tasks().empty())
    db.enqueue(tasks_to_do(tasks));
  if (db.runs().empty())
    db.start(pipeline_of(items));
  for (auto& run : db.runs())
    db.wait(run.id, 120s);
  for (auto& task : db.tasks())
    db.wait(task.id, 120s);
  db.close();
}

} // namespace

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::cerr << "usage: task_points DATABASE TASKS ITEMS [POINT [COUNT]]\n";
    return 2;
  }
  if (argc > 4) {
    auto* found = std::ranges::find(points, std::string_view{argv[4]}, &point::name);
    if (found == points.end()) {
      std::cerr << "task_points: there is no point " << argv[4] << "\n";
      return 2;
    }
    chosen = found;
  }
  if (argc > 5)
    wanted = std::atoi(argv[5]);
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch));
  work(argv[1], std::atoi(argv[2]), std::atoi(argv[3]));
  return 0;
} catch (const std::exception& problem) {
  std::cerr << "task_points: " << problem.what() << "\n";
  return 1;
}

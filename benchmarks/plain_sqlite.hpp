#pragma once

#include "quire/benchmarks/harness.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

/// The floor: the same work by plain SQLite without actors, as a skilled
/// engineer writes it by hand: WAL, a busy timeout of 30 s, prepared statements,
/// BEGIN IMMEDIATE.
namespace quire::benchmarks {

/// The row that all benchmarks write and read.
inline constexpr const char* event_table_sql =
  "CREATE TABLE event(id INTEGER PRIMARY KEY, service TEXT NOT NULL, payload TEXT NOT NULL, "
  "created_at INTEGER NOT NULL)";
inline constexpr const char* event_index_sql = "CREATE INDEX event_service ON event(service)";
inline constexpr const char* insert_event_sql =
  "INSERT INTO event(service, payload, created_at) VALUES(?1, ?2, ?3)";
inline constexpr const char* find_event_sql =
  "SELECT service, payload, created_at FROM event WHERE id = ?1";

/// 60 bytes.
inline constexpr const char* event_payload =
  "{\"level\":\"info\",\"text\":\"sixty bytes of payload, that is it\"}";
static_assert(std::string_view(event_payload).size() == 60);

/// Returns the name of one of 16 services.
const std::string& event_service(std::uint64_t i);

/// Rows that read benchmarks look up by ids 1 to this.
inline constexpr std::int64_t event_rows = 100'000;

/// Returns the id of the `i`-th lookup: spread evenly over all rows, and cheap.
constexpr std::int64_t event_id(std::uint64_t i) noexcept {
  return static_cast<std::int64_t>((i * 0x9e3779b97f4a7c15u >> 32)
                                   % static_cast<std::uint64_t>(event_rows))
         + 1;
}

/// A connection with its prepared statements, for one thread.
class plain_sqlite {
public:
  /// @throws std::runtime_error, as all methods do, with SQLite's message.
  plain_sqlite(const std::string& path, const std::string& sync);
  ~plain_sqlite();
  plain_sqlite(const plain_sqlite&) = delete;
  plain_sqlite& operator=(const plain_sqlite&) = delete;

  void execute(const char* sql);

  /// Runs a statement that returns no row. Text is not copied.
  /// @returns SQLite's result code: `busy` is an answer here, not an exception.
  int run(sqlite3_stmt* statement);

  /// Compiles a statement; it belongs to this connection.
  sqlite3_stmt* prepare(const char* sql);

  std::string message() const;

private:
  sqlite3* db_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
};

/// Makes the table of events, with `rows` rows in it.
void make_events(const std::string& path, std::int64_t rows);

/// One thread inserts rows, `rows_each` in one transaction.
sample plain_writes(const settings& how, const std::string& sync, int rows_each);

/// `threads` threads insert one row per transaction, each on a connection of its
/// own.
sample plain_thread_writes(const settings& how, const std::string& sync, int threads);

/// `threads` threads look rows up by id, each on a connection of its own:
/// one transaction for each lookup, or one for every thousand. `database` has
/// `event_rows` events, and is as it was afterwards.
sample plain_reads(const settings& how, const std::string& database, int threads, bool one_by_one);

/// Both at once; the first sample is of the writers.
std::vector<sample> plain_mixed(const settings& how, int writers, int readers);

} // namespace quire::benchmarks

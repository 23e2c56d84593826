#pragma once

#include "quire/messages/types/event.hpp"
#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/sql.hpp"
#include "quire/storage/sqlite/connection.hpp"
#include "quire/storage/sqlite/end_counts.hpp"
#include "quire/storage/sqlite/typed_statement.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire::storage {

/// What a function that only reads is given: one consistent state of the
/// database. Valid during the call of that function only.
class snapshot {
public:
  explicit snapshot(connection& db) : db_(&db) {}

  /// Compiles `sql` or takes it from the connection's cache.
  statement_cache::lease prepare(std::string_view sql) const { return db_->prepare(sql); }

  /// Returns the path of the database file: absolute, links followed.
  std::string database_path() const;

  /// How much one query may return.
  static constexpr std::size_t rows_limit = 1'000'000;
  static constexpr std::size_t bytes_limit = std::size_t{256} << 20;

  /// Runs `query` and returns its rows.
  /// @throws error with `errc::too_large` past one of the limits.
  row_set query(const sql_statement& query, std::size_t rows_max = rows_limit,
                std::size_t bytes_max = bytes_limit) const;

  /// Binds `values`, and returns the rows as `T`: a scalar, a tuple or a plain struct,
  /// see `readable_row` in `messages/types/typed_rows.hpp`.
  /// @throws error: `invalid_argument` if the columns do not fit `T`; `too_large` past
  ///         `rows_limit` or about `bytes_limit`.
  template <class T, class... Values>
  std::vector<T> query_as(std::string_view sql, const Values&... values) const {
    auto stmt = db_->prepare(sql);
    return read_rows<T>(stmt->bind(values...), sql, rows_limit, bytes_limit);
  }

  /// The same for a query that has exactly one row.
  /// @throws error as above; `not_found` without a row, `conflict` with more.
  template <class T, class... Values>
  T query_one(std::string_view sql, const Values&... values) const {
    auto stmt = db_->prepare(sql);
    return read_only_row<T>(stmt->bind(values...), sql);
  }

  /// The same for a query that has one row or none.
  template <class T, class... Values>
  std::optional<T> query_optional(std::string_view sql, const Values&... values) const {
    auto stmt = db_->prepare(sql);
    return read_optional_row<T>(stmt->bind(values...), sql);
  }

  /// The same for a query that has exactly one row with one column.
  template <class T, class... Values>
  T query_scalar(std::string_view sql, const Values&... values) const {
    static_assert(readable_scalar<T>,
                  "one value cannot be read as this type: see quire::readable_scalar");
    return query_one<T>(sql, values...);
  }

  /// For SQL from outside, see `connection::outside_sql`.
  connection::outside_sql outside() const { return connection::outside_sql{*db_}; }
  statement_cache::lease prepare_from_outside(std::string_view sql,
                                              connection::sql_check check) const {
    return db_->prepare_from_outside(sql, check);
  }

  /// How many tasks more have ended than `quire_commit` says; none outside of transactions
  /// that write.
  const end_counts& unwritten_ends() const noexcept;

protected:
  connection* db_;
};

/// What a function that writes is given: its part of the transaction that is
/// open. It must touch nothing but this: it may be run again when a neighbour
/// spoils the transaction. Valid during the call of that function only.
class transaction : public snapshot {
public:
  explicit transaction(connection& db, std::uint64_t commit_seq = 0)
    : snapshot(db), commit_seq_(commit_seq) {}

  /// Prepares `sql`, binds `values`, runs it to its end.
  /// @returns how many rows it changed, triggers not counted.
  template <class... Values>
  std::int64_t execute(std::string_view sql, const Values&... values) {
    auto stmt = db_->prepare(sql);
    auto before = db_->total_changes();
    stmt->bind_borrowed(values...).run(); // They outlive the loan.
    // What changes no row leaves the count of the statement before it.
    return db_->total_changes() == before ? 0 : db_->changes();
  }

  /// Rows changed on this connection so far, triggers included.
  std::int64_t total_changes() const noexcept { return db_->total_changes(); }

  /// Rows changed by the last statement that changed any, triggers not counted.
  std::int64_t changes() const noexcept { return db_->changes(); }

  /// The number that the batch will have, for members that want it; else 0.
  std::uint64_t commit_seq() const noexcept { return commit_seq_; }

  std::int64_t last_insert_rowid() const noexcept { return db_->last_insert_rowid(); }

  /// Announces `what` to those who listen, once this is committed.
  void announce(event what) { events_.push_back(what); }

  const std::vector<event>& events() const noexcept { return events_; }

  /// Counts that there are `tasks` more, or fewer if less than 0, that have ended in `state`;
  /// nothing if that is not terminal. For the stores, right after the rows were changed. It is
  /// written once, with COMMIT, whoever commits; what is undone takes its counts with it.
  void count_end(task_state state, std::int64_t tasks);

  /// The lane that was looked up last: tasks of one request are mostly of one lane. Lanes are
  /// never deleted, and one that is created in vain is gone with this object. For the stores.
  struct known_lane {
    std::string queue;
    std::string kind;
    std::string tenant;
    std::int64_t id = 0; ///< 0: none.
  };

  known_lane& last_lane() noexcept { return last_lane_; }

  /// Writes at once what was counted, for who reads or sets it in `quire_commit`.
  void write_end_counts();

private:
  std::uint64_t commit_seq_;
  std::vector<event> events_;
  known_lane last_lane_;
};

/// `BEGIN IMMEDIATE` now, `ROLLBACK` at the end of the scope unless `commit`
/// was called.
class transaction_guard {
public:
  /// @throws error with `errc::busy` when another process keeps the write lock.
  explicit transaction_guard(connection& db);
  transaction_guard(const transaction_guard&) = delete;
  transaction_guard& operator=(const transaction_guard&) = delete;
  ~transaction_guard();

  /// @throws error if COMMIT fails; the transaction is then rolled back (at the end of the scope
  ///         at the latest), unless the error says that its outcome is unknown.
  void commit();

private:
  connection* db_;
};

/// `SAVEPOINT` now, undone at the end of the scope unless `release` was called.
class savepoint_guard {
public:
  explicit savepoint_guard(connection& db);
  savepoint_guard(const savepoint_guard&) = delete;
  savepoint_guard& operator=(const savepoint_guard&) = delete;
  ~savepoint_guard();

  void release();

private:
  connection* db_;
  bool open_ = true;
};

/// A read transaction for as long as the scope lasts. What would end it, attach
/// a database or change a setting of the connection or the process (all PRAGMAs
/// but those that only tell) is refused with `errc::sql` meanwhile.
class read_guard {
public:
  explicit read_guard(connection& db);
  read_guard(const read_guard&) = delete;
  read_guard& operator=(const read_guard&) = delete;
  ~read_guard();

private:
  connection* db_;
};

} // namespace quire::storage

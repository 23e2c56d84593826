#pragma once

#include "quire/benchmarks/plain_sqlite.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// What three services of one program do to one database file: short transactions
/// that read and then write, and reads beside them.
namespace quire::benchmarks {

/// The services and how many threads each has.
enum class service { task_execution, pipeline_execution, maintenance };
inline constexpr int task_threads = 10;
inline constexpr int pipeline_threads = 10;
inline constexpr int maintenance_threads = 4;
inline constexpr int service_threads = task_threads + pipeline_threads + maintenance_threads;

/// Returns whose thread the `index`-th one is.
constexpr service service_of(int index) noexcept {
  if (index < task_threads)
    return service::task_execution;
  return index < task_threads + pipeline_threads ? service::pipeline_execution
                                                 : service::maintenance;
}

inline constexpr std::int64_t contended_tasks = 10'000;
inline constexpr std::int64_t contended_runs = 100;

/// Makes the tables in a new file, with tasks and runs in them.
void make_contended(const std::string& path);

/// What was committed in a section, its warm-up included: by service. Thread-safe.
class commit_counts {
public:
  void add(service who) noexcept { ++counts_[static_cast<std::size_t>(who)]; }

  /// Compares with what is in the file: a transaction that overwrote what another
  /// one wrote, or that is there twice or not at all, makes a difference.
  /// @returns what is wrong, empty if nothing is.
  std::string verify(const std::string& path) const;

private:
  std::uint64_t of(service who) const noexcept { return counts_[static_cast<std::size_t>(who)]; }

  std::array<std::atomic<std::uint64_t>, 3> counts_{};
};

/// Runs the `i`-th transaction of a service. `Transaction` has
/// `numbers(sql, parameters...)`, which returns the integers of the first row, and
/// `execute(sql, parameters...)`.
template <class Transaction>
void run_transaction(Transaction& tx, service who, std::uint64_t i) {
  auto now = static_cast<std::int64_t>(i);
  switch (who) {
    case service::task_execution: {
      auto id = event_id(i) % contended_tasks + 1;
      auto task = tx.numbers("SELECT state, tries FROM task WHERE id = ?1", id);
      tx.execute("UPDATE task SET state = ?2, tries = ?3, changed_at = ?4 WHERE id = ?1", id,
                 (task.at(0) + 1) % 4, task.at(1) + 1, now);
      tx.execute(insert_event_sql, event_service(i), event_payload, now);
      return;
    }
    case service::pipeline_execution: {
      auto id = event_id(i) % contended_runs + 1;
      auto run = tx.numbers("SELECT done FROM run WHERE id = ?1", id);
      auto ready = tx.numbers("SELECT count(*) FROM task WHERE id BETWEEN ?1 AND ?1 + 19 "
                              "AND state = 1",
                              id * (contended_tasks / contended_runs) - 99);
      tx.execute("UPDATE run SET done = ?2, ready = ?3, changed_at = ?4 WHERE id = ?1", id,
                 run.at(0) + 1, ready.at(0), now);
      tx.execute(insert_event_sql, event_service(i), event_payload, now);
      return;
    }
    case service::maintenance: {
      auto old = tx.numbers("SELECT count(*), max(id) FROM "
                            "(SELECT id FROM event ORDER BY id LIMIT 50)");
      auto removed = tx.numbers("SELECT removed, rounds FROM upkeep");
      tx.execute("DELETE FROM event WHERE id <= ?1", old.at(1));
      tx.execute("UPDATE upkeep SET removed = ?1, rounds = ?2", removed.at(0) + old.at(0),
                 removed.at(1) + 1);
      return;
    }
  }
}

/// The read that follows it. `Snapshot` has `numbers` as above.
/// @returns something of what was read.
template <class Snapshot>
std::int64_t run_read(Snapshot& db, service who, std::uint64_t i) {
  switch (who) {
    case service::task_execution:
      return db
        .numbers("SELECT sum(tries) FROM task WHERE id BETWEEN ?1 AND ?1 + 19",
                 event_id(i) % contended_tasks + 1)
        .at(0);
    case service::pipeline_execution:
      return db
        .numbers("SELECT done, ready FROM run WHERE id = ?1", event_id(i) % contended_runs + 1)
        .at(0);
    case service::maintenance: return db.numbers("SELECT removed FROM upkeep").at(0);
  }
  return 0;
}

/// Runs a transaction until it is committed, and counts in `seen` how often it was
/// refused.
using contended_write = std::function<void(service who, std::uint64_t i, sample& seen)>;
using contended_read = std::function<std::int64_t(service who, std::uint64_t i)>;

/// Runs the threads of all services for one section: each writes and reads in turns.
/// @returns a sample of the transactions and one of the reads.
std::vector<sample> run_services(const settings& how, commit_counts& committed,
                                 const contended_write& write, const contended_read& read);

/// How transactions of plain SQLite begin.
enum class beginning {
  deferred,  ///< As an ORM does it: it reads first, and is refused if others wrote since.
  immediate, ///< With the lock for writing, for which it waits.
};

/// One section of plain SQLite: threads that share a pool of connections.
/// @returns a sample of the transactions and one of the reads.
std::vector<sample> plain_contention(const settings& how, beginning kind);

} // namespace quire::benchmarks

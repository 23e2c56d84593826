#pragma once

// What the clients of a history write and read, as SQL.

#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/sql.hpp"
#include "quire/tests/history/operation.hpp"

#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace quire::tests {

/// The tables: every write leaves a row in `written`, in the order of the commits.
extern const std::string_view history_tables;

/// How a write is made to fail.
enum class sabotage : std::uint8_t {
  none,
  alone,    ///< SQLite undoes the statement only: the write is undone by Quire.
  together, ///< The whole transaction is rolled back, neighbours included.
};

/// Draws what to write and read. Lists that are written are near to `position`, so
/// that none gets long.
class planner {
public:
  explicit planner(std::uint64_t seed) : random_(seed) {}

  /// A write without its number; `position` is about how many there have been.
  write_operation write(std::int64_t position);

  sabotage failing();

  std::vector<key> some_lists(std::int64_t position);
  std::vector<key> some_registers();

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

private:
  key list_near(std::int64_t position);

  std::mt19937_64 random_;
};

/// The statements of `write`: it reads what it appends to first, then writes.
std::vector<sql_statement> statements_of(const write_operation& write, sabotage how);

/// What `write` read, from the rows of those of its statements that return some.
seen_state seen_by_write(const write_operation& write, std::span<const row_set> rows);

/// The statements of a read, each of which sees the same state.
std::vector<sql_statement> statements_of(const std::vector<key>& lists,
                                         const std::vector<key>& registers);
seen_state seen_by_read(const std::vector<key>& lists, const std::vector<key>& registers,
                        std::span<const row_set> rows);

} // namespace quire::tests

#pragma once

#include "quire/messages/types/errc.hpp"
#include "quire/tests/storage/batch_support.hpp"
#include "quire/tests/support/seeded.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace quire::tests {

/// The tables that requests write, and what they hold at first.
extern const char* const torture_tables_sql;
/// Triggers that requests of some kinds run into. They are optional: the executor
/// trusts SQLite less where there are any.
extern const char* const torture_triggers_sql;

inline constexpr int torture_accounts = 4;

/// What a client may ask for.
enum class request_kind : std::uint8_t {
  one_row,
  rows_at_once, ///< Several rows, a single statement.
  several,      ///< Several statements.
  transfer,     ///< From one account to another.
  large,        ///< Rows that fill pages of their own.
  family,       ///< A child before its parent: a deferred foreign key.
  announced,    ///< With an event.
  separate,     ///< Must have a transaction of its own.
  // What follows is refused, each in a way of its own.
  thrown,         ///< By the function that runs it, after it has written.
  duplicate,      ///< SQLite undoes the statement.
  duplicate_late, ///< After statements that must be undone with it.
  or_fail,        ///< Leaves rows.
  or_rollback,    ///< Ends the transaction.
  or_rollback_late,
  orphan, ///< A single statement that violates a deferred foreign key.
  orphan_late,
  wrong_type,  ///< SQLite leaves rows of the statement.
  raise_abort, ///< By a trigger, as the next one: only where there are triggers.
  raise_rollback,
};
inline constexpr int request_kinds = 19;

/// One request of a client, and what must become of it.
struct request {
  std::int64_t id = 0;
  request_kind kind = request_kind::one_row;
  std::optional<errc> refused; ///< With what it must be refused; absent if it must not.
  std::int64_t rows = 0;       ///< In the table `part`, if it is committed.
  std::int64_t filler = 0;     ///< Bytes in each of them.
  std::int64_t changes = 0;    ///< Rows changed, triggers included.
  std::size_t events = 0;
  std::array<std::int64_t, torture_accounts> moved{}; ///< Into the accounts.
  bool family = false;                                ///< It leaves a parent and a child.
  member work{{}};                                    ///< What the executor is given.
};

/// Makes requests, each with an `id` of its own.
class request_source {
public:
  explicit request_source(seeded_choice& chance, bool triggers)
    : chance_(chance), triggers_(triggers) {}

  /// Any request; seven of ten are to be committed.
  request next(durability how);
  request make(request_kind kind, durability how);

private:
  seeded_choice& chance_;
  bool triggers_;
  std::int64_t next_id_ = 1;
};

} // namespace quire::tests

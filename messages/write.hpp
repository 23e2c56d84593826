#pragma once

#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/sql.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace quire::storage {
class transaction;
class snapshot;
} // namespace quire::storage

namespace quire::messages {

/// Asks the writer to run `statements` in order as one unit: all are kept, or
/// none. Requests of different senders share a transaction and fail alone.
///
/// Reply: `receipt`, once it is committed.
/// Errors: those of `errc`; `overloaded` before it was tried; `timeout` when nobody
/// answered in time, or when it ran for longer than it may and was undone.
struct write_batch {
  std::vector<sql_statement> statements;
  std::optional<durability> sync;             ///< The runtime's default if absent.
  bool counted = false;                       ///< Set by the gateway alone: the writer counts it out.
};

/// Returns about how many bytes `batch` takes while it waits.
inline std::size_t bytes_of(const write_batch& batch) noexcept {
  std::size_t sum = sizeof batch;
  for (auto& statement : batch.statements) {
    sum += sizeof statement + statement.sql.size();
    for (auto& param : statement.params)
      sum += quire::bytes_of(param);
  }
  return sum;
}

/// Says that a request is committed, and where it stands among all others.
struct receipt {
  std::uint64_t commit_seq = 0;               ///< The number of the batch it was committed in; grows.
  std::int64_t rows_changed = 0;              ///< By this request alone, triggers included.
  std::int64_t last_rowid = 0;                ///< Of the last row it inserted.
  std::vector<row_set> results;               ///< Of the statements that return rows, in order.
};

/// The same for a function, within this process. It may be run several times:
/// only the last run counts.
///
/// Reply: `receipt` (without results). Errors as above, and `function_failed`
/// with the text of what the function threw.
struct write_call {
  std::shared_ptr<const std::function<void(storage::transaction&)>> run;
  std::optional<durability> sync;
  bool alone = false;                         ///< Must not be run again: gets a transaction of its own.
  bool counted = false;                       ///< As above.
};

} // namespace quire::messages

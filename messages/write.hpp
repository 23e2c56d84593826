#pragma once

#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/sql.hpp"
#include "quire/messages/types/terms.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quire::storage {
class transaction;
class snapshot;
} // namespace quire::storage

namespace quire::messages {

/// What must be true of one statement of a `write_batch`, right after it has run.
struct expectation {
  enum class kind : std::uint8_t {
    a_row,        ///< It returned a row at least.
    no_row,       ///< It returned none.
    rows_changed, ///< It changed exactly `rows` rows, triggers not counted.
  };

  std::uint64_t statement = 0; ///< Its place in the batch, from 0.
  kind what = kind::a_row;
  std::int64_t rows = 0;
};

/// Asks the writer to run `statements` in order as one unit: all are kept, or
/// none. Requests of different senders share a transaction and fail alone.
///
/// Reply: `receipt`, once it is committed.
/// Errors: those of `errc`; `overloaded`, with a time after which to try again, before
/// it was tried; `expired` when its time was up before it began, `timeout` when it was
/// undone because it ran for too long; `precondition_failed` if an expectation was not met.
struct write_batch {
  std::vector<sql_statement> statements;
  std::optional<durability> sync; ///< The runtime's default if absent.
  request_terms terms{};
  std::vector<expectation> expect{}; ///< If one is not met, nothing of the batch is kept.

  /// A name for this request, at most 200 bytes: sent a second time within the time that
  /// keys are kept (`options::key_retention`), it is not executed again but answered with
  /// the first receipt, `repeated`. Under the same key, something else fails with `conflict`.
  std::string idempotency_key{};
};

/// Returns about how many bytes `batch` takes while it waits.
inline std::size_t bytes_of(const write_batch& batch) noexcept {
  std::size_t sum = sizeof batch;
  sum += batch.expect.size() * sizeof(expectation) + batch.idempotency_key.size();
  for (auto& statement : batch.statements) {
    sum += sizeof statement + statement.sql.size();
    for (auto& param : statement.params)
      sum += quire::bytes_of(param);
  }
  return sum;
}

/// Says that a request is committed, and where it stands among all others.
struct receipt {
  std::uint64_t commit_seq = 0;  ///< The number of the batch it was committed in; grows.
  std::int64_t rows_changed = 0; ///< By this request alone, triggers included.
  std::int64_t last_rowid = 0;   ///< Of the last row it inserted.
  std::vector<row_set> results;  ///< Of the statements that return rows, in order.
  bool repeated = false;         ///< It is the receipt of an earlier request with the same key.
};

/// The same for a function, within this process. It may be run several times:
/// only the last run counts.
///
/// Reply: `receipt` (without results). Errors as above, and `function_failed`
/// with the text of what the function threw.
struct write_call {
  std::shared_ptr<const std::function<void(storage::transaction&)>> run;
  std::optional<durability> sync;
  bool alone = false; ///< Must not be run again: gets a transaction of its own.
  request_terms terms;
};

/// Asks for a request that writes or reads to be cancelled: the one that the same client
/// sent with that number in its terms. Reply: `request_cancelled`.
struct cancel_request {
  std::uint64_t client = 0; ///< As in its terms; 0: the sender.
  std::uint64_t request = 0;
};

struct request_cancelled {
  enum class stage : std::uint8_t {
    unknown, ///< Nothing with that number waits or runs: it has ended, or never came.
    waiting, ///< It was waiting and is answered with `cancelled`; nothing of it was done.
    running, ///< It was told to stop. Its answer says whether that came in time.
  };

  stage found = stage::unknown;
};

} // namespace quire::messages

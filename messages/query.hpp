#pragma once

#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/sql.hpp"
#include "quire/messages/types/terms.hpp"

#include <caf/actor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quire::storage {
class snapshot;
} // namespace quire::storage

namespace quire::messages {

/// Asks a reader to answer `statements`, all on one snapshot. A statement that
/// could write is refused with `errc::read_only`.
///
/// Reply: `query_result`. Errors: those of `errc`; `too_large` past a limit.
struct query {
  std::vector<sql_statement> statements;
  std::uint64_t rows_max = 1'000'000;   ///< Of each statement.
  std::uint64_t bytes_max = 256u << 20; ///< Of each statement.
  request_terms terms{};
};

/// Returns about how many bytes `request` takes while it waits.
inline std::size_t bytes_of(const query& request) noexcept {
  std::size_t sum = sizeof request;
  for (auto& statement : request.statements) {
    sum += sizeof statement + statement.sql.size();
    for (auto& param : statement.params)
      sum += quire::bytes_of(param);
  }
  return sum;
}

struct query_result {
  std::vector<row_set> results; ///< One for each statement, in order.
};

/// The same for a function, within this process. Reply: `read_done`.
struct read_call {
  std::shared_ptr<const std::function<void(storage::snapshot&)>> run;
  request_terms terms;
  bool quick = false; ///< It only looks up a few rows, does not block, and may be begun again.
};

struct read_done {};

/// Runs several functions at a time, each on a reader of its own, all on one identical
/// snapshot. Stays within the process. Reply: `read_done`, when all have returned.
/// Errors: `unavailable` without a writer, or when the snapshot could not be taken within
/// its time; what a function threw.
struct read_together {
  std::vector<std::shared_ptr<const std::function<void(storage::snapshot&)>>> runs; ///< 1 to 16.
};

/// Asks for the rows of a query in portions. Reply: `stream_opened`.
/// Errors: as those of `query`; `overloaded` if too many streams are open.
///
/// A stream has a connection and a snapshot of its own. It ends with its last row, when
/// whoever opened it ends or sends it `drain`, and with the lease of its snapshot.
struct open_stream {
  sql_statement statement;
  std::uint64_t rows_max = 1000;      ///< In one portion, 1 to 1,000,000.
  std::uint64_t bytes_max = 4u << 20; ///< The same; a single row may be larger.
};

struct stream_opened {
  caf::actor stream; ///< A `row_stream_actor`.
  std::vector<std::string> columns;
};

/// Asks for one portion: the receiver says how much it can take. Several may be on their
/// way. Reply: `row_chunk`. Errors: `snapshot_expired`, and those of `query`.
struct next_chunk {};

struct row_chunk {
  std::vector<std::vector<value>> rows;
  bool last = false; ///< Nothing follows; the stream has ended.
};

} // namespace quire::messages

#pragma once

#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/sql.hpp"

#include <cstdint>
#include <functional>
#include <memory>
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
  std::uint64_t rows_max = 1'000'000;         ///< Of each statement.
  std::uint64_t bytes_max = 256u << 20;       ///< Of each statement.
};

struct query_result {
  std::vector<row_set> results;               ///< One for each statement, in order.
};

/// The same for a function, within this process. Reply: `read_done`.
struct read_call {
  std::shared_ptr<const std::function<void(storage::snapshot&)>> run;
};

struct read_done {};

} // namespace quire::messages

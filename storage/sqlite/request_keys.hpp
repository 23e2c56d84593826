#pragma once

#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/sql.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quire::storage {

/// What is kept of a request that was executed under a key.
struct kept_request {
  std::uint64_t commit_seq = 0;
  std::int64_t rows_changed = 0;
  std::int64_t last_rowid = 0;
  std::vector<row_set> results;
};

/// The longest key, in bytes.
inline constexpr std::size_t request_key_max = 200;

/// So many keys are kept: the oldest go first.
inline constexpr std::int64_t request_keys_max = 1'000'000;

/// The most bytes of rows that are kept for a repeated request.
inline constexpr std::size_t request_results_max = std::size_t{1} << 20;

/// Returns a number that tells requests apart: FNV-1a over statements and parameters.
std::int64_t fingerprint_of(const std::vector<sql_statement>& statements);

/// Returns what was answered to the request with this key since `since_ms` (Unix time).
/// @throws error: `conflict` if that request was another one, `invalid_argument` if the
///         key is too long, `not_found` if the database has no place for keys.
std::optional<kept_request> find_request(transaction& tx, const std::string& key,
                                         std::int64_t fingerprint, std::int64_t since_ms);

/// Keeps the answer, in the transaction that the request is part of.
/// @throws error with `errc::too_large` if it returned more rows than are kept.
void keep_request(transaction& tx, const std::string& key, std::int64_t fingerprint,
                  const kept_request& answer, std::int64_t now_ms);

/// Forgets up to `limit` keys from before `before_ms`, and returns how many.
std::int64_t forget_requests(transaction& tx, std::int64_t before_ms, int limit);

} // namespace quire::storage

#pragma once

#include "quire/messages/types/kind.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What somebody decided about kinds of tasks. `claim_tasks` keeps to it from the next claim
/// on; tasks that are running go on.
namespace quire::storage {

/// Replaces what was decided about the kind; a policy without anything in it lets all of its
/// tasks start again. It may be a kind of which there was no task yet. A rate that is changed
/// begins with all of its burst.
/// @returns the kind as it is now.
/// @throws error: `invalid_argument` if the name is not 1 to 100 bytes long, or a field of
///         `policy` is outside of its documented limits; `not_found` if there is no such breaker.
kind_record set_kind_policy(transaction& tx, const std::string& name, const kind_policy& policy,
                            std::int64_t now_ms);

/// Returns all kinds by name. Counts waiting tasks by their indexes: a tenth of a second for
/// a million of them.
std::vector<kind_record> list_kinds(snapshot& db, std::int64_t now_ms);

/// Reads rate_count, rate_ms and burst, which are not null, from three columns.
rate_limit read_rate(const statement& row, int first_column);

} // namespace quire::storage

#pragma once

#include "quire/messages/types/tenant.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <string>
#include <vector>

/// What somebody decided about tenants. `claim_tasks` keeps to it from the next claim on; tasks
/// that are running go on.
namespace quire::storage {

/// Replaces what was decided about the tenant. It may be one of which there was no task yet.
/// @returns the tenant as it is now.
/// @throws error: `invalid_argument` if the name is not 1 to 100 bytes long, or a field of
///         `policy` is outside of its documented limits.
tenant_record set_tenant_policy(transaction& tx, const std::string& name,
                                const tenant_policy& policy);

/// Returns all tenants by name; the one without a name is that of the tasks that have none.
/// Counts waiting tasks by their indexes: a tenth of a second for a million of them.
std::vector<tenant_record> list_tenants(snapshot& db);

} // namespace quire::storage

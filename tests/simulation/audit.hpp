#pragma once

#include "quire/storage/sqlite/transaction.hpp"
#include "quire/tests/simulation/clients.hpp"

#include <string>
#include <vector>

namespace quire::tests {

/// Compares the database with what clients were promised, right after a boot
/// that followed a life that ended as `how`.
void audit_promises(storage::connection& db, outside_world& world, ending how);

/// Returns whether a task or a run is not in a terminal state.
bool has_open_work(storage::connection& db);

/// Checks what must be true when nothing is left to do: counters, gates,
/// results and the file itself agree.
void audit_rest(storage::connection& db, outside_world& world);

} // namespace quire::tests

#pragma once

#include "quire/storage/sqlite/transaction.hpp"

namespace quire::storage {

/// Remembers in the database that Quire created its file: an application that
/// finds its own file changed in no way must find its rules unchanged, too, and
/// only a file of ours gets ours.
void mark_as_ours(transaction& tx);

/// Returns whether `mark_as_ours` was ever called on this database.
bool is_marked_as_ours(connection& db);

} // namespace quire::storage

#pragma once

#include "quire/app/options.hpp"
#include "quire/app/runtime.hpp"
#include "quire/storage/owner_lock.hpp"
#include "quire/storage/sqlite/connection.hpp"

#include <optional>

namespace quire {

/// A database that is ready for the actors.
struct opened_database {
  opening report;
  std::optional<storage::owner_lock> lock;       ///< Held by an owner.
  storage::connection_options connection;        ///< How the actors open it.
};

/// Does what must be done before anybody is served: an owner takes the lock,
/// brings the schema up to date and requeues what a dead process was running;
/// the others only check the schema.
/// @throws storage::error
opened_database open_database(const options& options);

} // namespace quire

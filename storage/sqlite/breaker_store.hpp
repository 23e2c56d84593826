#pragma once

#include "quire/messages/types/breaker.hpp"
#include "quire/messages/types/task.hpp"
#include "quire/storage/circuit_breaker.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Circuit breakers in the database. `claim_tasks` keeps to them.
namespace quire::storage {

/// Creates the breaker, closed, or changes when the one of its name opens.
/// @returns it as it is now.
/// @throws error with `errc::invalid_argument` if its name is not 1 to 100 bytes long, or a field
///         of `policy` is outside of its documented limits.
breaker_record put_breaker(transaction& tx, const std::string& name, const breaker_policy& policy,
                           std::int64_t now_ms);

/// Opens it until it is closed by hand: nothing that it guards is started.
/// @throws error with `errc::not_found`.
breaker_record open_breaker(transaction& tx, const std::string& name, std::int64_t now_ms);

/// Closes it and forgets what it has seen.
/// @throws error with `errc::not_found`.
breaker_record close_breaker(transaction& tx, const std::string& name, std::int64_t now_ms);

/// Deletes it; kinds that it guards have none then.
/// @throws error with `errc::not_found`.
void remove_breaker(transaction& tx, const std::string& name);

/// Returns all breakers by name.
std::vector<breaker_record> list_breakers(snapshot& db, std::int64_t now_ms);

/// A breaker as it lies in the database.
struct breaker_row {
  breaker_policy policy;
  breaker_memory memory;
};

std::optional<breaker_row> read_breaker(snapshot& db, const std::string& name);

/// Writes what it remembers.
void write_breaker(transaction& tx, const std::string& name, const breaker_memory& memory);

/// A breaker that opened or closed.
struct breaker_change {
  std::string name;
  breaker_state state = breaker_state::closed;
};

/// Tells breakers how attempts ended. What they learn is written by `save` at the latest;
/// as long as no kind has a breaker it costs one look at an index.
class breaker_results {
public:
  breaker_results(transaction& tx, std::int64_t now_ms) : tx_(tx), now_ms_(now_ms) {}

  /// The attempt of `task` ended with `outcome`, and that was accepted.
  void saw(task_id task, const task_outcome& outcome);

  /// Writes what has changed, and returns which breakers opened or closed.
  std::vector<breaker_change> save();

private:
  struct entry {
    breaker_row row;
    circuit_breaker breaker;
  };

  bool any_guarded();
  entry* find(const std::string& name);

  transaction& tx_;
  std::int64_t now_ms_;
  std::optional<bool> any_; // Absent until it is asked for.
  std::map<std::string, entry> known_;
};

} // namespace quire::storage

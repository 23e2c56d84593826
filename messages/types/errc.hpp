#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quire {

/// Why a request failed. Append-only: the numbers appear in logs and messages,
/// and stay below 256 because CAF 0.17 carries eight bits of an error code.
enum class errc : std::uint8_t {
  busy = 1,                    ///< Another process held the write lock longer than our patience.
  constraint = 2,              ///< The request broke a constraint; only this request was undone.
  corrupt = 3,                 ///< The database file is damaged.
  io = 4,                      ///< The disk or the file system refused an operation.
  disk_full = 5,               ///< No space is left for the database or its write-ahead log.
  read_only = 6,               ///< The file, its folder or the connection does not allow writing.
  sql = 7,                     ///< The SQL text does not compile, or asks for what is not allowed.
  invalid_argument = 8,        ///< A value of the request is outside of what is documented.
  not_found = 9,               ///< The task, run or object named does not exist.
  conflict = 10,               ///< The state of the object does not allow this.
  too_large = 11,              ///< A value, row set or output is over its documented limit.
  overloaded = 12,             ///< A queue is full; nothing was tried.
  timeout = 13,                ///< The deadline passed while the request waited or ran.
  unavailable = 14,            ///< The service is starting, restarting or shutting down.
  cancelled = 15,              ///< Somebody cancelled the request.
  commit_outcome_unknown = 16, ///< COMMIT failed and it cannot be found out whether it took effect.
  stale_lease = 17,            ///< The claim was taken away; the worker's result was dropped.
  newer_schema = 18,           ///< A newer Quire wrote this database.
  not_a_database = 19,         ///< The file is not an SQLite database.
  already_owned = 20,          ///< Another runtime owns this database.
  cannot_open = 21,            ///< The file or its folder is missing or not accessible.
  function_failed = 22,        ///< A caller's own function threw inside a write or a read.
  migration_changed = 23,      ///< A migration that was applied differs from the one we know.
  internal = 24,               ///< A bug of Quire itself.
  precondition_failed = 25, ///< What the request expected of a statement was not so; it was undone.
  snapshot_expired = 26,    ///< A read kept its view of the database for longer than allowed.
  wal_limit = 27,     ///< The write-ahead log has reached its limit; reads keep it from shrinking.
  wrong_process = 28, ///< The runtime belongs to the process that this one was forked from.
  expired = 29, ///< The deadline passed before the request was begun; nothing of it was tried.
};

/// What became of the data that a failed request wanted to write.
enum class write_outcome : std::uint8_t {
  not_applied = 0, ///< Nothing of it is in the database. Trying again is safe.
  applied = 1,     ///< All of it is in the database.
  unknown = 2,     ///< Nobody can tell. Try again only if the request is idempotent.
};

/// Returns the name of the enumerator: `"disk_full"`.
std::string_view to_string(errc code) noexcept;

/// Returns the name of the enumerator: `"not_applied"`.
std::string_view to_string(write_outcome outcome) noexcept;

/// Returns whether the same request, unchanged, may succeed when it is sent
/// again later.
bool retryable(errc code) noexcept;

/// Returns what a request that failed with `code` left in the database.
/// `timeout` answers `unknown`: a write whose caller stopped waiting may still
/// be committed.
write_outcome outcome_of(errc code) noexcept;

/// Returns a sentence that says what a user can do about `code`.
std::string_view advice(errc code) noexcept;

/// Returns the code that is called `name`.
std::optional<errc> errc_from_string(std::string_view name) noexcept;

/// Returns the code with the number `number`, if there is one.
std::optional<errc> errc_from_number(int number) noexcept;

} // namespace quire

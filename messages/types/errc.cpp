#include "quire/messages/types/errc.hpp"

#include <array>

namespace quire {

namespace {

struct entry {
  errc code;
  std::string_view name;
  bool retryable;
  write_outcome outcome;
  std::string_view advice;
};

constexpr auto not_applied = write_outcome::not_applied;
constexpr auto unknown = write_outcome::unknown;

constexpr std::array entries{
  entry{errc::busy, "busy", true, not_applied,
        "another process keeps the database locked: let it finish, or raise the patience"},
  entry{errc::constraint, "constraint", false, not_applied,
        "the data contradicts a constraint of the table: correct it"},
  entry{errc::corrupt, "corrupt", false, not_applied,
        "the file is damaged: restore a backup, or salvage it with sqlite3's .recover"},
  entry{errc::io, "io", true, not_applied, "check the disk and the system log, then try again"},
  entry{errc::disk_full, "disk_full", true, not_applied, "free some space, then try again"},
  entry{errc::read_only, "read_only", false, not_applied,
        "make the file and its folder writable, or open it for reading"},
  entry{errc::sql, "sql", false, not_applied, "correct the SQL"},
  entry{errc::invalid_argument, "invalid_argument", false, not_applied, "correct the value"},
  entry{errc::not_found, "not_found", false, not_applied, "check the name or the id"},
  entry{errc::conflict, "conflict", false, not_applied, "look at the present state first"},
  entry{errc::too_large, "too_large", false, not_applied, "ask for less, or raise the limit"},
  entry{errc::overloaded, "overloaded", true, not_applied,
        "too much is waiting: try again a little later"},
  entry{errc::timeout, "timeout", true, unknown,
        "it may still take effect: repeat it only if that does no harm"},
  entry{errc::unavailable, "unavailable", true, not_applied,
        "the service is restarting or stopping: try again"},
  entry{errc::cancelled, "cancelled", false, not_applied, "it was cancelled on request"},
  entry{errc::commit_outcome_unknown, "commit_outcome_unknown", false, unknown,
        "look whether the data is there before you repeat the request"},
  entry{errc::stale_lease, "stale_lease", false, not_applied,
        "somebody else has the task by now: drop the result"},
  entry{errc::newer_schema, "newer_schema", false, not_applied,
        "use the newer program, or another database"},
  entry{errc::not_a_database, "not_a_database", false, not_applied,
        "name another file: this one was left as it is"},
  entry{errc::already_owned, "already_owned", true, not_applied,
        "stop the other process, or use a command that only looks"},
  entry{errc::cannot_open, "cannot_open", false, not_applied,
        "check that the folder exists and that you may use it"},
  entry{errc::function_failed, "function_failed", false, not_applied,
        "see the message of the function that failed"},
  entry{errc::migration_changed, "migration_changed", false, not_applied,
        "restore the migration as it was released, and add a new one"},
  entry{errc::internal, "internal", false, unknown, "this is a defect of Quire: please report it"},
  entry{errc::precondition_failed, "precondition_failed", false, not_applied,
        "look at the present state, then decide anew"},
  entry{errc::snapshot_expired, "snapshot_expired", true, not_applied,
        "read in smaller portions, or raise the lease"},
  entry{errc::wal_limit, "wal_limit", true, not_applied,
        "let the long reads end: the log can shrink then, and writes go on"},
  entry{errc::expired, "expired", true, not_applied,
        "it was not tried: send it again, with more time or when less waits"},
  entry{errc::wrong_process, "wrong_process", false, not_applied,
        "open a runtime after fork, in the process that uses it"},
};

const entry* find(errc code) noexcept {
  for (auto& candidate : entries)
    if (candidate.code == code)
      return &candidate;
  return nullptr;
}

} // namespace

std::string_view to_string(errc code) noexcept {
  auto* found = find(code);
  return found ? found->name : "unknown_error";
}

std::string_view to_string(write_outcome outcome) noexcept {
  switch (outcome) {
    case write_outcome::not_applied: return "not_applied";
    case write_outcome::applied: return "applied";
    case write_outcome::unknown: return "unknown";
  }
  return "unknown";
}

bool retryable(errc code) noexcept {
  auto* found = find(code);
  return found && found->retryable;
}

write_outcome outcome_of(errc code) noexcept {
  auto* found = find(code);
  return found ? found->outcome : write_outcome::unknown;
}

std::string_view advice(errc code) noexcept {
  auto* found = find(code);
  return found ? found->advice : "";
}

std::optional<errc> errc_from_string(std::string_view name) noexcept {
  for (auto& candidate : entries)
    if (candidate.name == name)
      return candidate.code;
  return std::nullopt;
}

std::optional<errc> errc_from_number(int number) noexcept {
  for (auto& candidate : entries)
    if (static_cast<int>(candidate.code) == number)
      return candidate.code;
  return std::nullopt;
}

} // namespace quire

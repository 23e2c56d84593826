#pragma once

#include "quire/tests/history/operation.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quire::tests {

/// What a history must not show. Reads are of one snapshot each and linearizable:
/// a read that is sent after the end of a write or of another read sees at least
/// what that write did or that read saw.
enum class anomaly : std::uint8_t {
  lost_write,          ///< A write was acknowledged and is not there.
  aborted_read,        ///< A read saw what a refused write wrote (G1a).
  intermediate_read,   ///< A read saw some of a write's appends to one list (G1b).
  duplicate_effect,    ///< What was written once is there twice.
  non_monotonic_read,  ///< A session saw less than it had seen before.
  unseen_own_write,    ///< A session did not see what it had written.
  torn_write,          ///< A part of a write is there at the end, another is not.
  fractured_read,      ///< A read saw several states of the database.
  stale_read,          ///< A read saw less than was acknowledged or seen elsewhere before it.
  stale_after_restart, ///< The same, where that was in an earlier life of the runtime.
  refused_but_applied, ///< A write was refused, and is there at the end.
  unknown_value,       ///< A value that nobody wrote, or that was written elsewhere.
  lost_update,         ///< A write read a state that was not the one right before it.
  wrong_sequence,      ///< `commit_seq` is not in the order of the commits.
};

std::string_view to_string(anomaly kind) noexcept;

struct finding {
  anomaly kind;
  std::string text;
};

/// Looks for each anomaly in a history whose writes are known in the order of their
/// commits.
class checker {
public:
  explicit checker(const history& of);

  /// @returns what was found, at most `findings_max`.
  std::vector<finding> run();

  static constexpr std::size_t findings_max = 100;

private:
  using position = std::int64_t; ///< 1 for the write that was committed first.

  /// Something that later reads must see, and who knew it when.
  struct known {
    moment_ns since;
    position at;
    int life;
    int session;
    bool written; ///< Acknowledged; else it was seen.
  };

  void report(anomaly kind, std::string text);
  const write_operation* find(write_id id) const;
  position position_of(write_id id) const;

  void number_the_writes();
  void check_final_lists();
  void check_final_list(key of, const std::vector<std::int64_t>& values);
  void check_final_registers();
  void check_ends();
  void check_sequence();

  void check_state(const seen_state& seen, const std::string& who);
  void check_list(key of, const std::vector<std::int64_t>& values, position at,
                  const std::string& who);
  bool check_values(key of, const std::vector<std::int64_t>& values, const std::string& who);
  void check_register(key of, std::int64_t value, position at, const std::string& who);
  void check_own_reads();

  void check_time();
  void check_fresh(const read_operation& read, const known& newest);
  void check_sessions();
  bool wrote_to_list(std::int64_t value, key of) const;

  const history& history_;
  std::unordered_map<write_id, position> positions_;
  std::map<key, std::vector<position>> list_positions_; ///< Of the writers of its values.
  std::map<key, std::vector<std::pair<position, std::int64_t>>> register_versions_;
  std::vector<finding> findings_;
};

} // namespace quire::tests

#pragma once

#include "quire/tests/torture/subject.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace quire::tests {

/// Faults that somebody could make who writes a group commit.
enum class flaw : std::uint8_t {
  none,
  acknowledges_before_commit, ///< The commit follows at the beginning of the next batch.
  keeps_results_of_first_run, ///< Answers with what was known before anything was run again.
  forgets_survivors,          ///< After a rollback only later members are run again.
  uses_no_savepoints,         ///< What a failed member wrote before stays.
  does_not_number,            ///< The number of a commit is counted, but not stored.
  commits_with_the_spoiler,   ///< Goes on where the transaction has been rolled back.
};

/// A group commit without any of the shortcuts of the real one: right if it has no
/// flaw. It shows that the torture finds each of them, and accuses nobody else.
class small_executor : public subject {
public:
  small_executor(connection_opener open, flaw planted);
  ~small_executor() override;

  std::vector<storage::member_result> execute(
    std::span<storage::batch_member* const> members) override;
  storage::connection& db() override;
  std::int64_t replays() const override { return replays_; }

private:
  using indices = std::vector<std::size_t>;
  using members = std::span<storage::batch_member* const>;
  using results = std::vector<storage::member_result>;

  void run_together(members all, indices waiting, results& told);
  /// Returns which members must be run again.
  indices attempt(members all, const indices& which, results& told);
  /// Returns false if the transaction is gone.
  bool run_member(storage::batch_member& one, storage::member_result& told);
  void finish(const indices& kept, results& told);
  void commit();

  connection_opener open_;
  flaw planted_;
  std::optional<storage::connection> db_;
  std::uint64_t seq_ = 0;
  bool commit_is_due_ = false;
  std::int64_t replays_ = 0;
};

} // namespace quire::tests

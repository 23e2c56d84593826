#pragma once

#include "quire/tests/storage/oracle_generator.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace quire::tests {

/// What became of one member, as far as anybody can tell.
struct oracle_outcome {
  std::optional<errc> code;
  std::int64_t rows_changed = 0;
  std::int64_t last_rowid = 0;
  std::vector<event> events;
  observations seen;
};

/// Two databases that begin alike. What one gets in batches the other one gets member
/// by member, each in a transaction that no batch_executor has touched.
class oracle_twins {
public:
  using members = std::span<storage::batch_member* const>;
  /// Runs a batch, as batch_executor::execute does. A wrong one must be found out.
  using runner =
    std::function<std::vector<storage::member_result>(storage::batch_executor&, members)>;

  /// The seed decides about everything.
  explicit oracle_twins(std::uint64_t seed, runner run = run_batch);

  /// Runs one random batch on both.
  /// @returns how they differ, if they do.
  std::optional<std::string> next_round();

  /// Returns what is wrong with the database at the end, if anything is.
  std::optional<std::string> last_look();

  std::int64_t members_run() const noexcept { return members_run_; }
  std::int64_t failed() const noexcept { return failed_; }
  std::int64_t replays() const noexcept { return replays_; }
  std::int64_t commits() const noexcept { return commits_; }

  static std::vector<storage::member_result> run_batch(storage::batch_executor& batch,
                                                       members all) {
    return batch.execute(all);
  }

private:
  storage::connection_options options(const std::string& name) const;
  void open();
  void count();
  std::optional<std::string> compare(oracle_member& one, const storage::member_result& result,
                                     const oracle_outcome& expected);
  std::optional<std::string> compare_tables();
  oracle_outcome run_alone(oracle_member& one);

  temp_dir dir_;
  std::uint64_t seed_;
  runner run_;
  bool precompiled_; ///< Whether there is transaction control in the caches.
  asked_limit limit_;
  oracle_generator generator_;
  std::optional<storage::batch_executor> batch_;
  std::optional<storage::connection> twin_;
  std::uint64_t last_seq_ = 0;
  std::int64_t rounds_ = 0;
  std::int64_t members_run_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t replays_ = 0;
  std::int64_t commits_ = 0;
};

} // namespace quire::tests

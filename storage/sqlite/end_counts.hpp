#pragma once

#include "quire/messages/types/task.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace quire::storage {

class connection;

/// How many tasks more, or fewer, have ended in each state than the row of `quire_commit` says:
/// what a transaction that is open has not written yet. See `transaction::count_end`.
class end_counts {
public:
  /// Counts `tasks` more in `state`, fewer if less than 0. Does nothing for a state that is not
  /// terminal: tasks that have not ended are found by their indexes.
  void add(task_state state, std::int64_t tasks) noexcept;

  /// Returns how many more there are; 0 for a state that is not terminal.
  std::int64_t of(task_state state) const noexcept;

  bool empty() const noexcept { return more_ == decltype(more_){}; }

  /// Adds them to that row; then there are none any more. Costs nothing where nothing was
  /// counted, else one statement, and no page more than the number of a batch.
  /// @throws error; the transaction must not be committed then.
  void write(connection& db);

private:
  static constexpr auto first = static_cast<std::size_t>(task_state::completed);

  std::array<std::int64_t, 5> more_{}; ///< By state, from `first`.
};

} // namespace quire::storage

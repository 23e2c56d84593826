#pragma once

#include "quire/messages/types/value.hpp"
#include "quire/storage/sqlite/batch_executor.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace quire::tests {

/// A deadline that knows no clock: it counts how often SQLite asked whether it is
/// over. One for all databases of a test, for whichever member runs now.
class asked_limit {
public:
  /// A member begins: until `stop_after` it may run for as long as it wants.
  void begin() { left_ = -1; }
  /// From now on SQLite may ask `calls` times; then the time is up.
  void stop_after(int calls) { left_ = calls; }
  bool over() { return left_ == 0 || (left_ > 0 && --left_ == 0); }

private:
  int left_ = -1;
};

/// What a member read and what its statements told it.
using observations = std::vector<value>;

/// A member that notes what it sees, so that two executions can be compared.
struct oracle_member : storage::batch_member {
  using function = std::function<void(storage::transaction&, observations&)>;

  void run(storage::transaction& tx) override {
    ++runs;
    seen.clear();
    work(tx, seen);
  }
  durability sync() const noexcept override { return how_sure; }
  bool single_statement() const noexcept override { return single; }
  bool alone() const noexcept override { return apart; }

  std::string text; ///< What it does, for people.
  function work;
  bool single = false;
  bool apart = false;
  durability how_sure = durability::normal;
  int runs = 0;
  observations seen; ///< By the last call of `run`.
};

} // namespace quire::tests

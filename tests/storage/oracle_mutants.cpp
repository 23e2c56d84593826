#include "quire/tests/storage/oracle_mutants.hpp"

#include <memory>
#include <utility>

namespace quire::tests {

namespace {

using storage::batch_executor;
using storage::batch_member;
using storage::member_result;
using storage::transaction;

/// A member that says something untrue about another one.
struct disguise : batch_member {
  explicit disguise(batch_member& real) : original(real) {}

  void run(transaction& tx) override { original.run(tx); }
  durability sync() const noexcept override { return original.sync(); }
  bool single_statement() const noexcept override { return original.single_statement(); }
  bool alone() const noexcept override { return original.alone(); }

  batch_member& original;
};

/// Runs all members in a disguise.
template <class Disguise>
std::vector<member_result> run_disguised(batch_executor& batch, oracle_twins::members all) {
  std::vector<std::unique_ptr<Disguise>> disguises;
  std::vector<batch_member*> pointers;
  for (auto* one : all)
    pointers.push_back(disguises.emplace_back(std::make_unique<Disguise>(*one)).get());
  return batch.execute(pointers);
}

struct claims_one_statement : disguise {
  using disguise::disguise;
  bool single_statement() const noexcept override { return true; }
};

struct repeats_what_is_alone : disguise {
  using disguise::disguise;
  bool alone() const noexcept override { return false; }
};

/// As if the transaction of its first run were still there.
struct is_dropped_by_a_replay : disguise {
  using disguise::disguise;
  void run(transaction& tx) override {
    if (!std::exchange(ran, true))
      original.run(tx);
  }
  bool ran = false;
};

struct keeps_events_of_all_runs : disguise {
  using disguise::disguise;
  void run(transaction& tx) override {
    for (auto& one : earlier)
      tx.announce(one);
    original.run(tx);
    earlier = tx.events();
  }
  std::vector<event> earlier;
};

/// As if SQLite undid every statement that fails.
struct trusts_every_failure : disguise {
  using disguise::disguise;
  void run(transaction& tx) override {
    try {
      original.run(tx);
    } catch (const storage::error& failure) {
      throw storage::error(failure.code(), failure.what());
    }
  }
};

/// Its failure is forgotten: neighbours are kept with what it left.
struct hides_its_failure : disguise {
  using disguise::disguise;
  void run(transaction& tx) override {
    try {
      original.run(tx);
    } catch (const storage::error&) {
    }
  }
};

std::vector<member_result> swap_two(batch_executor& batch, oracle_twins::members all) {
  auto results = batch.execute(all);
  if (results.size() > 2)
    std::swap(results.front(), results.back());
  return results;
}

std::vector<member_result> keep_rowids(batch_executor& batch, oracle_twins::members all) {
  auto results = batch.execute(all);
  std::int64_t last = 0;
  for (auto& one : results)
    if (!one.failure)
      last = one.last_rowid = one.last_rowid == 0 ? last : one.last_rowid;
  return results;
}

/// Each member of a batch that had to be replayed is committed, says the answer.
std::vector<member_result> forgive_spoilers(batch_executor& batch, oracle_twins::members all) {
  auto before = batch.totals().replays;
  auto results = batch.execute(all);
  if (batch.totals().replays > before)
    for (auto& one : results)
      if (one.failure)
        one = {std::nullopt, batch.commit_seq(), 0, 0, {}};
  return results;
}

} // namespace

std::vector<oracle_mutant> oracle_mutants() {
  return {
    {"several statements without a savepoint", run_disguised<claims_one_statement>},
    {"a member that is alone is repeated", run_disguised<repeats_what_is_alone>},
    {"a survivor is dropped when a batch is replayed", run_disguised<is_dropped_by_a_replay>},
    {"events of earlier runs are kept", run_disguised<keeps_events_of_all_runs>},
    {"every failed statement is said to be undone", run_disguised<trusts_every_failure>},
    {"a failure is hidden", run_disguised<hides_its_failure>},
    {"two results are swapped", swap_two},
    {"the rowid of a neighbour is told", keep_rowids},
    {"a spoiler is said to be committed", forgive_spoilers},
  };
}

} // namespace quire::tests

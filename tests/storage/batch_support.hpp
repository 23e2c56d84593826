#pragma once

#include "quire/storage/sqlite/batch_executor.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace quire::tests {

/// A member made of a function.
struct member : storage::batch_member {
  using function = std::function<void(storage::transaction&)>;

  explicit member(function run_it, bool is_single = false, bool is_alone = false,
                  durability how = durability::normal)
    : work(std::move(run_it)), single(is_single), apart(is_alone), how_sure(how) {}

  void run(storage::transaction& tx) override {
    ++runs;
    work(tx);
  }
  durability sync() const noexcept override { return how_sure; }
  bool single_statement() const noexcept override { return single; }
  bool alone() const noexcept override { return apart; }

  function work;
  bool single;
  bool apart;
  durability how_sure;
  int runs = 0;
};

/// A member that runs one statement, without a savepoint.
inline member single(const std::string& sql) {
  return member{[sql](auto& tx) { tx.execute(sql); }, true};
}

/// A member that runs statements, within a savepoint.
inline member many(std::vector<std::string> statements) {
  return member{[statements](auto& tx) {
    for (auto& sql : statements)
      tx.execute(sql);
  }};
}

inline std::vector<storage::member_result> execute(storage::batch_executor& batch,
                                                   std::vector<member>& members) {
  std::vector<storage::batch_member*> pointers;
  for (auto& one : members)
    pointers.push_back(&one);
  return batch.execute(pointers);
}

} // namespace quire::tests

#pragma once

#include "quire/tests/support/seeded.hpp"
#include "quire/tests/storage/oracle_member.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quire::tests {

/// Makes members of every kind, the same ones for the same seed.
class oracle_generator {
public:
  /// @param limit what the members that do not end by themselves set.
  /// @param schema_changes whether members may change the schema.
  oracle_generator(std::uint64_t seed, asked_limit& limit, bool schema_changes)
    : chance_(seed), limit_(&limit), schema_changes_(schema_changes) {}

  /// Makes the members of one batch. Some batches are calm, in others many
  /// members spoil the transaction.
  std::vector<oracle_member> next_batch();

  /// Returns true in `percent` of all cases.
  bool happens(int percent) { return chance_.happens(percent); }

private:
  /// One statement of a member.
  struct step {
    std::string sql;
    bool caught = false; ///< The member goes on if it fails.
    int calls = 0;       ///< After so many questions its time is up; 0: never.
    int rows_max = 1000; ///< More of them are refused.
  };

  static void perform(storage::transaction& tx, observations& seen, const step& one,
                      asked_limit& limit);
  std::string filled(std::string_view pattern);
  std::string any_of(std::span<const char* const> list);
  step any_step();
  oracle_member next();
  oracle_member one_statement();
  oracle_member several_statements();
  oracle_member function();
  oracle_member counting_function();
  oracle_member made_of(std::vector<step> steps);

  seeded_choice chance_;
  asked_limit* limit_;
  bool schema_changes_;
  int spoiling_ = 0; ///< Percent of the statements in this batch.
  int failing_ = 0;
  int schema_ = 0;
};

} // namespace quire::tests

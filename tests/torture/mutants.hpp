#pragma once

#include "quire/tests/torture/power.hpp"
#include "quire/tests/torture/subject.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quire::tests {

/// Asks the storage core for less than the clients did, and tells them nothing.
class unsure_subject : public real_subject {
public:
  using real_subject::real_subject;

  std::vector<storage::member_result> execute(
    std::span<storage::batch_member* const> members) override;
};

/// Takes a COMMIT whose outcome is unknown for one that did nothing.
class hasty_subject : public real_subject {
public:
  using real_subject::real_subject;

  std::vector<storage::member_result> execute(
    std::span<storage::batch_member* const> members) override;
};

/// Moves the log on a second connection, while the first one commits: what decision 6
/// of ARCHITECTURE.md rules out.
class racing_subject : public real_subject {
public:
  explicit racing_subject(const connection_opener& open) : real_subject(open), open_(open) {}

  void checkpoint(bool truncate, const std::function<void()>& meanwhile) override;

private:
  connection_opener open_;
  std::optional<storage::connection> other_;
};

/// Something that is wrong, and must be found out.
struct mutant {
  std::string name;
  power_plan plan;
};

/// All mutants there are.
std::vector<mutant> all_mutants();

} // namespace quire::tests

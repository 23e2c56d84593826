#include "quire/tests/torture/mutants.hpp"

#include "quire/tests/support/memory_vfs.hpp"
#include "quire/tests/torture/small_executor.hpp"

#include <utility>

namespace quire::tests {

namespace {

/// A member whose wish to be sure is not passed on.
class unsure_member : public storage::batch_member {
public:
  explicit unsure_member(storage::batch_member& inner) : inner_(&inner) {}

  void run(storage::transaction& tx) override { inner_->run(tx); }
  durability sync() const noexcept override { return durability::normal; }
  bool single_statement() const noexcept override { return inner_->single_statement(); }
  bool alone() const noexcept override { return inner_->alone(); }

private:
  storage::batch_member* inner_;
};

/// A connection that never synchronizes: a member that is not sure leaves it so.
std::unique_ptr<subject> never_synchronizing(const connection_opener& open) {
  return std::make_unique<unsure_subject>([open] {
    auto db = open();
    db.execute("PRAGMA synchronous=OFF");
    return db;
  });
}

power_plan with(subject_maker make) {
  power_plan plan;
  plan.make = std::move(make);
  return plan;
}

power_plan on_disk_that(disk_lies lies) {
  power_plan plan;
  plan.lies = lies;
  return plan;
}

/// What a checkpoint beside a commit damages shows only after the log has grown, was
/// moved and was begun anew.
power_plan racing() {
  auto plan = with(made_by<racing_subject>());
  plan.batches_max = 60;
  plan.operations_max = 3000;
  return plan;
}

} // namespace

std::vector<storage::member_result> unsure_subject::execute(
  std::span<storage::batch_member* const> members) {
  std::vector<unsure_member> unsure;
  for (auto* one : members)
    unsure.emplace_back(*one);
  std::vector<storage::batch_member*> passed_on;
  for (auto& one : unsure)
    passed_on.push_back(&one);
  return real_subject::execute(passed_on);
}

std::vector<storage::member_result> hasty_subject::execute(
  std::span<storage::batch_member* const> members) {
  auto told = real_subject::execute(members);
  for (auto& one : told)
    if (one.failure && one.failure->code() == errc::commit_outcome_unknown)
      one.failure = storage::error(errc::io, one.failure->what());
  return told;
}

void racing_subject::checkpoint(bool truncate, const std::function<void()>& meanwhile) {
  real_subject::checkpoint(truncate, nullptr);
  if (!other_)
    other_ = open_();
  before_next_checkpoint(meanwhile);
  other_->checkpoint(false);
  before_next_checkpoint(nullptr);
}

std::vector<mutant> all_mutants() {
  auto flawed = [](flaw planted) { return with(made_by<small_executor>(planted)); };
  return {
    {"full durability is claimed, but NORMAL is what is used", with(made_by<unsure_subject>())},
    {"full durability is claimed, but OFF is what is used", with(never_synchronizing)},
    {"a disk synchronizes nothing", on_disk_that({.sync_does_nothing = true})},
    {"a disk loses writes into the log", on_disk_that({.log_writes_are_lost = true})},
    {"a folder is not synchronized", on_disk_that({.names_are_not_synced = true})},
    {"acknowledged before the commit", flawed(flaw::acknowledges_before_commit)},
    {"results of the first run are kept", flawed(flaw::keeps_results_of_first_run)},
    {"survivors of a rollback are not run again", flawed(flaw::forgets_survivors)},
    {"savepoints are left out", flawed(flaw::uses_no_savepoints)},
    {"commits are not numbered", flawed(flaw::does_not_number)},
    {"a transaction goes on after a rollback", flawed(flaw::commits_with_the_spoiler)},
    {"an unknown outcome is called a failure", with(made_by<hasty_subject>())},
    {"a checkpoint races commits", racing()},
  };
}

} // namespace quire::tests

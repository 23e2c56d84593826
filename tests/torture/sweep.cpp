#include "quire/tests/torture/sweep.hpp"

#include "quire/storage/sqlite/transaction.hpp"
#include "quire/tests/support/memory_vfs.hpp"
#include "quire/tests/torture/promises.hpp"

#include <sqlite3.h>

#include <initializer_list>
#include <memory>
#include <optional>

namespace quire::tests {

namespace {

constexpr std::uint64_t seed_of_requests = 7; // The same ones in each run.
constexpr int tries_to_open = 3;

storage::connection_options options_on_disk() {
  storage::connection_options options;
  options.path = "sweep.db";
  options.vfs = memory_vfs_name;
  options.patience = std::chrono::milliseconds{0};
  return options;
}

class sweep {
public:
  sweep(sweep_scenario scenario, planted_fault& fault, std::uint64_t seed,
        const subject_maker& make)
    : scenario_(scenario), fault_(fault), make_(make), chance_(seed_of_requests), disk_(seed, {}),
      plug_(disk_, seed), requests_(chance_, triggers), book_(triggers) {}

  sweep_report run();

private:
  using kinds = std::initializer_list<request_kind>;
  static constexpr bool triggers = false;

  void prepare();
  void do_commits();
  void do_checkpoints();
  void do_recovery();
  bool open();
  void close();
  void batch(kinds which, durability how);
  void move_log(bool truncate);
  void read();
  void work_again();
  void look_again(disaster after);

  sweep_scenario scenario_;
  planted_fault& fault_;
  const subject_maker& make_;
  seeded_choice chance_;
  memory_disk disk_;
  plugged_disk plug_;
  request_source requests_;
  promise_book book_;
  std::unique_ptr<subject> subject_;
  std::optional<storage::connection> reader_;
  std::optional<storage::read_guard> snapshot_;
};

sweep_report sweep::run() {
  prepare();
  fault_.plant(disk_);
  switch (scenario_) {
    case sweep_scenario::commits:
    case sweep_scenario::power_cut: do_commits(); break;
    case sweep_scenario::checkpoints: do_checkpoints(); break;
    case sweep_scenario::recovery: do_recovery(); break;
  }
  sweep_report report;
  report.struck = fault_.struck(disk_);
  fault_.remove(disk_);
  work_again();
  if (scenario_ == sweep_scenario::power_cut) {
    disk_.cut_off();
    close();
  } else {
    move_log(false);
    close();
    look_again(disaster::none);
  }
  disk_.lose_power();
  look_again(disaster::power_loss);
  report.committed = book_.committed();
  report.refused = book_.refused();
  report.unknown = book_.unknown();
  report.violations = book_.violations();
  return report;
}

void sweep::prepare() {
  {
    auto db = storage::connection::open_writer(options_on_disk());
    storage::transaction_guard guard{db};
    db.execute(torture_tables_sql);
    guard.commit();
  }
  open();
  using enum request_kind;
  batch({one_row, several, large, family}, durability::full);
  batch({rows_at_once, transfer}, durability::normal);
  if (scenario_ == sweep_scenario::recovery)
    disk_.cut_off();
  close();
  disk_.revive();
  if (scenario_ != sweep_scenario::commits && scenario_ != sweep_scenario::power_cut)
    return;
  open();
  reader_ = storage::connection::open_reader(options_on_disk());
  snapshot_.emplace(*reader_);
  read();
}

void sweep::do_commits() {
  using enum request_kind;
  batch({one_row, duplicate_late, several}, durability::normal);
  batch({large, transfer, family}, durability::full);
  batch({several, or_fail, rows_at_once, or_rollback, orphan, one_row}, durability::normal);
  read();
  batch({separate, thrown, announced}, durability::full);
  batch({one_row}, durability::normal);
}

void sweep::do_checkpoints() {
  using enum request_kind;
  if (!open())
    return;
  batch({large, several, duplicate}, durability::normal);
  move_log(false);
  batch({transfer, or_rollback_late, one_row}, durability::full);
  move_log(true);
  batch({rows_at_once, wrong_type}, durability::normal);
  read();
  move_log(true);
  batch({family}, durability::full);
}

void sweep::do_recovery() {
  using enum request_kind;
  if (!open())
    return;
  read();
  batch({several, orphan_late, one_row}, durability::full);
  batch({transfer, large}, durability::normal);
  close();
}

/// Opens it if it is not. Returns false if the fault does not allow it.
bool sweep::open() {
  for (int i = 0; i < tries_to_open && !subject_; ++i) {
    try {
      subject_ = make_([] { return storage::connection::open_writer(options_on_disk()); });
    } catch (const storage::error& failure) {
      if (!fault_.struck(disk_))
        book_.accuse(std::string{"it cannot be opened: "} + failure.what());
    }
  }
  return subject_ != nullptr;
}

void sweep::close() {
  snapshot_.reset();
  reader_.reset();
  subject_.reset();
}

void sweep::batch(kinds which, durability how) {
  std::vector<request> asked;
  for (auto kind : which)
    asked.push_back(requests_.make(kind, how));
  std::vector<storage::batch_member*> members;
  for (auto& one : asked)
    members.push_back(&one.work);
  auto told = subject_->execute(members);
  book_.note(asked, told, fault_.struck(disk_));
}

void sweep::move_log(bool truncate) {
  if (!subject_)
    return;
  try {
    subject_->db().checkpoint(truncate);
  } catch (const storage::error& failure) {
    if (!fault_.struck(disk_))
      book_.accuse(std::string{"the log cannot be moved: "} + failure.what());
  }
}

/// Reads on a connection of its own: either it fails, or what it read is true.
void sweep::read() {
  try {
    if (!reader_)
      reader_ = storage::connection::open_reader(options_on_disk());
    book_.check_snapshot(*reader_);
    auto stmt = reader_->prepare("SELECT filler FROM part WHERE member = 1");
    if (!stmt->step() || stmt->text(0).empty())
      book_.accuse("a reader was given nothing instead of a text");
    stmt->reset();
  } catch (const storage::error& failure) {
    if (!fault_.struck(disk_))
      book_.accuse(std::string{"a reader failed: "} + failure.what());
  }
}

/// The fault is gone: everything is accepted again, on the connection that was there.
void sweep::work_again() {
  if (!open())
    return;
  for (auto kind : {request_kind::one_row, request_kind::transfer}) {
    auto asked = std::vector{requests_.make(kind, durability::full)};
    auto told = subject_->execute(std::array<storage::batch_member*, 1>{&asked[0].work});
    if (told[0].failure)
      book_.accuse(std::string{"it does not work again: "} + told[0].failure->what());
    book_.note(asked, told, true);
  }
}

void sweep::look_again(disaster after) {
  try {
    auto db = storage::connection::open_writer(options_on_disk());
    book_.check(db, after, false);
  } catch (const storage::error& failure) {
    book_.accuse(std::string{"it cannot be looked at again: "} + failure.what());
  }
}

} // namespace

const char* name_of(sweep_scenario scenario) {
  switch (scenario) {
    case sweep_scenario::commits: return "commits";
    case sweep_scenario::checkpoints: return "checkpoints";
    case sweep_scenario::recovery: return "recovery";
    case sweep_scenario::power_cut: return "power_cut";
  }
  return "";
}

sweep_report sweep_once(sweep_scenario scenario, planted_fault& fault, std::uint64_t seed,
                        const subject_maker& make) {
  auto before = sqlite3_memory_used();
  auto report = sweep{scenario, fault, seed, make}.run();
  if (auto open = open_files_of_memory_vfs(); open != 0)
    report.violations.push_back(std::to_string(open) + " files were left open");
  if (auto more = sqlite3_memory_used() - before; more > 0)
    report.violations.push_back(std::to_string(more) + " bytes of SQLite's memory were left");
  return report;
}

} // namespace quire::tests

#include "quire/tests/torture/power.hpp"

#include "quire/storage/sqlite/transaction.hpp"
#include "quire/tests/support/memory_vfs.hpp"
#include "quire/tests/torture/promises.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace quire::tests {

namespace {

constexpr auto path = "torture.db";

storage::connection_options options_on_disk() {
  storage::connection_options options;
  options.path = path;
  options.vfs = memory_vfs_name;
  options.patience = std::chrono::milliseconds{0};
  return options;
}

/// A reader, with a snapshot now and then.
struct reader {
  explicit reader(storage::connection opened) : db(std::move(opened)) {}

  storage::connection db;
  std::optional<storage::read_guard> snapshot;
};

class history {
public:
  explicit history(const power_plan& plan)
    : plan_(plan), chance_(plan.seed), triggers_(plan.seed % 2 == 0), disk_(plan.seed, plan.lies),
      plug_(disk_, plan.seed), requests_(chance_, triggers_), book_(triggers_) {}

  power_report run();

private:
  void live();
  bool boot();
  void open_readers();
  void serve();
  void run_batch();
  void move_log();
  void look();
  void stop();
  void end_life();

  const power_plan& plan_;
  seeded_choice chance_;
  bool triggers_;
  memory_disk disk_;
  plugged_disk plug_;
  request_source requests_;
  promise_book book_;
  std::unique_ptr<subject> subject_;
  std::vector<std::unique_ptr<reader>> readers_;
  disaster before_ = disaster::none; ///< What ended the life before.
  power_report report_;
  trace events_;
};

power_report history::run() {
  for (int i = 0; i < plan_.lives && book_.violations().empty(); ++i) {
    live();
    end_life();
  }
  report_.committed = book_.committed();
  report_.refused = book_.refused();
  report_.unknown = book_.unknown();
  report_.taken_back = book_.taken_back();
  events_.add("end", report_.committed, report_.unknown);
  report_.fingerprint = events_.fingerprint();
  report_.violations = book_.violations();
  return report_;
}

void history::live() {
  // A cut may also strike while the database is created, or looked at.
  disk_faults early;
  if (chance_.happens(10))
    early.power_off_at = chance_.between(1, 30);
  disk_.plan(early);
  if (!boot() || !book_.violations().empty())
    return;
  open_readers();
  disk_faults faults;
  faults.power_off_at = chance_.between(1, plan_.operations_max);
  disk_.plan(faults);
  serve();
  if (disk_.powered() && chance_.happens(30))
    stop();
}

/// Returns false if the power went before anything could be served.
bool history::boot() {
  try {
    subject_ = plan_.make([] { return storage::connection::open_writer(options_on_disk()); });
    auto& db = subject_->db();
    if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'part'")->step()) {
      storage::transaction_guard guard{db};
      db.execute(torture_tables_sql);
      if (triggers_)
        db.execute(torture_triggers_sql);
      guard.commit();
      // Opened anew, so that its number is known from the first commit on.
      subject_.reset();
      subject_ = plan_.make([] { return storage::connection::open_writer(options_on_disk()); });
    }
    book_.check(subject_->db(), before_, true);
    before_ = disaster::none;
    return true;
  } catch (const storage::error& failure) {
    if (disk_.powered())
      book_.accuse(std::string{"it cannot be opened: "} + failure.what());
    return false;
  }
}

void history::open_readers() {
  for (auto count = chance_.below(3); count > 0; --count) {
    auto db = storage::connection::open_reader(options_on_disk());
    readers_.push_back(std::make_unique<reader>(std::move(db)));
  }
}

void history::serve() {
  for (auto left = chance_.between(1, plan_.batches_max); left > 0 && disk_.powered(); --left) {
    run_batch();
    if (disk_.powered() && chance_.happens(15))
      move_log();
    if (disk_.powered() && !readers_.empty() && chance_.happens(25))
      look();
  }
}

void history::run_batch() {
  auto how = plan_.sure;
  if (how == durability::normal && chance_.happens(10))
    how = durability::full;
  std::vector<request> asked;
  for (auto count = 1 + chance_.below(8); count > 0; --count)
    asked.push_back(requests_.next(how));
  std::vector<storage::batch_member*> members;
  for (auto& one : asked)
    members.push_back(&one.work);
  auto replays = subject_->replays();
  auto told = subject_->execute(members);
  report_.replays += subject_->replays() - replays;
  book_.note(asked, told, !disk_.powered());
  events_.add("batch", static_cast<std::int64_t>(asked.size()), disk_.operations());
}

void history::move_log() {
  try {
    subject_->checkpoint(chance_.happens(50), [this] { run_batch(); });
    ++report_.checkpoints;
  } catch (const storage::error& failure) {
    if (disk_.powered())
      book_.accuse(std::string{"the log cannot be moved: "} + failure.what());
  }
}

/// Lets one of the readers take a snapshot, look at it again, or give it back.
void history::look() {
  auto& one = *chance_.one_of(readers_);
  if (!one.snapshot)
    one.snapshot.emplace(one.db);
  book_.check_snapshot(one.db);
  ++report_.snapshots;
  if (chance_.happens(40))
    one.snapshot.reset();
}

/// Closes all in good order; the power may go meanwhile.
void history::stop() {
  readers_.clear();
  subject_.reset();
  if (disk_.powered())
    book_.note_durable();
}

void history::end_life() {
  disk_.cut_off();
  readers_.clear();
  subject_.reset();
  if (auto open = open_files_of_memory_vfs(); open != 0)
    book_.accuse(std::to_string(open) + " files were left open");
  if (chance_.happens(20)) {
    disk_.revive();
    ++report_.process_deaths;
  } else {
    disk_.lose_power();
    before_ = disaster::power_loss;
    ++report_.power_cuts;
  }
}

} // namespace

power_report& power_report::operator+=(const power_report& other) {
  power_cuts += other.power_cuts;
  process_deaths += other.process_deaths;
  committed += other.committed;
  refused += other.refused;
  unknown += other.unknown;
  taken_back += other.taken_back;
  replays += other.replays;
  checkpoints += other.checkpoints;
  snapshots += other.snapshots;
  violations.insert(violations.end(), other.violations.begin(), other.violations.end());
  return *this;
}

power_report torture_by_power(const power_plan& plan) {
  return history{plan}.run();
}

} // namespace quire::tests

#include "quire/tests/storage/oracle_twins.hpp"

#include "quire/tests/storage/oracle_sql.hpp"
#include "quire/tests/storage/storage_support.hpp"

#include "quire/storage/sqlite/connection_state.hpp"

#include <algorithm>
#include <utility>

namespace quire::tests {

using storage::connection;
using storage::transaction_control;

namespace {

/// The tables of an application, those of virtual tables by what these show.
constexpr auto find_tables_sql = R"(
SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'quire_commit'
  AND name NOT GLOB 'words_*' AND name NOT GLOB 'box_*' AND sql <> ''
UNION ALL SELECT 'temp.' || name FROM sqlite_temp_schema WHERE type = 'table' ORDER BY 1)";

constexpr auto schema_sql = R"(
SELECT type, name, tbl_name, sql FROM sqlite_schema
UNION ALL SELECT type, name, tbl_name, sql FROM sqlite_temp_schema ORDER BY 1, 2)";

constexpr std::int64_t frames_max = 2000;

std::string name_of(const std::optional<errc>& code) {
  return code ? std::string{to_string(*code)} : "committed";
}

std::string shown(const observations& seen) {
  std::string result;
  for (auto& x : seen)
    result += " " + to_display(x);
  return result;
}

bool same(const event& a, const event& b) {
  return a.what == b.what && a.ref == b.ref;
}

} // namespace

oracle_twins::oracle_twins(std::uint64_t seed, runner run)
  : seed_(seed), run_(std::move(run)), precompiled_(seed % 5 == 3),
    generator_(seed, limit_, !precompiled_) {
  for (auto* name : {"batch.db", "twin.db"}) {
    auto db = connection::open_writer(options(name));
    db.execute(oracle_sql::tables);
    if (seed % 2 == 1)
      db.execute(oracle_sql::triggers);
  }
  open();
}

storage::connection_options oracle_twins::options(const std::string& name) const {
  auto result = impatient(dir_ / name);
  result.checkpoint_on_close = false; // For the sake of time only.
  result.statements_max = 10'000;
  return result;
}

/// A batch_executor that has seen a bad member is more careful for a while: only a new
/// one takes the shortest ways.
void oracle_twins::open() {
  count();
  batch_.reset();
  twin_.reset();
  batch_.emplace([this] { return connection::open_writer(options("batch.db")); },
                 storage::batch_executor::time_limit{[this] { limit_.begin(); },
                                                     [this] { return limit_.over(); }},
                 static_cast<int>(seed_ / 2 % 4));
  twin_.emplace(connection::open_writer(options("twin.db")));
  twin_->limit_running([this] { return limit_.over(); });
  for (auto* db : {&batch_->db(), &*twin_}) {
    // What was compiled before it is forbidden gets as far as SQLite itself, until a
    // change of the schema lets it be compiled again.
    if (precompiled_)
      for (auto* sql : {"BEGIN", "COMMIT", "BEGIN", "ROLLBACK"})
        db->prepare(sql)->run();
    if (db->wal_frames() > frames_max)
      db->checkpoint(true);
  }
}

void oracle_twins::count() {
  if (!batch_)
    return;
  replays_ += batch_->totals().replays;
  commits_ += batch_->totals().commits;
}

/// What `one` does in a transaction of its own, without a batch_executor.
oracle_outcome oracle_twins::run_alone(oracle_member& one) {
  oracle_outcome result;
  auto& db = *twin_;
  try {
    storage::transaction_guard guard{db};
    transaction_control::forget_rowid(db);
    auto before = db.total_changes();
    storage::transaction tx{db};
    {
      transaction_control::restriction no_control{db};
      limit_.begin();
      one.work(tx, result.seen);
    }
    if (transaction_control::lost(db))
      throw storage::error(errc::sql, "it has ended its own transaction");
    result.rows_changed = db.total_changes() - before;
    result.last_rowid = db.last_insert_rowid();
    result.events = tx.events();
    guard.commit();
    return result;
  } catch (const storage::error& failure) {
    result.code = failure.code();
  } catch (...) {
    result.code = errc::function_failed;
  }
  limit_.begin();
  return {result.code, 0, 0, {}, std::move(result.seen)};
}

std::optional<std::string> oracle_twins::next_round() {
  ++rounds_;
  if (generator_.happens(35))
    open();
  auto all = generator_.next_batch();
  std::vector<storage::batch_member*> pointers;
  for (auto& one : all)
    pointers.push_back(&one);
  auto results = run_(*batch_, pointers);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ++members_run_;
    failed_ += results[i].failure ? 1 : 0;
    if (auto difference = compare(all[i], results[i], run_alone(all[i]))) {
      auto text = "round " + std::to_string(rounds_) + ", member " + std::to_string(i) + " of "
                  + std::to_string(all.size()) + ": " + *difference + "\n  it was: " + all[i].text;
      if (results[i].failure)
        text += "\n  it said: " + std::string{results[i].failure->what()};
      for (std::size_t k = 0; k < i; ++k)
        text += "\n  before: " + all[k].text + " (" + (results[k].failure ? "failed)" : "kept)");
      return text;
    }
  }
  if (auto difference = compare_tables()) {
    auto text = "round " + std::to_string(rounds_) + ": " + *difference;
    for (std::size_t k = 0; k < all.size(); ++k)
      text += "\n  " + all[k].text + " (" + (results[k].failure ? "failed)" : "kept)");
    return text;
  }
  return std::nullopt;
}

std::optional<std::string> oracle_twins::compare(oracle_member& one,
                                                 const storage::member_result& result,
                                                 const oracle_outcome& expected) {
  std::optional<errc> code;
  if (result.failure)
    code = result.failure->code();
  if (code != expected.code)
    return name_of(code) + " instead of " + name_of(expected.code);
  auto differ = [](const char* what, std::int64_t is, std::int64_t should_be) {
    return std::string{what} + " " + std::to_string(is) + " instead of "
           + std::to_string(should_be);
  };
  if (result.rows_changed != expected.rows_changed)
    return differ("rows changed:", result.rows_changed, expected.rows_changed);
  if (result.last_rowid != expected.last_rowid)
    return differ("last rowid:", result.last_rowid, expected.last_rowid);
  if (!std::equal(result.events.begin(), result.events.end(), expected.events.begin(),
                  expected.events.end(), same))
    return differ("other events; their number:", static_cast<std::int64_t>(result.events.size()),
                  static_cast<std::int64_t>(expected.events.size()));
  if (one.seen != expected.seen)
    return "it saw" + shown(one.seen) + " instead of" + shown(expected.seen);
  if (one.apart && one.runs != 1)
    return differ("runs of a member that is alone:", one.runs, 1);
  if (code)
    return result.commit_seq == 0 ? std::nullopt
                                  : std::optional{std::string{"a commit number of a failure"}};
  if (result.commit_seq < last_seq_ || result.commit_seq == 0)
    return differ("commit number:", static_cast<std::int64_t>(result.commit_seq),
                  static_cast<std::int64_t>(last_seq_));
  last_seq_ = result.commit_seq;
  return std::nullopt;
}

std::optional<std::string> oracle_twins::compare_tables() {
  auto& db = batch_->db();
  if (!db.autocommit())
    return "a transaction is open";
  if (rows_of(db, schema_sql) != rows_of(*twin_, schema_sql))
    return "the schema differs";
  if (rows_of(db, "PRAGMA user_version") != rows_of(*twin_, "PRAGMA user_version"))
    return "the header differs";
  for (auto& row : rows_of(*twin_, find_tables_sql).rows) {
    auto sql = "SELECT * FROM " + row[0].text();
    if (rows_of(db, sql) != rows_of(*twin_, sql))
      return "the table " + row[0].text() + " differs";
  }
  return std::nullopt;
}

std::optional<std::string> oracle_twins::last_look() {
  count();
  auto& db = batch_->db();
  auto seq = first_of(db, "SELECT seq FROM quire_commit").integer();
  if (seq != commits_)
    return std::to_string(commits_) + " commits, but the database says " + std::to_string(seq);
  if (auto verdict = first_of(db, "PRAGMA integrity_check"); verdict != value{"ok"})
    return "the database is damaged: " + to_display(verdict);
  // A member that goes on after a statement that SQLite has not undone keeps its pieces.
  auto* violations = "PRAGMA foreign_key_check";
  if (rows_of(db, violations).rows.size() != rows_of(*twin_, violations).rows.size())
    return "a foreign key is violated";
  return std::nullopt;
}

} // namespace quire::tests

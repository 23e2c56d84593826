#include "quire/tests/torture/promises.hpp"

#include <algorithm>
#include <set>

namespace quire::tests {

namespace {

constexpr auto rows_sql = R"(
SELECT member, count(*), max(id), min(step), max(step), min(length(filler)), max(length(filler)),
       max(length(trim(filler, char(97 + member % 26))))
FROM part GROUP BY member)";
constexpr auto stored_number_sql = "SELECT seq FROM quire_commit WHERE id = 1";

std::string named(std::int64_t id) {
  return "request " + std::to_string(id);
}

std::string first_line(const std::string& text) {
  auto start = text.starts_with("***") ? text.find('\n') + 1 : 0;
  return text.substr(start, text.find('\n', start) - start);
}

std::int64_t number(storage::connection& db, const char* sql) {
  auto stmt = db.prepare(sql);
  return stmt->bind().step() ? stmt->int64(0) : 0;
}

} // namespace

void promise_book::note(std::span<const request> asked,
                        const std::vector<storage::member_result>& told, bool disturbed) {
  if (asked.size() != told.size())
    return accuse("there are more or fewer results than requests");
  note_numbers(told, disturbed);
  for (std::size_t i = 0; i < asked.size(); ++i)
    note_one(asked[i], told[i], disturbed);
}

void promise_book::note_numbers(const std::vector<storage::member_result>& told, bool disturbed) {
  std::set<std::uint64_t> numbers;
  for (auto& one : told)
    if (!one.failure)
      numbers.insert(one.commit_seq);
  for (auto seq : numbers) {
    if (disturbed ? seq <= told_ : seq != told_ + 1)
      accuse("the number " + std::to_string(seq) + " was told after " + std::to_string(told_));
    told_ = seq;
  }
}

void promise_book::note_one(const request& what, const storage::member_result& told,
                            bool disturbed) {
  if (told.failure) {
    auto code = told.failure->code();
    if (!disturbed && what.refused != code)
      accuse(named(what.id) + " was refused: " + told.failure->what());
    if (!what.refused && outcome_of(code) == write_outcome::unknown) {
      entries_[what.id] = {what.rows, what.filler, what.moved, what.family, false, false, 0, 0};
      ++unknown_;
    } else {
      ++refused_;
    }
    return;
  }
  if (what.refused)
    return accuse(named(what.id) + " was accepted, but breaks a rule");
  if (told.rows_changed != what.changes)
    accuse(named(what.id) + " was told of " + std::to_string(told.rows_changed)
           + " rows instead of " + std::to_string(what.changes));
  if (told.events.size() != what.events)
    accuse(named(what.id) + " was given events of somebody else");
  entries_[what.id] = {what.rows, what.filler, what.moved,      what.family,
                       true,      true,        told.commit_seq, told.last_rowid};
  ++committed_;
  if (what.work.how_sure == durability::full)
    durable_ = std::max(durable_, told.commit_seq);
}

std::map<std::int64_t, promise_book::found_rows> promise_book::rows_of_requests(
  storage::connection& db) const {
  std::map<std::int64_t, found_rows> result;
  auto stmt = db.prepare(rows_sql);
  stmt->bind();
  while (stmt->step()) {
    auto& found = result[stmt->int64(0)];
    found.count = stmt->int64(1);
    found.last_rowid = stmt->int64(2);
    auto known = entries_.find(stmt->int64(0));
    found.whole = known != entries_.end() && found.count == known->second.rows
                  && stmt->int64(3) == 0 && stmt->int64(4) == known->second.rows - 1
                  && stmt->int64(5) == known->second.filler
                  && stmt->int64(6) == known->second.filler && stmt->int64(7) == 0;
  }
  return result;
}

void promise_book::check(storage::connection& db, disaster after, bool exact) {
  auto stmt = db.prepare("PRAGMA integrity_check");
  if (!stmt->bind().step() || stmt->text(0) != "ok")
    return accuse("the database is damaged: " + first_line(stmt->text(0)));
  stmt->run();
  auto found = rows_of_requests(db);
  auto stored = static_cast<std::uint64_t>(number(db, stored_number_sql));
  std::size_t open = 0;
  std::size_t open_and_there = 0;
  for (auto& [id, one] : entries_) {
    open += one.known ? 0u : 1u;
    open_and_there += !one.known && found.contains(id) ? 1u : 0u;
  }
  if (exact && open_and_there != 0 && open_and_there != open)
    accuse("a transaction is there in part");
  check_number(stored, after, exact, open_and_there > 0);
  for (auto& [id, rows] : found)
    if (!entries_.contains(id))
      accuse(named(id) + " is there, but was refused");
  for (auto& [id, one] : entries_)
    check_entry(id, one, found[id], stored);
  std::erase_if(entries_, [&](auto& one) { return found[one.first].count == 0; });
  check_sums(db);
  told_ = stored;
  if (after == disaster::power_loss)
    durable_ = stored;
}

void promise_book::check_number(std::uint64_t stored, disaster after, bool exact,
                                bool unknown_is_there) {
  auto least = after == disaster::power_loss ? durable_ : told_;
  if (unknown_is_there && exact)
    least = told_ + 1;
  if (stored < least || (exact && stored > told_ + (unknown_is_there ? 1 : 0)))
    accuse("the database is at number " + std::to_string(stored) + "; " + std::to_string(told_)
           + " was told, and " + std::to_string(least) + " had to be there");
}

void promise_book::check_entry(std::int64_t id, entry& one, const found_rows& found,
                               std::uint64_t stored) {
  if (found.count != 0 && !found.whole)
    accuse(named(id) + " is there in part: " + std::to_string(found.count) + " rows instead of "
           + std::to_string(one.rows));
  if (!one.known) {
    one.known = true;
    one.seq = stored;
    one.last_rowid = found.last_rowid;
    return;
  }
  if (one.seq > stored) {
    // What nobody was told may have been seen after a process death, and be gone now.
    taken_back_ += one.told ? 1 : 0;
    if (found.count != 0)
      accuse(named(id) + " is there, but not the number of its commit");
    return;
  }
  if (found.count == 0)
    return accuse(named(id) + " was committed and is not there");
  if (one.last_rowid != found.last_rowid)
    accuse(named(id) + " was told of the rowid " + std::to_string(one.last_rowid) + " instead of "
           + std::to_string(found.last_rowid));
}

void promise_book::check_sums(storage::connection& db) {
  std::array<std::int64_t, torture_accounts> sums{};
  std::int64_t families = 0;
  for (auto& [id, one] : entries_) {
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] += one.moved[i];
    families += one.family ? 1 : 0;
  }
  auto stmt = db.prepare("SELECT amount FROM account ORDER BY id");
  stmt->bind();
  for (auto expected : sums)
    if (!stmt->step() || stmt->int64(0) != expected)
      return accuse("an account does not hold what was moved into it");
  stmt->reset();
  if (number(db, "SELECT count(*) FROM parent") != families
      || number(db, "SELECT count(*) FROM child JOIN parent ON parent.id = p") != families
      || number(db, "SELECT count(*) FROM child") != families)
    accuse("a child without its parent is there, or too few or too many of them");
  auto notes = triggers_ ? static_cast<std::int64_t>(entries_.size()) : 0;
  if (number(db, "SELECT count(*) FROM note") != notes)
    accuse("a trigger has left more or less than it should");
}

void promise_book::check_snapshot(storage::connection& reader) {
  auto stored = static_cast<std::uint64_t>(number(reader, stored_number_sql));
  std::int64_t rows = 0;
  for (auto& [id, one] : entries_) {
    if (!one.known)
      return; // It may be there or not.
    rows += one.seq <= stored ? one.rows : 0;
  }
  auto seen = number(reader, "SELECT count(*) FROM part");
  if (seen != rows)
    accuse("a reader at number " + std::to_string(stored) + " sees " + std::to_string(seen)
           + " rows instead of " + std::to_string(rows));
}

} // namespace quire::tests

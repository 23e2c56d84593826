#include "quire/tests/torture/requests.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace quire::tests {

const char* const torture_tables_sql = R"(
CREATE TABLE quire_commit(id INTEGER PRIMARY KEY, seq INTEGER, author INTEGER);
INSERT INTO quire_commit VALUES(1, 0, 0);
CREATE TABLE part(id INTEGER PRIMARY KEY, member INTEGER, step INTEGER, filler TEXT,
                  UNIQUE(member, step)) STRICT;
CREATE TABLE note(member INTEGER);
CREATE TABLE account(id INTEGER PRIMARY KEY, amount INTEGER);
INSERT INTO account VALUES(0, 0), (1, 0), (2, 0), (3, 0);
CREATE TABLE parent(id INTEGER PRIMARY KEY);
CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent DEFERRABLE INITIALLY DEFERRED))";

const char* const torture_triggers_sql = R"(
CREATE TRIGGER noted AFTER INSERT ON part WHEN new.step = 0
BEGIN INSERT INTO note VALUES(new.member); END;
CREATE TRIGGER refused AFTER INSERT ON part WHEN new.step = 900
BEGIN SELECT RAISE(ABORT, 'refused'); END;
CREATE TRIGGER spoiled AFTER INSERT ON part WHEN new.step = 901
BEGIN SELECT RAISE(ROLLBACK, 'spoiled'); END)";

namespace {

constexpr auto insert_sql = "INSERT INTO part(member, step, filler) VALUES(?1, ?2, ?3)";
constexpr auto insert_three_sql =
  "INSERT INTO part(member, step, filler) VALUES(?1, 0, ?2), (?1, 1, ?2), (?1, 2, ?2)";
constexpr auto insert_or_rollback_sql =
  "INSERT OR ROLLBACK INTO part(member, step, filler) VALUES(?1, ?2, ?3)";
constexpr auto duplicate_sql =
  "INSERT INTO part(member, step, filler) VALUES(?1, 0, ?2), (?1, 1, ?2), (?1, 0, ?2)";
constexpr auto or_fail_sql =
  "INSERT OR FAIL INTO part(member, step, filler) VALUES(?1, 0, ?2), (?1, 1, ?2), (?1, 0, ?2)";
constexpr auto or_rollback_sql =
  "INSERT OR ROLLBACK INTO part(member, step, filler) VALUES(?1, 0, ?2), (?1, 1, ?2), (?1, 0, ?2)";
constexpr auto wrong_type_sql =
  "INSERT INTO part(member, step, filler) VALUES(?1, 0, ?2), (?1, 'x', ?2)";
constexpr auto raise_abort_sql =
  "INSERT INTO part(member, step, filler) VALUES(?1, 0, ?2), (?1, 900, ?2)";
constexpr auto raise_rollback_sql =
  "INSERT INTO part(member, step, filler) VALUES(?1, 0, ?2), (?1, 901, ?2)";
constexpr auto child_sql = "INSERT INTO child(p) VALUES(?1)";
constexpr auto parent_sql = "INSERT INTO parent(id) VALUES(?1)";
constexpr auto move_sql = "UPDATE account SET amount = amount + ?2 WHERE id = ?1";

constexpr int committed_kinds = 8;
constexpr int kinds_without_triggers = request_kinds - 2;

using tx = storage::transaction;

void insert_rows(tx& to, const request& what, std::int64_t count, const std::string& filler) {
  for (std::int64_t step = 0; step < count; ++step)
    to.execute(insert_sql, what.id, step, filler);
}

/// What a request does that is to be committed.
member::function committed_work(const request& what, const std::string& filler) {
  switch (what.kind) {
    case request_kind::rows_at_once:
      return [what, filler](tx& to) { to.execute(insert_three_sql, what.id, filler); };
    case request_kind::transfer:
      return [what, filler](tx& to) {
        for (std::size_t i = 0; i < what.moved.size(); ++i)
          if (what.moved[i] != 0)
            to.execute(move_sql, i, what.moved[i]);
        insert_rows(to, what, what.rows, filler);
      };
    case request_kind::family:
      return [what, filler](tx& to) {
        to.execute(child_sql, what.id);
        to.execute(parent_sql, what.id);
        insert_rows(to, what, what.rows, filler);
      };
    case request_kind::announced:
      return [what, filler](tx& to) {
        to.announce({event::topic::task_ready, what.id});
        insert_rows(to, what, what.rows, filler);
      };
    default: return [what, filler](tx& to) { insert_rows(to, what, what.rows, filler); };
  }
}

member::function one_statement(const char* sql, std::int64_t id, const std::string& filler) {
  return [=](tx& to) { to.execute(sql, id, filler); };
}

/// What a request does that is to be refused.
member::function refused_work(const request& what, const std::string& filler) {
  switch (what.kind) {
    case request_kind::thrown:
      return [what, filler](tx& to) {
        insert_rows(to, what, 2, filler);
        throw std::runtime_error("the function failed");
      };
    case request_kind::duplicate: return one_statement(duplicate_sql, what.id, filler);
    case request_kind::duplicate_late:
      return [what, filler](tx& to) {
        to.execute(move_sql, 0, 1);
        insert_rows(to, what, 2, filler);
        to.execute(insert_sql, what.id, 0, filler);
      };
    case request_kind::or_fail: return one_statement(or_fail_sql, what.id, filler);
    case request_kind::or_rollback: return one_statement(or_rollback_sql, what.id, filler);
    case request_kind::or_rollback_late:
      return [what, filler](tx& to) {
        insert_rows(to, what, 2, filler);
        to.execute(insert_or_rollback_sql, what.id, 0, filler);
      };
    case request_kind::orphan: return [what](tx& to) { to.execute(child_sql, -what.id); };
    case request_kind::orphan_late:
      return [what, filler](tx& to) {
        insert_rows(to, what, 1, filler);
        to.execute(child_sql, -what.id);
      };
    case request_kind::wrong_type: return one_statement(wrong_type_sql, what.id, filler);
    case request_kind::raise_abort: return one_statement(raise_abort_sql, what.id, filler);
    default: return one_statement(raise_rollback_sql, what.id, filler);
  }
}

bool is_single(request_kind kind) {
  switch (kind) {
    case request_kind::one_row:
    case request_kind::rows_at_once:
    case request_kind::announced:
    case request_kind::duplicate:
    case request_kind::or_fail:
    case request_kind::or_rollback:
    case request_kind::orphan:
    case request_kind::wrong_type:
    case request_kind::raise_abort:
    case request_kind::raise_rollback: return true;
    default: return false;
  }
}

} // namespace

request request_source::next(durability how) {
  if (chance_.happens(70))
    return make(static_cast<request_kind>(chance_.below(committed_kinds)), how);
  auto end = triggers_ ? request_kinds : kinds_without_triggers;
  return make(static_cast<request_kind>(chance_.between(committed_kinds, end - 1)), how);
}

request request_source::make(request_kind kind, durability how) {
  request what;
  what.id = next_id_++;
  what.kind = kind;
  what.filler = chance_.between(1, 300);
  std::string filler(static_cast<std::size_t>(what.filler), static_cast<char>('a' + what.id % 26));
  if (static_cast<int>(kind) >= committed_kinds) {
    what.refused = kind == request_kind::thrown ? errc::function_failed : errc::constraint;
    what.work = member{refused_work(what, filler), is_single(kind), false, how};
    return what;
  }
  what.rows = is_single(kind) ? 1 : chance_.between(2, 4);
  if (kind == request_kind::rows_at_once)
    what.rows = 3;
  if (kind == request_kind::large) {
    what.filler = chance_.between(2000, 5000);
    filler.assign(static_cast<std::size_t>(what.filler), static_cast<char>('a' + what.id % 26));
  }
  if (kind == request_kind::transfer) {
    auto from = chance_.below(torture_accounts);
    what.moved[from] = -chance_.between(1, 99);
    what.moved[(from + 1) % torture_accounts] = -what.moved[from];
  }
  what.family = kind == request_kind::family;
  what.events = kind == request_kind::announced ? 1 : 0;
  auto others = kind == request_kind::transfer || what.family ? 2 : 0;
  what.changes = what.rows + others + (triggers_ ? 1 : 0);
  what.work =
    member{committed_work(what, filler), is_single(kind), kind == request_kind::separate, how};
  return what;
}

} // namespace quire::tests

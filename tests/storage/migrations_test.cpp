#include "quire/storage/sqlite/migrations.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::tests;
using namespace quire::storage;

namespace {

struct fixture {
  temp_dir dir;
  connection db = connection::open_writer(impatient(dir / "a.db"));

  std::vector<migration> steps{{1, "0001_a", "CREATE TABLE a(x); INSERT INTO a VALUES(1)"},
                               {2, "0002_b", "CREATE TABLE b(x REFERENCES a);"}};
};

/// Everything in the file but Quire's own tables.
std::vector<row_set> contents(connection& db) {
  std::vector<row_set> result{
    rows_of(db, "SELECT type, name, tbl_name, sql FROM sqlite_schema"
                " WHERE name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'quire_%' ORDER BY name"),
    rows_of(db, "PRAGMA user_version"), rows_of(db, "PRAGMA application_id"),
    rows_of(db, "PRAGMA encoding"), rows_of(db, "PRAGMA auto_vacuum")};
  for (auto& row : rows_of(db, "SELECT name FROM sqlite_schema WHERE type='table'"
                               " AND name NOT LIKE 'quire_%' AND name NOT LIKE 'sqlite_%'")
                     .rows)
    result.push_back(rows_of(db, "SELECT * FROM \"" + row[0].text() + "\" ORDER BY 1"));
  return result;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(migrations, fixture)

BOOST_AUTO_TEST_CASE(missing_steps_are_applied_once) {
  BOOST_TEST(migrate(db, "app", std::span{steps}.first(1), 10) == 1);
  BOOST_TEST(migrate(db, "app", steps, 20) == 1);
  BOOST_TEST(migrate(db, "app", steps, 30) == 0);
  auto applied = applied_migrations(db, "app");
  BOOST_REQUIRE(applied.size() == 2u);
  BOOST_TEST(applied[0].name == "0001_a");
  BOOST_TEST(applied[0].applied_at_ms == 10);
  BOOST_TEST(applied[1].number == 2);
  BOOST_TEST(applied[1].applied_at_ms == 20);
  BOOST_TEST(first_of(db, "SELECT count(*) FROM a").integer() == 1);
}

// The published value of FNV-1a, 64 bits, for the text of one semicolon.
BOOST_AUTO_TEST_CASE(the_checksum_is_fnv_1a) {
  std::vector<migration> one{{1, "0001", ";"}};
  migrate(db, "app", one, 0);
  BOOST_TEST(applied_migrations(db, "app").at(0).checksum == "af63b64c8601abfa");
}

BOOST_AUTO_TEST_CASE(owners_do_not_see_each_other) {
  migrate(db, "app", steps, 0);
  BOOST_TEST(applied_migrations(db, "other").empty());
  std::vector<migration> others{{1, "0001_z", "CREATE TABLE z(x)"}};
  BOOST_TEST(migrate(db, "other", others, 0) == 1);
}

BOOST_AUTO_TEST_CASE(a_step_that_fails_is_rolled_back_and_earlier_ones_stay) {
  steps.push_back({3, "0003_c", "CREATE TABLE c(x); INSERT INTO nowhere VALUES(1)"});
  auto failure = failure_of([&] { migrate(db, "app", steps, 0); });
  BOOST_REQUIRE(failure);
  BOOST_TEST((failure->code() == errc::sql));
  BOOST_TEST(contains(failure->what(), "migration 3 (0003_c) of 'app'"));
  BOOST_TEST(db.autocommit());
  BOOST_TEST(applied_migrations(db, "app").size() == 2u);
  BOOST_TEST(rows_of(db, "SELECT 1 FROM sqlite_schema WHERE name = 'c'").rows.empty());
}

BOOST_AUTO_TEST_CASE(a_step_cannot_leave_its_transaction) {
  for (auto* sql : {"COMMIT", "ROLLBACK", "CREATE TABLE c(x); COMMIT; BEGIN", "SAVEPOINT s",
                    "ATTACH 'x.db' AS x", "PRAGMA synchronous=OFF"}) {
    std::vector<migration> bad{{1, "0001_bad", sql}};
    BOOST_TEST(fails_with(errc::sql, [&] { migrate(db, "bad", bad, 0); }), sql);
    BOOST_TEST(db.autocommit());
    BOOST_TEST(applied_migrations(db, "bad").empty());
  }
  BOOST_TEST(rows_of(db, "SELECT 1 FROM sqlite_schema WHERE name = 'c'").rows.empty());
}

BOOST_AUTO_TEST_CASE(a_newer_schema_is_refused_and_left_alone) {
  migrate(db, "app", steps, 0);
  auto older = std::span{steps}.first(1);
  for (int i = 0; i < 2; ++i) {
    auto failure = failure_of([&] {
      i == 0 ? static_cast<void>(migrate(db, "app", older, 0)) : check_schema(db, "app", older);
    });
    BOOST_REQUIRE(failure);
    BOOST_TEST((failure->code() == errc::newer_schema));
    BOOST_TEST(contains(failure->what(), "at number 2"));
    BOOST_TEST(contains(failure->what(), "knows only 1"));
  }
}

// The last number is 1 again for who reads 32 bits of it: no order is to be relied on.
BOOST_AUTO_TEST_CASE(a_larger_number_is_found_wherever_it_stands) {
  migrate(db, "app", steps, 0);
  db.execute(
    "INSERT INTO quire_migration SELECT owner, 7000000, name, checksum, 0 FROM quire_migration"
    " WHERE number = 1 UNION ALL SELECT owner, 4294967297, name, checksum, 0"
    " FROM quire_migration WHERE number = 1");
  BOOST_TEST(fails_with(errc::newer_schema, [&] { check_schema(db, "app", steps); }));
  BOOST_TEST(fails_with(errc::newer_schema, [&] { migrate(db, "app", steps, 0); }));
}

BOOST_AUTO_TEST_CASE(a_changed_step_is_refused) {
  migrate(db, "app", steps, 0);
  steps[0].sql = "CREATE TABLE a(x, y)";
  BOOST_TEST(fails_with(errc::migration_changed, [&] { migrate(db, "app", steps, 0); }));
  BOOST_TEST(fails_with(errc::migration_changed, [&] { check_schema(db, "app", steps); }));
}

BOOST_AUTO_TEST_CASE(numbers_have_no_gaps) {
  steps[1].number = 3;
  BOOST_TEST(fails_with(errc::invalid_argument, [&] { migrate(db, "app", steps, 0); }));
  steps[1].number = 1;
  BOOST_TEST(fails_with(errc::invalid_argument, [&] { migrate(db, "app", steps, 0); }));
  BOOST_TEST(rows_of(db, "SELECT * FROM sqlite_schema").rows.empty());
}

BOOST_AUTO_TEST_CASE(a_reader_checks_the_schema) {
  auto reader = connection::open_reader(impatient(dir / "a.db"));
  BOOST_TEST(fails_with(errc::not_found, [&] { check_schema(reader, "app", steps); }));
  migrate(db, "app", std::span{steps}.first(1), 0);
  auto failure = failure_of([&] { check_schema(reader, "app", steps); });
  BOOST_REQUIRE(failure);
  BOOST_TEST((failure->code() == errc::conflict));
  BOOST_TEST(contains(failure->what(), "at number 1"));
  migrate(db, "app", steps, 0);
  BOOST_TEST(!failure_of([&] { check_schema(reader, "app", steps); }));
}

// Two programs that start at once: the second must not fail, nor apply again.
BOOST_AUTO_TEST_CASE(another_process_may_have_applied_the_step_in_between) {
  auto options = impatient(dir / "a.db");
  options.patience = std::chrono::milliseconds{1000};
  options.pause = [&](std::chrono::milliseconds) {
    if (!db.autocommit())
      db.execute("ROLLBACK");
    migrate(db, "app", steps, 1);
  };
  auto second = connection::open_writer(options);
  db.execute("BEGIN IMMEDIATE");
  BOOST_TEST(migrate(second, "app", steps, 2) == 0);
  BOOST_TEST(applied_migrations(second, "app").at(1).applied_at_ms == 1);
}

BOOST_AUTO_TEST_CASE(an_application_keeps_its_database) {
  db.execute(
    "PRAGMA application_id=4711; PRAGMA user_version=12;"
    "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
    "CREATE TABLE audit(what);"
    "CREATE TABLE no_rowid(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;"
    "CREATE VIEW names AS SELECT name FROM customer;"
    "CREATE INDEX by_name ON customer(name DESC);"
    "CREATE TRIGGER note AFTER INSERT ON customer BEGIN INSERT INTO audit VALUES(new.name); END;"
    "INSERT INTO customer(name) VALUES('Anna'), ('Boris');"
    "INSERT INTO no_rowid VALUES('k', x'00ff')");
  auto before = contents(db);
  BOOST_REQUIRE(before.size() > 7u);
  BOOST_TEST(migrate(db, "quire", quire_migrations(), 5) == int(quire_migrations().size()));
  BOOST_TEST((contents(db) == before));
}

BOOST_AUTO_TEST_CASE(our_own_migrations_apply_and_are_found) {
  auto ours = quire_migrations();
  BOOST_REQUIRE(ours.size() >= 4u);
  BOOST_TEST(ours[0].name == "0001_meta");
  migrate(db, "quire", ours, 0);
  auto reader = connection::open_reader(impatient(dir / "a.db"));
  check_schema(reader, "quire", ours);
  BOOST_TEST(first_of(reader, "SELECT seq FROM quire_commit").integer() == 0);
  BOOST_TEST(rows_of(reader, "PRAGMA foreign_key_check").rows.empty());
  BOOST_TEST(first_of(reader, "PRAGMA integrity_check").text() == "ok");
}

BOOST_AUTO_TEST_SUITE_END()

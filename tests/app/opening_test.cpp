// What opening does to a file, and what it leaves to the application.

#include "quire/app/opening.hpp"

#include "quire/app/failure.hpp"
#include "quire/tests/storage/storage_support.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <filesystem>
#include <optional>
#include <string>

using namespace quire;
using storage::connection;

namespace {

const std::vector<storage::migration> shop{
  {1, "0001_customers", "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT)"},
  {2, "0002_orders", "CREATE TABLE purchase(customer REFERENCES customer)"}};

struct fixture {
  options chosen(access_mode mode = access_mode::own) const {
    options result;
    result.database = path;
    result.mode = mode;
    result.patience = std::chrono::milliseconds{0};
    return result;
  }

  /// A database of an application that never heard of Quire.
  void make_application() const {
    auto own = tests::impatient(path);
    own.foreign_keys.reset();
    own.secure_delete.reset();
    connection::open_writer(own).execute("CREATE TABLE parent(id INTEGER PRIMARY KEY);"
                                         "CREATE TABLE child(p REFERENCES parent);"
                                         "INSERT INTO child VALUES(1)"); // Its rules allow that.
  }

  std::optional<errc> problem_of(const options& options) const {
    try {
      runtime running{options};
      return std::nullopt;
    } catch (const failure& failed) {
      return failed.code();
    }
  }

  tests::temp_dir dir;
  std::string path = dir / "app.db";
};

/// Whether a row without its parent is refused.
bool enforces_foreign_keys(runtime& running) {
  try {
    running.write("INSERT INTO child VALUES(77)");
    return false;
  } catch (const failure& failed) {
    BOOST_TEST((failed.code() == errc::constraint));
    return true;
  }
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(opening, fixture)

BOOST_AUTO_TEST_CASE(an_application_keeps_its_rules_for_its_data) {
  make_application();
  for (int times = 0; times < 2; ++times) {
    runtime running{chosen()};
    BOOST_TEST(!enforces_foreign_keys(running));
  }
  auto strict = chosen();
  strict.foreign_keys = true;
  runtime running{strict};
  BOOST_TEST(enforces_foreign_keys(running));
}

BOOST_AUTO_TEST_CASE(a_file_that_we_created_has_our_rules_also_later) {
  for (auto mode : {access_mode::own, access_mode::own, access_mode::visit}) {
    runtime running{chosen(mode)};
    running.write("CREATE TABLE IF NOT EXISTS parent(id INTEGER PRIMARY KEY)");
    running.write("CREATE TABLE IF NOT EXISTS child(p REFERENCES parent)");
    BOOST_TEST(enforces_foreign_keys(running));
  }
  auto loose = chosen();
  loose.foreign_keys = false;
  runtime running{loose};
  BOOST_TEST(!enforces_foreign_keys(running));
}

BOOST_AUTO_TEST_CASE(the_schema_of_the_application_is_brought_up_to_date) {
  auto first = chosen();
  first.schema = "shop";
  first.migrations = {shop[0]};
  { BOOST_TEST(runtime{first}.opened().own_migrations == 1); }
  auto second = first;
  second.migrations = shop;
  // Only an owner may change the schema; the others are told that it is old.
  second.mode = access_mode::look;
  BOOST_TEST((problem_of(second) == errc::conflict));
  second.mode = access_mode::visit;
  BOOST_TEST((problem_of(second) == errc::conflict));
  second.mode = access_mode::own;
  {
    runtime running{second};
    BOOST_TEST(running.opened().own_migrations == 1);
    BOOST_TEST(running.opened().migrations == 0);
    running.write("INSERT INTO purchase VALUES(NULL)");
  }
  { BOOST_TEST(runtime{second}.opened().own_migrations == 0); }
  second.mode = access_mode::look;
  BOOST_TEST(!problem_of(second));
  // An older program finds a newer schema.
  BOOST_TEST((problem_of(first) == errc::newer_schema));
}

BOOST_AUTO_TEST_CASE(a_step_that_fails_is_undone_and_nothing_is_served) {
  auto options = chosen();
  options.schema = "shop";
  options.migrations = {shop[0],
                        {2, "0002_wrong", "CREATE TABLE half(x); CREATE TABLE customer(x)"}};
  BOOST_TEST((problem_of(options) == errc::sql));
  auto db = connection::open_reader(tests::impatient(path));
  BOOST_TEST(tests::rows_of(db, "SELECT 1 FROM sqlite_schema WHERE name = 'half'").rows.empty());
  BOOST_TEST(tests::rows_of(db, "SELECT 1 FROM sqlite_schema WHERE name = 'customer'").rows.size()
             == 1u);
}

// It rebuilds a table as SQLite's manual says: with foreign keys enforced, that deletes
// what refers to it.
BOOST_AUTO_TEST_CASE(a_migration_follows_the_rules_of_the_application) {
  {
    auto own = tests::impatient(path);
    own.foreign_keys.reset();
    connection::open_writer(own).execute("CREATE TABLE p(id INTEGER PRIMARY KEY);"
                                         "CREATE TABLE c(p REFERENCES p ON DELETE CASCADE);"
                                         "INSERT INTO p VALUES(1); INSERT INTO c VALUES(1)");
  }
  auto options = chosen();
  options.schema = "shop";
  options.migrations = {{1, "0001_rebuild",
                         "CREATE TABLE p2(id INTEGER PRIMARY KEY, more);"
                         "INSERT INTO p2(id) SELECT id FROM p; DROP TABLE p;"
                         "ALTER TABLE p2 RENAME TO p"}};
  runtime running{options};
  BOOST_TEST(running.query("SELECT count(*) FROM c").rows.at(0).at(0).integer() == 1);
}

BOOST_AUTO_TEST_CASE(a_file_stays_ours_although_the_first_opening_failed) {
  auto broken = chosen();
  broken.schema = "shop";
  broken.migrations = {{1, "0001_wrong", "CREATE TABLE customer"}};
  BOOST_TEST((problem_of(broken) == errc::sql));
  runtime running{chosen()};
  running.write("CREATE TABLE parent(id INTEGER PRIMARY KEY)");
  running.write("CREATE TABLE child(p REFERENCES parent)");
  BOOST_TEST(enforces_foreign_keys(running));
}

BOOST_AUTO_TEST_CASE(a_schema_needs_a_name_of_its_own) {
  auto options = chosen();
  options.migrations = shop;
  BOOST_TEST((problem_of(options) == errc::invalid_argument));
  options.schema = "quire";
  BOOST_TEST((problem_of(options) == errc::invalid_argument));
}

// What this process does to the file is in tests/storage/exclusive_test.cpp.
BOOST_AUTO_TEST_CASE(an_exclusive_owner_has_readers_and_a_lock_of_its_own) {
  auto alone = chosen();
  alone.exclusive = true;
  {
    runtime running{alone};
    running.write("CREATE TABLE t(x)");
    running.write("INSERT INTO t VALUES(?1)", {7});
    BOOST_TEST(running.query("SELECT x FROM t").rows.at(0).at(0).integer() == 7);
    BOOST_TEST(!std::filesystem::exists(path + "-shm"));
    BOOST_TEST((problem_of(alone) == errc::already_owned));
    BOOST_TEST((problem_of(chosen()) == errc::already_owned));
  }
  runtime running{chosen()};
  BOOST_TEST(running.query("SELECT x FROM t").rows.size() == 1u);
}

BOOST_AUTO_TEST_CASE(only_an_owner_with_the_usual_vfs_can_be_exclusive) {
  for (auto mode : {access_mode::visit, access_mode::look}) {
    auto options = chosen(mode);
    options.exclusive = true;
    BOOST_TEST((problem_of(options) == errc::invalid_argument));
  }
  auto options = chosen();
  options.exclusive = true;
  options.vfs = "unix-dotfile";
  BOOST_TEST((problem_of(options) == errc::invalid_argument));
  BOOST_TEST(!std::filesystem::exists(path));
}

BOOST_AUTO_TEST_SUITE_END()

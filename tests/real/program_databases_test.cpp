#include "quire/tests/support/run_program.hpp"

#include <filesystem>

#include <unistd.h>

using namespace quire::tests;
using words = std::vector<std::string>;

namespace {

const std::string good = R"({"name": "good", "stages": [
  {"name": "one", "task": {"kind": "command", "argv": ["true"]}}]})";

/// One line on the standard error that says `text`, and status 1.
void check_error(const program_result& result, const std::string& text) {
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 1);
    BOOST_TEST(result.out == "");
    BOOST_TEST(count_lines(result.err) == 1u);
    BOOST_TEST(result.err_has(text));
  }
}

/// Every way to open a database.
const std::vector<words> commands{
  {"run", "good.json"}, {"status"}, {"task", "list"}, {"task", "show", "1"}, {"task", "retry", "1"},
  {"pipeline", "list"}, {"pipeline", "show", "1"}, {"sql", "SELECT * FROM quire_task"},
  {"sql", "CREATE TABLE t(x)"},
};

void check_all(const program_folder& folder, const std::string& database, const std::string& text) {
  for (auto command : commands) {
    command.insert(command.end(), {"--db", database});
    check_error(folder.quire(command), text);
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(program_databases)

BOOST_AUTO_TEST_CASE(a_file_that_is_no_database_is_refused_and_left_as_it_is) {
  program_folder folder;
  folder.write("good.json", good);
  std::string text(5'000, 'x');
  folder.write("text.db", text);
  check_all(folder, "text.db", "is not an SQLite database");
  BOOST_TEST((folder.read("text.db") == text));
  BOOST_TEST(folder.names() == (words{"good.json", "text.db"}), boost::test_tools::per_element());
}

// Its log would be missing under the other name.
BOOST_AUTO_TEST_CASE(a_file_with_two_names_is_refused) {
  program_folder folder;
  folder.write("good.json", good);
  BOOST_REQUIRE(folder.quire({"run", "good.json", "--db", "a.db"}).status == 0);
  std::filesystem::create_hard_link(folder.path() + "/a.db", folder.path() + "/b.db");
  check_error(folder.quire({"run", "good.json", "--db", "b.db"}), "hard links");
  check_error(folder.quire({"sql", "CREATE TABLE t(x)", "--db", "a.db"}), "hard links");
  BOOST_TEST(folder.quire({"status", "--db", "a.db"}).status == 0);
}

BOOST_AUTO_TEST_CASE(what_sql_writes_is_in_the_file_when_nobody_runs_it) {
  program_folder folder;
  BOOST_REQUIRE(folder.quire({"sql", "CREATE TABLE t(x)", "--db", "a.db"}).status == 0);
  BOOST_REQUIRE(folder.quire({"sql", "INSERT INTO t VALUES(1)", "--db", "a.db"}).status == 0);
  BOOST_TEST(folder.names() == words{"a.db"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(memory_is_no_database_that_others_could_see) {
  program_folder folder;
  folder.write("good.json", good);
  check_all(folder, ":memory:", "a database needs a file");
  BOOST_TEST(folder.names() == words{"good.json"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_damaged_database_is_refused) {
  program_folder folder;
  folder.write("good.json", good);
  BOOST_REQUIRE(folder.quire({"run", "good.json", "--db", "a.db"}).status == 0);
  auto bytes = folder.read("a.db");
  // The first page holds the schema, behind a header of 100 bytes.
  std::fill(bytes.begin() + 100, bytes.begin() + 4096, '\x7f');
  folder.write("a.db", bytes);
  check_all(folder, "a.db", "damaged");
}

BOOST_AUTO_TEST_CASE(a_database_of_a_newer_quire_is_refused) {
  program_folder folder;
  folder.write("good.json", good);
  BOOST_REQUIRE(folder.quire({"run", "good.json", "--db", "a.db"}).status == 0);
  auto newer = folder.run({"sqlite3", "a.db",
                           "INSERT INTO quire_migration SELECT owner, 99, '0099_future', checksum, "
                           "applied_at FROM quire_migration LIMIT 1"});
  BOOST_REQUIRE_MESSAGE(newer.status == 0, newer);
  check_all(folder, "a.db", "99");
}

BOOST_AUTO_TEST_CASE(a_missing_folder_that_somebody_named_is_not_created) {
  program_folder folder;
  folder.write("good.json", good);
  check_error(folder.quire({"run", "good.json", "--db", "no/a.db"}), "no/a.db");
  check_error(folder.quire({"sql", "CREATE TABLE t(x)", "--db", "no/a.db"}), "no/a.db");
  BOOST_TEST(folder.names() == words{"good.json"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(looking_at_a_database_that_is_not_there_says_so_and_creates_nothing) {
  program_folder folder;
  for (auto& command : commands)
    if (command[0] != "run" && command.back() != "CREATE TABLE t(x)")
      check_error(folder.quire(command), "there is no database var/quire.db (default)");
  BOOST_TEST(folder.names().empty());
}

BOOST_AUTO_TEST_CASE(a_folder_is_no_database) {
  program_folder folder;
  folder.write("good.json", good);
  check_all(folder, ".", "it is a folder, not a file");
}

// Whoever is root may write everything: then somebody else tries it.
BOOST_AUTO_TEST_CASE(a_read_only_database_can_be_looked_at_and_nothing_else) {
  program_folder folder;
  folder.write("good.json", good);
  BOOST_REQUIRE(folder.quire({"run", "good.json", "--db", "a.db"}).status == 0);
  using std::filesystem::perms;
  namespace fs = std::filesystem;
  for (auto& name : folder.names())
    fs::permissions(fs::path{folder.path()} / name, perms{0444});
  fs::permissions(folder.path(), perms{0555});
  words prefix;
  if (::geteuid() == 0)
    prefix = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  auto quire = [&](words arguments) {
    auto argv = prefix;
    argv.push_back(QUIRE_PROGRAM);
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return folder.run(argv);
  };
  auto list = quire({"task", "list", "--db", "a.db"});
  BOOST_TEST_CONTEXT(list) {
    BOOST_TEST(list.status == 0);
    BOOST_TEST(list.out_has("1 task; database: a.db"));
  }
  check_error(quire({"sql", "DELETE FROM quire_task", "--db", "a.db"}), "Nothing was changed");
  check_error(quire({"run", "good.json", "--db", "a.db"}), "Nothing was changed");
  fs::permissions(folder.path(), perms{0755});
}

BOOST_AUTO_TEST_CASE(the_database_of_the_environment_is_used_and_named) {
  program_folder folder;
  folder.write("good.json", good);
  auto result = folder.run({"sh", "-c", "QUIRE_DB=mine.db exec \"$QUIRE\" run good.json"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out_has("database: mine.db ($QUIRE_DB)"));
    BOOST_TEST(std::filesystem::exists(folder.path() + "/mine.db"));
    BOOST_TEST(!std::filesystem::exists(folder.path() + "/var"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

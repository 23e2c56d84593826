// SQLite's VFS unix-excl: one process has the file for itself, with as many connections
// as it likes. Real files, and a real process beside it: locks belong to processes.

#include "quire/storage/sqlite/connection.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <filesystem>
#include <thread>

using namespace quire;
using namespace quire::tests;
using db_connection = storage::connection;
namespace fs = std::filesystem;

namespace {

struct fixture {
  fixture() {
    alone = impatient(path);
    alone.vfs = "unix-excl";
  }

  db_connection writer() const { return db_connection::open_writer(alone); }
  db_connection reader() const { return db_connection::open_reader(alone); }

  /// What the shell of SQLite says when it runs `sql` on the file.
  std::string neighbour(const std::string& sql) const {
    auto line = "sqlite3 -batch '" + path + "' '" + sql + "' 2>&1";
    auto* pipe = ::popen(line.c_str(), "r");
    BOOST_REQUIRE(pipe);
    std::string text;
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;)
      text += static_cast<char>(c);
    ::pclose(pipe);
    return text;
  }

  bool locked_out() const {
    return contains(neighbour("SELECT x FROM t"), "database is locked")
           && contains(neighbour("INSERT INTO t VALUES(9)"), "database is locked");
  }

  temp_dir dir;
  std::string path = dir / "a.db";
  storage::connection_options alone;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(exclusive, fixture)

BOOST_AUTO_TEST_CASE(one_process_has_a_writer_and_readers) {
  auto db = writer();
  auto first = reader();
  auto second = reader();
  db.execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
  {
    storage::read_guard old{first};
    BOOST_TEST(first_of(first, "SELECT count(*) FROM t").integer() == 1);
    db.execute("INSERT INTO t VALUES(2)");
    BOOST_TEST(first_of(first, "SELECT count(*) FROM t").integer() == 1);
    BOOST_TEST(first_of(second, "SELECT count(*) FROM t").integer() == 2);
  }
  BOOST_TEST(first_of(first, "SELECT count(*) FROM t").integer() == 2);
  BOOST_TEST(db.checkpoint(true).complete);
  BOOST_TEST(fs::exists(path + "-wal"));
  BOOST_TEST(!fs::exists(path + "-shm"));
}

BOOST_AUTO_TEST_CASE(other_processes_are_locked_out_until_it_is_closed) {
  {
    auto db = writer();
    db.execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    BOOST_TEST(locked_out());
    {
      auto other = reader();
      BOOST_TEST(first_of(other, "SELECT x FROM t").integer() == 1);
    }
    BOOST_TEST(locked_out()); // The end of a reader gave nothing away.
    BOOST_TEST(first_of(db, "SELECT count(*) FROM t").integer() == 1);
  }
  BOOST_TEST(!fs::exists(path + "-wal")); // A clean close has tidied up.
  BOOST_TEST(neighbour("INSERT INTO t VALUES(2); SELECT count(*) FROM t") == "2\n");
}

// A writer that failed is opened again while readers may live on.
BOOST_AUTO_TEST_CASE(the_lock_survives_a_writer_that_is_opened_again) {
  std::optional<db_connection> db{writer()};
  db->execute("CREATE TABLE t(x)");
  auto other = reader();
  BOOST_TEST(rows_of(other, "SELECT x FROM t").rows.empty());
  db.reset();
  BOOST_TEST(locked_out());
  db.emplace(writer());
  db->execute("INSERT INTO t VALUES(1)");
  BOOST_TEST(first_of(other, "SELECT x FROM t").integer() == 1);
  BOOST_TEST(locked_out());
}

BOOST_AUTO_TEST_CASE(who_finds_the_file_in_use_is_told_so) {
  { auto db = writer(); }
  // A neighbour that is in the middle of a read: it waits for us to close its input.
  auto* pipe = ::popen(("sqlite3 -batch '" + path + "'").c_str(), "w");
  BOOST_REQUIRE(pipe);
  auto marker = dir / "reading";
  std::fputs(
    ("BEGIN; SELECT * FROM sqlite_schema;\n.output " + marker + "\nSELECT 1;\n.output\n").c_str(),
    pipe);
  std::fflush(pipe);
  while (!fs::exists(marker))
    std::this_thread::yield();
  auto failure = failure_of([&] { writer(); });
  ::pclose(pipe);
  BOOST_REQUIRE(failure);
  BOOST_TEST((failure->code() == errc::busy), failure->what());
  BOOST_TEST(!failure_of([&] { writer(); }));
}

BOOST_AUTO_TEST_SUITE_END()

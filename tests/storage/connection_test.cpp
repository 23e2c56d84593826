#include "quire/storage/sqlite/connection.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace quire;
using namespace quire::tests;
using storage::connection_options;
using db_connection = storage::connection;
namespace fs = std::filesystem;

namespace {

/// The rights of an ordinary user while it lives, where tests run as root.
struct ordinary_user {
  ordinary_user() {
    if (::geteuid() == 0)
      was_root = ::seteuid(65534) == 0;
  }
  ~ordinary_user() {
    if (was_root && ::seteuid(0) != 0)
      std::abort();
  }
  bool was_root = false;
};

struct fixture {
  ~fixture() { fs::permissions(dir.path(), fs::perms::owner_all); }

  db_connection writer() { return db_connection::open_writer(impatient(path)); }
  db_connection reader() { return db_connection::open_reader(impatient(path)); }
  void make_database() {
    auto db = writer();
    db.execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
  }
  void close_folder() { ::chmod(dir.path().c_str(), 0555); }

  temp_dir dir;
  std::string path = dir / "a.db";
};

std::string setting(db_connection& db, const std::string& name) {
  return to_display(first_of(db, "PRAGMA " + name));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(connection, fixture)

BOOST_AUTO_TEST_CASE(a_new_database_gets_our_settings) {
  auto db = writer();
  const std::pair<const char*, const char*> expected[] = {
    {"journal_mode", "wal"},     {"synchronous", "1"},
    {"wal_autocheckpoint", "0"}, {"journal_size_limit", "67108864"},
    {"foreign_keys", "1"},       {"trusted_schema", "0"},
    {"cell_size_check", "1"},    {"secure_delete", "2"},
    {"temp_store", "2"},         {"cache_size", "-32768"},
    {"auto_vacuum", "2"},        {"query_only", "0"}};
  for (auto& [name, text] : expected)
    BOOST_TEST(setting(db, name) == text, name);
}

// SQLite would make a new database of it and remove the log, which holds what can be saved.
BOOST_AUTO_TEST_CASE(an_empty_file_with_a_log_is_left_alone) {
  make_database();
  fs::resize_file(path, 0);
  std::ofstream(path + "-wal") << "frames";
  BOOST_TEST(fails_with(errc::corrupt, [&] { reader(); }));
  BOOST_TEST(fails_with(errc::corrupt, [&] { writer(); }));
  BOOST_TEST(fs::file_size(path + "-wal") == 6u);
  fs::remove(path + "-wal");
  make_database();
}

BOOST_AUTO_TEST_CASE(a_reader_can_read_only) {
  make_database();
  auto db = reader();
  BOOST_TEST(first_of(db, "SELECT x FROM t").integer() == 1);
  BOOST_TEST(fails_with(errc::read_only, [&] { db.execute("INSERT INTO t VALUES(2)"); }));
  db.execute("PRAGMA query_only=OFF"); // The file itself is open for reading alone.
  BOOST_TEST(fails_with(errc::read_only, [&] { db.execute("DELETE FROM t"); }));
  BOOST_TEST(setting(db, "cache_size") == "-8192");
}

// The file is the application's: what it has chosen stays.
BOOST_AUTO_TEST_CASE(an_existing_file_keeps_what_is_written_in_it) {
  {
    auto db = writer();
    db.execute("PRAGMA auto_vacuum=NONE; VACUUM; PRAGMA application_id=77; PRAGMA user_version=42;"
               "CREATE TABLE t(x)");
    db.execute("PRAGMA journal_mode=DELETE");
  }
  auto db = writer();
  BOOST_TEST(setting(db, "journal_mode") == "wal");
  BOOST_TEST(setting(db, "application_id") == "77");
  BOOST_TEST(setting(db, "user_version") == "42");
  BOOST_TEST(setting(db, "auto_vacuum") == "0");
}

BOOST_AUTO_TEST_CASE(a_path_is_never_a_uri) {
  auto before = fs::current_path();
  fs::current_path(dir.path());
  { auto db = db_connection::open_writer(impatient("file:a?mode=memory")); }
  fs::current_path(before);
  BOOST_TEST(fs::exists(dir / "file:a?mode=memory"));
}

BOOST_AUTO_TEST_CASE(bad_paths_are_explained) {
  fs::create_directory(dir / "folder");
  std::ofstream(dir / "text") << "this is not a database, but a text that is long enough";
  std::ofstream(dir / "short") << "xy";
  make_database();
  fs::copy_file(path, dir / "broken");
  fs::resize_file(dir / "broken", 4096);
  std::fstream(dir / "broken", std::ios::in | std::ios::out | std::ios::binary).seekp(100)
    << "garbage";
  ::mkfifo((dir / "pipe").c_str(), 0600);
  struct {
    const char* name;
    errc code;
    const char* says;
  } const cases[] = {
    {"missing/a.db", errc::cannot_open, "does not exist"},
    {"text/a.db", errc::cannot_open, "is not a folder"},
    {"folder", errc::cannot_open, "it is a folder"},
    {"pipe", errc::cannot_open, "not a regular file"},
    {"text", errc::not_a_database, "is not an SQLite database"},
    {"short", errc::not_a_database, "is not an SQLite database"},
    {"broken", errc::corrupt, "it is damaged"},
  };
  for (auto& c : cases) {
    for (bool write : {true, false}) {
      auto failure = failure_of([&] {
        auto options = impatient(dir / c.name);
        write ? db_connection::open_writer(options) : db_connection::open_reader(options);
      });
      BOOST_REQUIRE_MESSAGE(failure, c.name);
      BOOST_TEST((failure->code() == c.code), c.name << ": " << failure->what());
      BOOST_TEST(contains(failure->what(), c.says), failure->what());
      BOOST_TEST(contains(failure->what(), dir / c.name), failure->what());
      BOOST_TEST(contains(failure->what(), "Nothing was changed"), failure->what());
    }
  }
  BOOST_TEST(fs::file_size(dir / "short") == 2u);
}

BOOST_AUTO_TEST_CASE(a_database_needs_a_file) {
  for (auto* name : {"", ":memory:"})
    BOOST_TEST(
      fails_with(errc::invalid_argument, [&] { db_connection::open_writer(impatient(name)); }));
  BOOST_TEST(fails_with(errc::invalid_argument,
                        [&] { db_connection::open_reader(impatient(std::string("a\0b", 3))); }));
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_created_only_where_that_is_wanted) {
  auto options = impatient(path);
  options.create = false;
  BOOST_TEST(fails_with(errc::cannot_open, [&] { db_connection::open_writer(options); }));
  BOOST_TEST(fails_with(errc::cannot_open, [&] { reader(); }));
  BOOST_TEST(!fs::exists(path));
  make_database();
  BOOST_TEST(!failure_of([&] { db_connection::open_writer(options); }));
}

BOOST_AUTO_TEST_CASE(what_may_not_be_written_is_said_to_be_read_only) {
  make_database();
  ::chmod(path.c_str(), 0444);
  ::chmod(dir.path().c_str(), 0777);
  {
    ordinary_user user;
    auto failure = failure_of([&] { writer(); });
    BOOST_REQUIRE(failure);
    BOOST_TEST((failure->code() == errc::read_only), failure->what());
    BOOST_TEST(contains(failure->what(), path));
  }
  for (auto* suffix : {"-wal", "-shm"})
    fs::remove(path + suffix);
  ::chmod(path.c_str(), 0666);
  close_folder();
  ordinary_user user;
  auto failure = failure_of([&] { writer(); });
  BOOST_REQUIRE(failure);
  BOOST_TEST((failure->code() == errc::read_only), failure->what());
  BOOST_TEST(contains(failure->what(), "the folder"));
}

BOOST_AUTO_TEST_CASE(what_may_not_be_read_is_explained) {
  make_database();
  ::chmod(path.c_str(), 0000);
  ::chmod(dir.path().c_str(), 0755);
  ordinary_user user;
  auto failure = failure_of([&] { reader(); });
  BOOST_REQUIRE(failure);
  BOOST_TEST((failure->code() == errc::cannot_open));
  BOOST_TEST(contains(failure->what(), "no permission to read"), failure->what());
}

BOOST_AUTO_TEST_CASE(a_reader_works_when_nobody_owns_the_database) {
  make_database();
  BOOST_TEST(!fs::exists(path + "-wal")); // A clean close has tidied up.
  auto db = reader();
  BOOST_TEST(first_of(db, "SELECT x FROM t").integer() == 1);
}

BOOST_AUTO_TEST_CASE(a_reader_works_in_a_folder_that_nobody_may_write) {
  path = dir / "a b%c?.db";
  make_database();
  ::chmod(path.c_str(), 0444);
  close_folder();
  ordinary_user user;
  auto db = reader();
  BOOST_TEST(first_of(db, "SELECT x FROM t").integer() == 1);
  BOOST_TEST(fails_with(errc::read_only, [&] { db.execute("DELETE FROM t"); }));
}

// The owner may come back at any time, or have died in the middle of a write.
BOOST_AUTO_TEST_CASE(a_file_that_somebody_may_write_is_never_read_as_if_nobody_could) {
  make_database();
  ::chmod(path.c_str(), 0644);
  close_folder();
  {
    ordinary_user user;
    auto failure = failure_of([&] { reader(); });
    BOOST_REQUIRE(failure);
    BOOST_TEST((failure->code() == errc::cannot_open));
    BOOST_TEST(contains(failure->what(), "write-ahead log"), failure->what());
  }
  ::chmod(path.c_str(), 0444);
  std::ofstream(path + "-journal") << "what a dead process left";
  ordinary_user user;
  BOOST_TEST(failure_of([&] { reader(); }).has_value());
}

BOOST_AUTO_TEST_CASE(rules_for_the_data_are_those_that_were_asked_for) {
  make_database();
  auto options = impatient(path);
  auto expect = [&](const char* keys, const char* erasing) {
    auto db = db_connection::open_writer(options);
    BOOST_TEST(setting(db, "foreign_keys") == keys);
    BOOST_TEST(setting(db, "secure_delete") == erasing);
    BOOST_TEST(!db.created());
  };
  expect("1", "2");
  options.foreign_keys = false;
  options.secure_delete = true;
  expect("0", "1");
  options.foreign_keys.reset();
  options.secure_delete.reset();
  auto library = db_connection::open_reader(options); // Sets neither.
  auto keys = setting(library, "foreign_keys");
  auto erasing = setting(library, "secure_delete");
  expect(keys.c_str(), erasing.c_str());
}

BOOST_AUTO_TEST_CASE(a_reader_of_another_process_sees_the_owners_commits) {
  int go[2];
  BOOST_REQUIRE(::pipe(go) == 0);
  auto child = ::fork();
  if (child == 0) {
    char byte = 0;
    int result = ::read(go[0], &byte, 1) == 1 ? 0 : 2;
    try {
      auto db = reader();
      result = first_of(db, "SELECT count(*) FROM t").integer() == 2 ? result : 3;
    } catch (const storage::error&) {
      result = 4;
    }
    ::_exit(result);
  }
  auto db = writer();
  db.execute("CREATE TABLE t(x); INSERT INTO t VALUES(1), (2)");
  BOOST_REQUIRE(::write(go[1], "x", 1) == 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 0);
  ::close(go[0]);
  ::close(go[1]);
}

// A reader must open at once, before the writer has written anything.
BOOST_AUTO_TEST_CASE(the_log_exists_once_the_writer_is_open) {
  auto db = writer();
  BOOST_TEST(fs::exists(path + "-wal"));
  BOOST_TEST(fs::exists(path + "-shm"));
  auto other = reader();
  BOOST_TEST(rows_of(other, "SELECT * FROM sqlite_schema").rows.empty());
}

// A neighbour that commits in a loop leaves the lock free for moments only.
BOOST_AUTO_TEST_CASE(a_lock_is_waited_for_in_short_steps_up_to_the_patience) {
  auto owner = writer();
  std::vector<std::int64_t> pauses;
  auto options = impatient(path);
  options.patience = std::chrono::milliseconds{1302};
  options.pause = [&](std::chrono::milliseconds time) { pauses.push_back(time.count()); };
  auto other = db_connection::open_writer(options);
  owner.execute("CREATE TABLE t(x); BEGIN IMMEDIATE");
  BOOST_TEST(fails_with(errc::busy, [&] { other.execute("INSERT INTO t VALUES(1)"); }));
  BOOST_TEST(std::accumulate(pauses.begin(), pauses.end(), std::int64_t{0}) == 1302);
  BOOST_TEST(std::count(pauses.begin(), pauses.end() - 1, 1) == 1000);
  BOOST_TEST(*std::max_element(pauses.begin(), pauses.end()) == 5);
  BOOST_TEST(std::is_sorted(pauses.begin(), pauses.end() - 1)); // The last is what is left.
  BOOST_TEST(other.lock_waits() == 1);
  BOOST_TEST(other.lock_failures() == 1);
}

BOOST_AUTO_TEST_CASE(a_lock_that_is_released_in_time_is_no_failure) {
  auto owner = writer();
  auto options = impatient(path);
  options.patience = std::chrono::milliseconds{1000};
  options.pause = [&](std::chrono::milliseconds) {
    if (!owner.autocommit())
      owner.execute("COMMIT");
  };
  auto other = db_connection::open_writer(options);
  owner.execute("CREATE TABLE t(x); BEGIN IMMEDIATE");
  other.execute("INSERT INTO t VALUES(1)");
  BOOST_TEST(other.lock_waits() == 1);
  BOOST_TEST(other.lock_failures() == 0);
}

BOOST_AUTO_TEST_CASE(a_statement_past_its_time_is_ended) {
  auto db = writer();
  int asked = 0;
  db.limit_running([&] { return ++asked > 10; });
  auto endless =
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
  BOOST_TEST(fails_with(errc::timeout, [&] { rows_of(db, endless); }));
  BOOST_TEST(asked == 11);
  db.limit_running([]() -> bool { throw std::runtime_error("a bad clock"); });
  BOOST_TEST(fails_with(errc::timeout, [&] { rows_of(db, endless); }));
  db.limit_running({});
  BOOST_TEST(rows_of(db,
                     "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 5000)"
                     " SELECT x FROM n")
               .rows.size()
             == 5000u);
}

BOOST_AUTO_TEST_CASE(durability_changes_between_transactions_only) {
  auto db = writer();
  db.set_durability(durability::full);
  BOOST_TEST(setting(db, "synchronous") == "2");
  db.execute("BEGIN");
  BOOST_TEST(fails_with(errc::sql, [&] { db.set_durability(durability::normal); }));
  db.set_durability(durability::full); // No change, no error.
  db.execute("COMMIT");
  db.set_durability(durability::normal);
  BOOST_TEST(setting(db, "synchronous") == "1");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_moves_what_readers_allow) {
  auto db = writer();
  db.execute("CREATE TABLE t(x)");
  BOOST_TEST(db.wal_frames() > 0);
  auto other = reader();
  {
    storage::read_guard guard{other};
    BOOST_TEST(rows_of(other, "SELECT * FROM t").rows.empty());
    db.execute("INSERT INTO t VALUES(1)");
    auto partial = db.checkpoint(true);
    BOOST_TEST(!partial.complete);
    BOOST_TEST(partial.moved < partial.frames);
    BOOST_TEST(db.lock_waits() == 0); // It did not wait.
  }
  auto passive = db.checkpoint(false);
  BOOST_TEST(passive.complete);
  BOOST_TEST(passive.moved == passive.frames);
  BOOST_TEST(fs::file_size(path + "-wal") > 0u);
  auto frames = db.wal_frames();
  auto truncated = db.checkpoint(true);
  BOOST_TEST(truncated.complete);
  BOOST_TEST(truncated.frames == frames);
  BOOST_TEST(truncated.moved == frames);
  BOOST_TEST(fs::file_size(path + "-wal") == 0u);
  BOOST_TEST(db.wal_frames() == 0);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_waits_is_complete_once_readers_have_ended) {
  std::optional<storage::read_guard> guard;
  storage::connection_options options;
  options.path = path;
  int pauses = 0;
  options.pause = [&](std::chrono::milliseconds) {
    if (++pauses == 5)
      guard.reset();
  };
  auto db = storage::connection::open_writer(options);
  db.execute("CREATE TABLE t(x)");
  auto other = reader();
  guard.emplace(other);
  rows_of(other, "SELECT * FROM t");
  db.execute("INSERT INTO t VALUES(1)");
  BOOST_TEST(!db.checkpoint(true, std::chrono::milliseconds{4}).complete);
  BOOST_TEST(pauses == 4);
  BOOST_TEST(db.checkpoint(true, std::chrono::milliseconds{100}).complete);
  BOOST_TEST(fs::file_size(path + "-wal") == 0u);
  BOOST_TEST(db.lock_waits() == 2);
}

BOOST_AUTO_TEST_CASE(nothing_is_checkpointed_behind_our_back) {
  auto db = writer();
  db.execute("CREATE TABLE t(x)");
  for (int i = 0; i < 1500; ++i)
    db.execute("INSERT INTO t VALUES(zeroblob(3000))");
  BOOST_TEST(db.wal_frames() > 1500);
  auto options = impatient(path);
  options.checkpoint_on_close = false;
  { auto guest = db_connection::open_writer(options); }
  BOOST_TEST(fs::file_size(path + "-wal") > 1500u * 4096u);
}

BOOST_AUTO_TEST_CASE(the_last_writer_may_leave_the_log_to_the_owner) {
  auto options = impatient(path);
  options.checkpoint_on_close = false;
  {
    auto db = db_connection::open_writer(options);
    db.execute("CREATE TABLE t(x)");
  }
  BOOST_TEST(fs::exists(path + "-wal"));
  { auto db = writer(); }
  BOOST_TEST(!fs::exists(path + "-wal"));
}

BOOST_AUTO_TEST_CASE(the_schema_cannot_be_written_around_sqlite) {
  make_database();
  auto db = writer();
  BOOST_TEST(fails_with(
    errc::sql, [&] { db.execute("PRAGMA writable_schema=ON; DELETE FROM sqlite_schema"); }));
  BOOST_TEST(fails_with(errc::sql, [&] { db.execute("SELECT \"text\" FROM t"); }));
  BOOST_TEST(fails_with(errc::sql, [&] { db.execute("SELECT load_extension('x')"); }));
}

BOOST_AUTO_TEST_CASE(a_moved_connection_keeps_working) {
  auto first = writer();
  first.execute("CREATE TABLE t(x)");
  std::optional<db_connection> second_home;
  auto stmt = first.prepare("INSERT INTO t VALUES(?1)");
  second_home.emplace(std::move(first));
  auto& second = *second_home;
  stmt->bind(1).run();
  second.limit_running([] { return false; });
  BOOST_TEST(second.total_changes() == 1);
  BOOST_TEST(second.changes() == 1);
  BOOST_TEST(second.last_insert_rowid() == 1);
  BOOST_TEST(second.path() == path);
}

BOOST_AUTO_TEST_CASE(a_text_of_statements_runs_whole_or_fails) {
  auto db = writer();
  db.execute("CREATE TABLE t(x); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2)");
  BOOST_TEST(db.total_changes() == 2);
  BOOST_TEST(fails_with(errc::sql, [&] { db.execute(std::string("SELECT 1\0 nonsense", 18)); }));
  BOOST_TEST(fails_with(errc::sql, [&] { db.execute("SELECT 1; nonsense"); }));
}

BOOST_AUTO_TEST_SUITE_END()

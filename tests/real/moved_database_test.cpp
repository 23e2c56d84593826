// Somebody renames or replaces the file of a running runtime. What is written then
// would go into a log that the file is not opened with any more: nothing of it may be
// acknowledged.

#include "quire/app/runtime.hpp"
#include "quire/tests/support/run_program.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

using namespace quire;
using namespace quire::tests;
namespace fs = std::filesystem;

namespace {

struct running {
  running() {
    db.write("CREATE TABLE t(x)");
    db.write("INSERT INTO t VALUES(1)");
  }

  options chosen() const {
    options result;
    result.database = path("a.db");
    result.maintenance_interval = std::chrono::milliseconds{0};
    return result;
  }

  std::string path(const std::string& name) const { return folder.path() + "/" + name; }

  void move(const std::string& from, const std::string& to) const {
    fs::rename(path(from), path(to));
  }

  /// How a write of each form is refused; nothing if one is not.
  std::optional<errc> refusal() {
    auto batch = code_of([this] { db.write("INSERT INTO t VALUES(2)"); });
    auto function =
      code_of([this] { db.write([](auto& tx) { tx.execute("INSERT INTO t VALUES(2)"); }); });
    return batch == function ? batch : std::nullopt;
  }

  static std::optional<errc> code_of(const std::function<void()>& f) {
    try {
      f();
      return std::nullopt;
    } catch (const failure& failed) {
      BOOST_TEST((failed.outcome() == write_outcome::not_applied));
      return failed.code();
    }
  }

  /// It is as if nothing had happened.
  void check_goes_on() {
    db.write("INSERT INTO t VALUES(3)");
    db.close();
    auto rows =
      folder.run({"sqlite3", "a.db", "SELECT group_concat(x) FROM t; PRAGMA integrity_check"});
    BOOST_TEST(rows.out == "1,3\nok\n", rows);
  }

  program_folder folder;
  runtime db{chosen()};
};

} // namespace

BOOST_AUTO_TEST_SUITE(moved_database)

BOOST_AUTO_TEST_CASE(a_database_that_was_renamed_takes_no_writes_until_it_is_back) {
  running r;
  r.move("a.db", "moved.db");
  BOOST_TEST((r.refusal() == errc::cannot_open));
  BOOST_TEST(r.db.query("SELECT x FROM t").rows.size() == 1u);
  r.move("moved.db", "a.db");
  r.check_goes_on();
}

BOOST_AUTO_TEST_CASE(a_database_that_was_replaced_takes_no_writes_and_the_other_is_left_alone) {
  running r;
  BOOST_REQUIRE(r.folder.run({"sqlite3", "other.db", "CREATE TABLE t(x)"}).status == 0);
  auto other = r.folder.read("other.db");
  r.move("a.db", "moved.db");
  r.move("other.db", "a.db");
  BOOST_TEST((r.refusal() == errc::cannot_open));
  r.move("a.db", "other.db");
  r.move("moved.db", "a.db");
  r.check_goes_on();
  BOOST_TEST((r.folder.read("other.db") == other));
}

BOOST_AUTO_TEST_CASE(a_database_that_was_deleted_takes_no_writes) {
  running r;
  fs::remove(r.path("a.db"));
  BOOST_TEST((r.refusal() == errc::cannot_open));
  task_spec task;
  task.kind = "command";
  task.payload = R"({"argv": ["true"]})";
  BOOST_TEST((running::code_of([&] { r.db.enqueue(task); }) == errc::cannot_open));
}

// The name of a link says nothing about the file.
BOOST_AUTO_TEST_CASE(a_link_that_is_gone_changes_nothing) {
  running r;
  fs::create_symlink("a.db", r.path("link.db"));
  r.db.close();
  auto linked = r.chosen();
  linked.database = r.path("link.db");
  runtime db(linked);
  fs::remove(r.path("link.db"));
  db.write("INSERT INTO t VALUES(3)");
  BOOST_TEST(db.query("SELECT x FROM t").rows.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

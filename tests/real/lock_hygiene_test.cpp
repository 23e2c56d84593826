// Closing any descriptor of a file drops all locks that the process has on it, SQLite's
// too (https://www.sqlite.org/howtocorrupt.html, 2.2). So nothing of ours may ever open
// the database or its -shm file. Each call is made while a write is open: the locks
// must stay, and another process must not be able to write.

#include "quire/actors/pipeline_parser.hpp"
#include "quire/app/runtime.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/owner_lock.hpp"
#include "quire/tests/support/run_program.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace quire;
using namespace quire::tests;
using namespace std::chrono_literals;

namespace {

// What SQLite locks, see os_unix.c and wal.c: readers of the file share a range of it,
// and in the -shm file one byte is the write lock and one says that somebody uses it.
constexpr std::int64_t shared_of_file = 0x40000002;
constexpr std::int64_t write_byte = 120;
constexpr std::int64_t used_byte = 128;

/// The POSIX locks of this process on one file, as the kernel has them.
class held_locks {
public:
  explicit held_locks(const std::string& path) {
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0)
      return;
    std::ifstream all("/proc/locks");
    for (std::string line; std::getline(all, line);) {
      std::istringstream words(line);
      std::string number, kind, advisory, mode, place, end;
      pid_t process = 0;
      std::int64_t start = 0;
      words >> number >> kind >> advisory >> mode >> process >> place >> start >> end;
      auto inode = place.substr(place.rfind(':') + 1);
      if (kind == "POSIX" && process == ::getpid() && inode == std::to_string(file.st_ino))
        locks_.push_back({mode, start, end == "EOF" ? INT64_MAX : std::stoll(end)});
    }
  }

  bool has(const std::string& mode, std::int64_t byte) const {
    return std::any_of(locks_.begin(), locks_.end(), [&](auto& held) {
      return held.mode == mode && held.first <= byte && byte <= held.last;
    });
  }

private:
  struct lock {
    std::string mode;
    std::int64_t first;
    std::int64_t last;
  };
  std::vector<lock> locks_;
};

/// A database with a runtime whose writer is in the middle of a write.
struct open_write {
  open_write() {
    db.write("CREATE TABLE t(who TEXT)");
    db.write("INSERT INTO t VALUES('before')");
    pipeline = actors::parse_pipeline(R"({"name": "p", "stages": [
      {"name": "one", "task": {"kind": "command", "argv": ["true"]}}]})");
    known_task = db.enqueue(task());
    writing = std::async(std::launch::async, [this] {
      db.write([this](storage::transaction& tx) {
        tx.execute("INSERT INTO t VALUES('ours')");
        inside.set_value();
        may_end.get_future().wait();
      });
    });
    inside.get_future().wait();
  }

  /// Ends the write, and with it all that waits for it.
  /// @returns whether it was committed.
  bool end() {
    may_end.set_value();
    try {
      writing.get();
    } catch (const failure&) {
      return false;
    }
    for (auto& call : later)
      call.get();
    return true;
  }

  ~open_write() {
    if (writing.valid())
      end();
  }

  options chosen(access_mode mode, const std::string& name = "a.db") const {
    options result;
    result.database = folder.path() + "/" + name;
    result.mode = mode;
    result.patience = mode == access_mode::own ? 30s : 0s;
    result.request_timeout = 120s;
    result.maintenance_interval = 0s;
    return result;
  }

  static task_spec task() {
    task_spec spec;
    spec.kind = "command";
    spec.payload = R"({"argv": ["true"]})";
    return spec;
  }

  /// Whether somebody else can write within `patience_ms`.
  bool others_can_write(int patience_ms = 0) const {
    auto shell = folder.run({"sqlite3", "-cmd", ".timeout " + std::to_string(patience_ms), "a.db",
                             "INSERT INTO t VALUES('theirs')"});
    BOOST_TEST((shell.status == 0 || shell.err_has("locked")), shell);
    return shell.status == 0;
  }

  bool locks_are_held() const {
    held_locks file(folder.path() + "/a.db");
    held_locks shm(folder.path() + "/a.db-shm");
    return file.has("READ", shared_of_file) && shm.has("WRITE", write_byte)
           && shm.has("READ", used_byte);
  }

  /// A call that needs the writer: it has its answer after `end`.
  void ask_later(std::function<void()> call) {
    later.push_back(std::async(std::launch::async, std::move(call)));
  }

  program_folder folder;
  runtime db{chosen(access_mode::own)};
  pipeline_spec pipeline;
  task_id known_task{};
  std::promise<void> inside;
  std::promise<void> may_end;
  std::future<void> writing;
  std::vector<std::future<void>> later;
};

std::optional<failure> failure_of(const std::function<void()>& f) {
  try {
    f();
    return std::nullopt;
  } catch (const failure& failed) {
    return failed;
  }
}

struct call {
  std::string name;
  std::function<void(open_write&)> run;
};

void refuse_second_owner(open_write& w, const std::string& name) {
  auto failed = failure_of([&] { runtime second(w.chosen(access_mode::own, name)); });
  BOOST_REQUIRE(failed.has_value());
  BOOST_TEST((failed->code() == errc::already_owned));
  BOOST_TEST(std::string{failed->what()}.find("process " + std::to_string(::getpid()))
             != std::string::npos);
}

void visit(open_write& w) {
  runtime visitor(w.chosen(access_mode::visit));
  BOOST_TEST(visitor.query("SELECT count(*) FROM t").rows[0][0].integer() == 1);
  auto failed = failure_of([&] { visitor.write("INSERT INTO t VALUES('visitor')"); });
  BOOST_REQUIRE(failed.has_value());
  BOOST_TEST((failed->code() == errc::busy));
}

/// Every call that can be made while a write is open, but `close`.
const std::vector<call> calls{
  {"opened", [](auto& w) { w.db.opened(); }},
  {"status", [](auto& w) { w.db.status(); }},
  {"query", [](auto& w) { w.db.query("SELECT * FROM t"); }},
  {"query that fails", [](auto& w) { failure_of([&] { w.db.query("SELECT * FROM nothing"); }); }},
  {"query_async",
   [](auto& w) {
     w.db.query_async({{{"SELECT * FROM t", {}}}}).get();
   }},
  {"read", [](auto& w) { w.db.read([](auto& state) {
                           return state.query({"SELECT 1", {}});
                         }); }},
  {"integrity_check", [](auto& w) { w.db.query("PRAGMA integrity_check"); }},
  {"tasks", [](auto& w) { w.db.tasks(); }},
  {"find a task", [](auto& w) { w.db.find(w.known_task); }},
  {"runs", [](auto& w) { w.db.runs(); }},
  {"find a run", [](auto& w) { w.db.find(run_id{1}); }},
  {"wait", [](auto& w) { failure_of([&] { w.db.wait(w.known_task, 1ms); }); }},
  {"write_async",
   [](auto& w) {
     w.ask_later([&, answer = std::make_shared<std::future<messages::receipt>>(
                       w.db.write_async({{{"INSERT INTO t VALUES('later')", {}}}, std::nullopt}))] {
       answer->get();
     });
   }},
  {"write, full",
   [](auto& w) {
     w.ask_later([&] { w.db.write({{{"INSERT INTO t VALUES('later')", {}}}, durability::full}); });
   }},
  {"enqueue", [](auto& w) { w.ask_later([&] { w.db.enqueue(open_write::task()); }); }},
  {"start", [](auto& w) { w.ask_later([&] { w.db.start(w.pipeline); }); }},
  {"cancel",
   [](auto& w) { w.ask_later([&] { failure_of([&] { w.db.cancel(w.known_task, "no"); }); }); }},
  {"retry", [](auto& w) { w.ask_later([&] { failure_of([&] { w.db.retry(w.known_task); }); }); }},
  {"maintain", [](auto& w) { w.ask_later([&] { w.db.maintain(); }); }},
  {"owner_of",
   [](auto& w) {
     auto owner = storage::owner_lock::owner_of(w.folder.path() + "/a.db");
     BOOST_TEST((owner == "process " + std::to_string(::getpid())));
   }},
  {"acquire",
   [](auto& w) {
     BOOST_CHECK_THROW(storage::owner_lock::acquire(w.folder.path() + "/a.db"), storage::error);
   }},
  {"a second owner", [](auto& w) { refuse_second_owner(w, "a.db"); }},
  {"a second owner by a link",
   [](auto& w) {
     std::filesystem::create_symlink("a.db", w.folder.path() + "/link.db");
     refuse_second_owner(w, "link.db");
   }},
  {"look",
   [](auto& w) {
     runtime looking(w.chosen(access_mode::look));
     BOOST_TEST(looking.query("SELECT count(*) FROM t").rows[0][0].integer() == 1);
   }},
  {"look by a link", [](auto& w) { runtime looking(w.chosen(access_mode::look, "link.db")); }},
  {"look and close twice",
   [](auto& w) {
     runtime first(w.chosen(access_mode::look));
     { runtime second(w.chosen(access_mode::look)); }
     first.close();
   }},
  {"visit", visit},
  {"visit by a link", [](auto& w) { runtime visitor(w.chosen(access_mode::visit, "link.db")); }},
  // Last, as nothing opens the file afterwards.
  {"a hard link",
   [](auto& w) {
     std::filesystem::create_hard_link(w.folder.path() + "/a.db", w.folder.path() + "/hard.db");
     for (auto mode : {access_mode::own, access_mode::visit})
       BOOST_TEST(failure_of([&] { runtime second(w.chosen(mode, "hard.db")); }).has_value());
   }},
  {"write after all of that",
   [](auto& w) { w.ask_later([&] { w.db.write("INSERT INTO t VALUES('later')"); }); }},
};

/// Whether a line of code opens or copies a file; SQL and its own classes are no matter.
bool opens_a_file(const std::string& line) {
  static const std::regex opening(
    R"((^|\W)::(open|openat|creat|mmap|rename|truncate)\s*\(|\b(fopen|freopen|mkstemp|sendfile|copy_file\w*)\s*\()"
    R"(|\b(i|o)?fstream\b|\bfilebuf\b)");
  auto code = line.substr(0, line.find("//"));
  return code.find("#include") == std::string::npos && std::regex_search(code, opening);
}

/// The sources, relative to the tree, that open files.
std::set<std::string> sources_that_open_files() {
  std::set<std::string> found;
  for (std::string layer : {"messages", "storage", "actors", "app"})
    for (auto& entry :
         std::filesystem::recursive_directory_iterator(std::string{QUIRE_SOURCE "/"} + layer)) {
      auto end = entry.path().extension();
      if (end != ".cpp" && end != ".hpp")
        continue;
      std::ifstream source(entry.path());
      for (std::string line; std::getline(source, line);)
        if (opens_a_file(line))
          found.insert(std::filesystem::relative(entry.path(), QUIRE_SOURCE).string());
    }
  return found;
}

std::int64_t count_of(runtime& db, const std::string& who) {
  return db.query("SELECT count(*) FROM t WHERE who = ?1", {who}).rows[0][0].integer();
}

} // namespace

BOOST_AUTO_TEST_SUITE(lock_hygiene)

BOOST_AUTO_TEST_CASE(no_call_gives_up_a_lock_of_a_write_that_is_open) {
  open_write w;
  BOOST_REQUIRE_MESSAGE(w.locks_are_held(), "the kernel does not show the locks");
  for (auto& [name, run] : calls) {
    BOOST_TEST_CONTEXT(name) {
      run(w);
      BOOST_TEST(w.locks_are_held());
      BOOST_TEST(!w.others_can_write());
    }
  }
  BOOST_TEST(w.end());
  BOOST_TEST(count_of(w.db, "ours") == 1);
  BOOST_TEST(count_of(w.db, "later") == 3);
  BOOST_TEST(count_of(w.db, "theirs") == 0);
  BOOST_TEST(w.db.query("PRAGMA integrity_check").rows[0][0].text() == "ok");
}

// The lock is there for a reason, and given back.
BOOST_AUTO_TEST_CASE(others_can_write_before_and_after) {
  open_write w;
  BOOST_TEST(!w.others_can_write());
  BOOST_TEST(w.end());
  BOOST_TEST(w.others_can_write(30'000)); // The task of the fixture is written, too.
  BOOST_TEST(count_of(w.db, "ours") == 1);
  BOOST_TEST(count_of(w.db, "theirs") == 1);
}

// What all this is about; and the checks above can fail.
BOOST_AUTO_TEST_CASE(who_opens_the_file_and_closes_it_gives_up_the_locks) {
  for (std::string name : {"/a.db", "/a.db-shm"}) {
    open_write w;
    { std::ifstream mistake(w.folder.path() + name); }
    BOOST_TEST(!w.locks_are_held());
    if (name == "/a.db-shm") { // The lock of writers is there. What they do then is of no account.
      BOOST_TEST(w.others_can_write());
      w.end();
    }
  }
}

// Whoever adds a place must be sure that it can never be the database.
BOOST_AUTO_TEST_CASE(only_these_places_open_files) {
  const std::set<std::string> known{
    "actors/process_groups.cpp", // What the kernel says about processes.
    "app/cli/main.cpp",          // /dev/null.
    "app/cli/sql_command.cpp",   // An empty file of its own, closed before SQLite has it.
    "app/cli/text_source.cpp",   // Before the database is open.
    "storage/owner_lock.cpp",    // The lock file.
    "storage/result_files.cpp",  // In a folder of its own; links are not followed.
  };
  BOOST_TEST(sources_that_open_files() == known, boost::test_tools::per_element());
  BOOST_TEST(opens_a_file("  std::ifstream file(path);"));
  BOOST_TEST(opens_a_file("  auto file = ::open(path.c_str(), O_RDONLY);"));
  BOOST_TEST(opens_a_file("  std::filesystem::copy_file(database, backup);"));
  BOOST_TEST(!opens_a_file("  connection::open(options, true); // ::open("));
}

// A program of its own learns who owns the database.
BOOST_AUTO_TEST_CASE(another_process_is_told_who_owns_the_database) {
  open_write w;
  w.folder.write("p.json", w.pipeline.source);
  auto second = w.folder.quire({"run", "p.json", "--db", "a.db"});
  BOOST_TEST(second.status == 1, second);
  BOOST_TEST(second.err_has("process " + std::to_string(::getpid())), second);
  BOOST_TEST(w.folder.quire({"sql", "SELECT count(*) FROM t", "--db", "a.db"}).status == 0);
  BOOST_TEST(w.locks_are_held());
  BOOST_TEST(w.end());
  BOOST_TEST(count_of(w.db, "ours") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

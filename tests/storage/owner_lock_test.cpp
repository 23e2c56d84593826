#include "quire/storage/owner_lock.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace quire;
using namespace quire::tests;
using quire::storage::connection;
using lock = quire::storage::owner_lock;

namespace {

struct fixture {
  temp_dir dir;
  std::string path = dir / "a.db";
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(owner_lock, fixture)

BOOST_AUTO_TEST_CASE(a_database_has_one_owner) {
  auto first = lock::acquire(path);
  auto failure = failure_of([&] { lock::acquire(path); });
  BOOST_REQUIRE(failure);
  BOOST_TEST((failure->code() == errc::already_owned));
  BOOST_TEST(contains(failure->what(), "process " + std::to_string(::getpid())));
  BOOST_TEST(contains(failure->what(), path));
}

BOOST_AUTO_TEST_CASE(the_lock_ends_with_its_scope) {
  { auto first = lock::acquire(path); }
  BOOST_TEST(!lock::owner_of(path));
  auto second = lock::acquire(path);
  auto moved = std::move(second);
  BOOST_TEST(fails_with(errc::already_owned, [&] { lock::acquire(path); }));
}

BOOST_AUTO_TEST_CASE(the_owner_is_named) {
  BOOST_TEST(!lock::owner_of(path));
  BOOST_TEST(!std::filesystem::exists(path + ".lock")); // Asking creates nothing.
  auto first = lock::acquire(path);
  BOOST_TEST(lock::owner_of(path).value() == "process " + std::to_string(::getpid()));
}

// Two runtimes would corrupt each other's idea of the running tasks otherwise.
BOOST_AUTO_TEST_CASE(a_link_leads_to_the_same_lock) {
  std::filesystem::create_symlink(path, dir / "link.db");
  std::filesystem::create_directory(dir / "sub");
  auto first = lock::acquire(path);
  BOOST_TEST(fails_with(errc::already_owned, [&] { lock::acquire(dir / "sub/../a.db"); }));
  BOOST_REQUIRE(lock::owner_of(dir / "sub/../a.db").has_value());
  { std::ofstream{path}; }
  BOOST_TEST(fails_with(errc::already_owned, [&] { lock::acquire(dir / "link.db"); }));
}

// SQLite follows the link and creates the file where it leads to.
BOOST_AUTO_TEST_CASE(a_link_to_what_is_not_there_yet_leads_to_the_same_lock) {
  std::filesystem::create_directory(dir / "data");
  std::filesystem::create_symlink("data/real.db", dir / "link.db");
  std::filesystem::create_symlink("link.db", dir / "second.db");
  auto first = lock::acquire(dir / "second.db");
  BOOST_TEST(std::filesystem::exists(dir / "data/real.db.lock"));
  BOOST_TEST(fails_with(errc::already_owned, [&] { lock::acquire(dir / "link.db"); }));
  BOOST_TEST(fails_with(errc::already_owned, [&] { lock::acquire(dir / "data/real.db"); }));
}

BOOST_AUTO_TEST_CASE(a_link_in_a_circle_is_an_error_and_no_endless_loop) {
  std::filesystem::create_symlink("b.db", dir / "a.db");
  std::filesystem::create_symlink("a.db", dir / "b.db");
  BOOST_TEST(failure_of([&] { connection::open_writer(impatient(path)); }).has_value());
  auto mine = failure_of([&] { lock::acquire(path); });
  BOOST_TEST((!mine || mine->code() != errc::already_owned));
}

BOOST_AUTO_TEST_CASE(a_killed_owner_is_no_owner) {
  int ready[2];
  BOOST_REQUIRE(::pipe(ready) == 0);
  auto child = ::fork();
  if (child == 0) {
    auto mine = lock::acquire(path);
    [[maybe_unused]] auto told = ::write(ready[1], "x", 1);
    for (;;)
      ::pause();
  }
  char byte = 0;
  BOOST_REQUIRE(::read(ready[0], &byte, 1) == 1);
  BOOST_TEST(lock::owner_of(path).value() == "process " + std::to_string(child));
  BOOST_TEST(fails_with(errc::already_owned, [&] { lock::acquire(path); }));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  BOOST_TEST(!lock::owner_of(path));
  auto mine = lock::acquire(path);
  BOOST_TEST(lock::owner_of(path).value() == "process " + std::to_string(::getpid()));
  ::close(ready[0]);
  ::close(ready[1]);
}

BOOST_AUTO_TEST_CASE(a_missing_folder_is_reported) {
  auto failure = failure_of([&] { lock::acquire(dir / "missing/a.db"); });
  BOOST_REQUIRE(failure);
  BOOST_TEST((failure->code() == errc::cannot_open));
  BOOST_TEST(contains(failure->what(), "missing/a.db.lock"));
  BOOST_TEST(!lock::owner_of(dir / "missing/a.db"));
}

// Looking takes a shared lock for a moment, which must not look like an owner.
BOOST_AUTO_TEST_CASE(looking_keeps_nobody_from_becoming_owner) {
  { auto once = lock::acquire(path); }
  std::atomic<bool> stop = false;
  std::thread looker([&] {
    while (!stop)
      lock::owner_of(path);
  });
  int failures = 0;
  for (int i = 0; i < 200; ++i)
    failures += failure_of([&] { lock::acquire(path); }) ? 1 : 0;
  stop = true;
  looker.join();
  BOOST_TEST(failures == 0);
}

BOOST_AUTO_TEST_SUITE_END()

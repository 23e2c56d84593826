// How requests are served, as users of the runtime see it: real files, real threads.

#include "quire/app/runtime.hpp"

#include "quire/tests/support/failure_code.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace quire;
using namespace std::chrono_literals;
using tests::code_of;

namespace {

constexpr auto limit = 60s;

struct fixture {
  options chosen() const {
    options result;
    result.database = dir / "runtime.db";
    result.drain_timeout = 1s;
    return result;
  }

  void fill(runtime& running, int rows) {
    running.write("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL)");
    running.write([rows](storage::transaction& tx) {
      for (int i = 1; i <= rows; ++i)
        tx.execute("INSERT INTO item(name) VALUES(?1)", "item " + std::to_string(i));
    });
  }

  tests::temp_dir dir;
};

constexpr auto endless_query =
  "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";

} // namespace

BOOST_FIXTURE_TEST_SUITE(runtime_requests, fixture)

BOOST_AUTO_TEST_CASE(rows_are_read_as_types) {
  runtime running{chosen()};
  fill(running, 3);
  struct item {
    std::int64_t id;
    std::string name;
  };
  auto items = running.query_as<item>("SELECT id, name FROM item ORDER BY id");
  BOOST_REQUIRE(items.size() == 3u);
  BOOST_TEST(items[1].name == "item 2");
  BOOST_TEST(running.query_scalar<int>("SELECT count(*) FROM item") == 3);
  auto [id, name] =
    running.query_one<std::tuple<int, std::string>>("SELECT * FROM item WHERE id = ?1", {2});
  BOOST_TEST(id == 2);
  BOOST_TEST(!running.query_optional<item>("SELECT * FROM item WHERE id = 9").has_value());
  BOOST_TEST((code_of([&] { running.query_one<item>("SELECT * FROM item WHERE id = 9"); })
              == errc::not_found));
  BOOST_TEST(
    (code_of([&] { running.query_as<int>("SELECT name FROM item"); }) == errc::invalid_argument));
}

BOOST_AUTO_TEST_CASE(a_stream_gives_all_rows_of_one_moment_in_portions) {
  runtime running{chosen()};
  fill(running, 2500);
  auto rows = running.stream("SELECT id, name FROM item WHERE id > ?1 ORDER BY id", {0}, 1000);
  BOOST_TEST(rows.columns().size() == 2u);
  std::size_t count = 0;
  std::vector<std::size_t> portions;
  while (auto portion = rows.next()) {
    if (count == 0)
      running.write("INSERT INTO item(name) VALUES('later')"); // Not of that moment.
    portions.push_back(portion->size());
    for (auto& row : *portion)
      BOOST_REQUIRE(row.at(0).integer() == static_cast<std::int64_t>(++count));
  }
  BOOST_TEST(count == 2500u);
  BOOST_TEST(portions.size() == 3u);
  BOOST_TEST(!rows.next().has_value());
}

BOOST_AUTO_TEST_CASE(what_a_stream_cannot_do_is_said_when_it_is_opened) {
  runtime running{chosen()};
  fill(running, 1);
  BOOST_TEST((code_of([&] { running.stream("SELECT nothing FROM nowhere"); }) == errc::sql));
  BOOST_TEST((code_of([&] { running.stream("DELETE FROM item"); }) == errc::read_only));
  BOOST_TEST((code_of([&] { running.stream("SELECT 1", {}, 0); }) == errc::invalid_argument));
  std::vector<row_stream> open;
  for (int i = 0; i < 8; ++i)
    open.push_back(running.stream("SELECT id FROM item"));
  BOOST_TEST((code_of([&] { running.stream("SELECT 1"); }) == errc::overloaded));
  BOOST_TEST(running.query_scalar<int>("SELECT count(*) FROM item") == 1); // Readers are free.
  open.clear();
  // Their places are free once their actors have ended, which nobody is told of.
  std::optional<errc> code;
  auto deadline = std::chrono::steady_clock::now() + limit;
  do {
    code = code_of([&] { running.stream("SELECT 1"); });
  } while (code == errc::overloaded && std::chrono::steady_clock::now() < deadline);
  BOOST_TEST(!code.has_value());
}

// A consumer that does not come back must not keep the log from shrinking.
BOOST_AUTO_TEST_CASE(a_stream_ends_with_its_lease) {
  auto hasty = chosen();
  hasty.snapshot_lease = 50ms;
  runtime running{hasty};
  fill(running, 3000);
  auto rows = running.stream("SELECT id FROM item", {}, 10);
  std::optional<errc> code;
  auto deadline = std::chrono::steady_clock::now() + limit;
  while (!code && std::chrono::steady_clock::now() < deadline)
    code = code_of([&] {
      std::promise<void>().get_future().wait_for(30ms); // A slow consumer.
      if (!rows.next())
        throw failure(errc::internal, "all rows came");
    });
  BOOST_TEST((code == errc::snapshot_expired));
  BOOST_TEST(!rows.next().has_value());
}

BOOST_AUTO_TEST_CASE(a_long_read_ends_with_its_lease_and_its_sql_is_told) {
  auto hasty = chosen();
  hasty.snapshot_lease = 100ms;
  runtime running{hasty};
  try {
    running.query(endless_query);
    BOOST_ERROR("it ended");
  } catch (const failure& failed) {
    BOOST_TEST((failed.code() == errc::snapshot_expired));
    BOOST_TEST(std::string{failed.what()}.find("WITH RECURSIVE") != std::string::npos);
  }
}

// Several readers, one identical snapshot: whatever is committed meanwhile.
BOOST_AUTO_TEST_CASE(functions_that_read_together_see_the_same) {
  runtime running{chosen()};
  running.write("CREATE TABLE tick(n INTEGER NOT NULL)");
  running.write("INSERT INTO tick VALUES(0)");
  std::atomic<bool> over{false};
  std::jthread writer([&] {
    while (!over)
      running.write("UPDATE tick SET n = n + 1");
  });
  std::int64_t last = -1;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::int64_t> seen(4, -1);
    std::vector<std::function<void(const storage::snapshot&)>> reads;
    for (auto& place : seen)
      reads.push_back([&place](const storage::snapshot& db) {
        place = db.query_scalar<std::int64_t>("SELECT n FROM tick");
        for (int again = 0; again < 50; ++again)
          if (db.query_scalar<std::int64_t>("SELECT n FROM tick") != place)
            throw std::runtime_error("the snapshot moved");
      });
    running.read_together(std::move(reads));
    for (auto one : seen)
      BOOST_TEST(one == seen.front());
    BOOST_TEST(seen.front() >= last);
    last = seen.front();
  }
  over = true;
  writer.join();
  BOOST_TEST(last > 0);
  BOOST_TEST((code_of([&] { running.read_together({}); }) == errc::invalid_argument));
  BOOST_TEST((code_of([&] {
                running.read_together(
                  {[](const storage::snapshot&) { throw std::runtime_error("no"); },
                   [](const storage::snapshot&) {}});
              })
              == errc::function_failed));
}

BOOST_AUTO_TEST_CASE(a_running_query_is_cancelled_by_another_thread) {
  runtime running{chosen()};
  messages::query endless;
  endless.statements = {{endless_query, {}}};
  endless.terms.client = 77;
  endless.terms.request = 1;
  auto answer = running.query_async(endless);
  using stage = messages::request_cancelled::stage;
  auto deadline = std::chrono::steady_clock::now() + limit;
  auto found = stage::unknown;
  // It moves from the quick readers to one with a thread of its own, where it is found again.
  while (answer.wait_for(1ms) != std::future_status::ready
         && std::chrono::steady_clock::now() < deadline)
    found = std::max(found, running.cancel_request(1, 77));
  BOOST_TEST((found != stage::unknown));
  BOOST_TEST((code_of([&] { answer.get(); }) == errc::cancelled));
}

// Long queries on every reader keep nobody waiting who only looks something up.
BOOST_AUTO_TEST_CASE(long_queries_do_not_block_short_ones) {
  auto patient = chosen();
  patient.request_timeout = 120s;
  patient.snapshot_lease = 120s;
  patient.readers = 2;
  runtime running{patient};
  fill(running, 10);
  std::vector<std::future<messages::query_result>> held;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    messages::query endless;
    endless.statements = {{endless_query, {}}};
    endless.terms.client = 5;
    endless.terms.request = i;
    held.push_back(running.query_async(endless));
  }
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(running.query_scalar<int>("SELECT count(*) FROM item") == 10);
  auto deadline = std::chrono::steady_clock::now() + limit;
  for (std::uint64_t i = 1; i <= 4; ++i)
    while (held[i - 1].wait_for(1ms) != std::future_status::ready
           && std::chrono::steady_clock::now() < deadline)
      running.cancel_request(i, 5);
  for (auto& one : held)
    BOOST_TEST((code_of([&] { one.get(); }) == errc::cancelled));
}

// One client with many requests does not keep another one waiting for them.
BOOST_AUTO_TEST_CASE(a_crowd_of_one_client_does_not_delay_another) {
  auto many = chosen();
  many.batch_members_max = 64;
  runtime running{many};
  fill(running, 1);
  std::vector<std::future<messages::receipt>> crowd;
  std::promise<void> blocked;
  std::promise<void> go;
  // The writer is kept busy until all are there.
  std::jthread first([&] {
    running.write([&](storage::transaction&) {
      blocked.set_value();
      go.get_future().wait_for(limit);
    });
  });
  blocked.get_future().wait_for(limit);
  for (int i = 0; i < 2000; ++i) {
    messages::write_batch batch;
    batch.statements = {{"INSERT INTO item(name) VALUES('crowd')", {}}};
    batch.terms.client = 1;
    crowd.push_back(running.write_async(std::move(batch)));
  }
  messages::write_batch single;
  single.statements = {{"INSERT INTO item(name) VALUES('single')", {}}};
  single.terms.client = 2;
  auto alone = running.write_async(std::move(single));
  go.set_value();
  auto seq = alone.get().commit_seq;
  std::size_t before = 0;
  for (auto& one : crowd)
    before += one.get().commit_seq < seq ? 1 : 0;
  // Whoever was blocked and then one batch at most.
  BOOST_TEST(before <= 64u);
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_at_once_and_says_when_to_try_again) {
  auto few = chosen();
  few.waiting_max = 10;
  runtime running{few};
  fill(running, 1);
  std::promise<void> blocked;
  std::promise<void> go;
  std::jthread first([&] {
    running.write([&](storage::transaction&) {
      blocked.set_value();
      go.get_future().wait_for(limit);
    });
  });
  blocked.get_future().wait_for(limit);
  std::vector<std::future<messages::receipt>> sent;
  for (int i = 0; i < 20; ++i) {
    messages::write_batch batch;
    batch.statements = {{"INSERT INTO item(name) VALUES('x')", {}}};
    sent.push_back(running.write_async(std::move(batch)));
  }
  int refused = 0;
  for (auto& one : sent) {
    if (one.wait_for(0s) != std::future_status::ready)
      continue;
    try {
      one.get();
    } catch (const failure& failed) {
      BOOST_TEST((failed.code() == errc::overloaded));
      BOOST_TEST(failed.retry_after().count() > 0);
      BOOST_TEST((failed.outcome() == write_outcome::not_applied));
      ++refused;
    }
  }
  go.set_value();
  BOOST_TEST(refused == 11); // The one that runs counts, too.
}

// SQLite must not be used in a child; the parent must not notice one.
BOOST_AUTO_TEST_CASE(a_child_of_fork_gets_an_error_and_harms_nobody) {
  std::optional<runtime> running{std::in_place, chosen()};
  fill(*running, 5);
  auto child = ::fork();
  if (child == 0) {
    int status = 0;
    for (auto& call : std::vector<std::function<void()>>{
           [&] { running->query("SELECT 1"); }, [&] { running->write("DELETE FROM item"); },
           [&] { running->status(); }, [&] { running->write_async({}).get(); }})
      if (code_of(call) != errc::wrong_process)
        status = 1;
    running.reset(); // Does nothing here.
    ::_exit(status);
  }
  BOOST_REQUIRE(child > 0);
  int status = -1;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
  running->write("INSERT INTO item(name) VALUES('after')");
  BOOST_TEST(running->query_scalar<int>("SELECT count(*) FROM item") == 6);
  running->close();
  runtime again{chosen()}; // The child did not keep the lock.
  BOOST_TEST(again.query_scalar<int>("SELECT count(*) FROM item") == 6);
  BOOST_TEST(again.query_scalar<std::string>("PRAGMA integrity_check") == "ok");
}

// A child that goes on does not own what its parent owned.
BOOST_AUTO_TEST_CASE(a_living_child_does_not_keep_the_database_owned) {
  int talk[2] = {};
  BOOST_REQUIRE(::pipe(talk) == 0);
  std::optional<runtime> running{std::in_place, chosen()};
  auto child = ::fork();
  if (child == 0) {
    char byte = 0;
    ::close(talk[1]);
    ::_exit(::read(talk[0], &byte, 1) == 0 ? 0 : 1); // Until the parent lets go.
  }
  running.reset();
  BOOST_TEST(!code_of([&] { runtime again{chosen()}; }).has_value());
  ::close(talk[0]);
  ::close(talk[1]);
  int status = -1;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
}

// No other thread need be woken for what this one can do while it waits.
BOOST_AUTO_TEST_CASE(an_idle_runtime_executes_on_the_thread_that_asks) {
  runtime running{chosen()};
  fill(running, 1);
  auto here = std::this_thread::get_id();
  auto deadline = std::chrono::steady_clock::now() + limit;
  bool wrote = false;
  bool read = false;
  while ((!wrote || !read) && std::chrono::steady_clock::now() < deadline) {
    wrote =
      running.write([&](storage::transaction&) { return std::this_thread::get_id() == here; });
    read =
      running.read([&](const storage::snapshot&) { return std::this_thread::get_id() == here; });
  }
  BOOST_TEST((wrote && read));
}

BOOST_AUTO_TEST_CASE(a_function_may_ask_again_but_not_close) {
  runtime running{chosen()};
  fill(running, 3);
  for (int i = 0; i < 20; ++i) {
    auto count = running.read([&](const storage::snapshot&) {
      BOOST_TEST((code_of([&] { running.close(); }) == errc::conflict));
      return running.query_scalar<int>("SELECT count(*) FROM item");
    });
    BOOST_TEST(count == 3);
    count = running.write([&](storage::transaction&) {
      BOOST_TEST((code_of([&] { running.close(); }) == errc::conflict));
      return running.query_scalar<int>("SELECT count(*) FROM item");
    });
    BOOST_TEST(count == 3);
  }
  running.close();
}

// Of the one and of another process: every thread sees what was acknowledged to anybody.
BOOST_AUTO_TEST_CASE(what_was_acknowledged_is_read_by_every_thread) {
  runtime running{chosen()};
  fill(running, 0);
  std::atomic<int> acknowledged{0};
  std::atomic<int> wrong{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i)
    readers.emplace_back([&] {
      while (!over) {
        auto known = acknowledged.load();
        if (running.query_scalar<int>("SELECT count(*) FROM item") < known)
          ++wrong;
      }
    });
  for (int i = 1; i <= 2000; ++i) {
    running.write("INSERT INTO item(name) VALUES('x')");
    acknowledged = i;
  }
  over = true;
  for (auto& one : readers)
    one.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_timeout_without_an_end_is_no_timeout_at_once) {
  runtime running{chosen()};
  fill(running, 1);
  messages::write_batch batch;
  batch.statements = {{"INSERT INTO item(name) VALUES('x')", {}}};
  batch.terms.timeout = std::chrono::milliseconds::max();
  BOOST_TEST(running.write(batch).rows_changed == 1);
  BOOST_TEST(running.write_async(batch).get().rows_changed == 1);
  messages::query query;
  query.statements = {{"SELECT count(*) FROM item", {}}};
  query.terms.timeout = std::chrono::milliseconds::max();
  BOOST_TEST(running.query(query).rows.at(0).at(0).integer() == 3);
  BOOST_TEST(running.query_async(query).get().results.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_stream_does_not_work_in_a_child) {
  runtime running{chosen()};
  fill(running, 100);
  auto rows = running.stream("SELECT id FROM item", {}, 10);
  BOOST_TEST(rows.next().has_value());
  auto child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    auto code = code_of([&] { rows.next(); });
    { auto gone = std::move(rows); }
    ::_exit(code == errc::wrong_process ? 0 : 1);
  }
  int status = 0;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  BOOST_TEST(rows.next().has_value());
}

// As with a write: what a function only looks at or passes on needs no value.
BOOST_AUTO_TEST_CASE(a_function_of_a_read_may_return_nothing) {
  runtime running{chosen()};
  std::size_t seen = 0;
  running.read([&](const storage::snapshot& db) { seen = db.query({"SELECT 7", {}}).rows.size(); });
  BOOST_TEST(seen == 1);
}

BOOST_AUTO_TEST_SUITE_END()

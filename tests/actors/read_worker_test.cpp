#include "quire/actors/read_worker.hpp"

#include "quire/storage/sqlite/connection.hpp"
#include "quire/tests/support/heard.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <thread>

using namespace quire;
using namespace quire::actors;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

constexpr auto count_rows = "SELECT count(*) FROM t";
constexpr auto endless_query =
  "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";

struct worker_fixture {
  using result = std::shared_ptr<tests::heard<query_result>>;

  worker_fixture() {
    database.path = dir / "test.db";
    writer.emplace(storage::connection::open_writer(database));
    writer->execute("CREATE TABLE t(x)");
  }

  static read_limits limits() {
    read_limits result;
    result.timeout = 10min;
    return result;
  }

  std::shared_ptr<read_worker> make(reader_kind kind) {
    read_worker_options options;
    options.open = [this] {
      ++opened;
      return storage::connection::open_reader(database);
    };
    options.port = port;
    options.clock = clock;
    options.kind = kind;
    options.closed = [this] { ++closed; };
    return std::make_shared<read_worker>(options);
  }

  void lend() {
    lent = make(reader_kind::lent);
    lent->attach_lent();
  }

  result ask(const std::string& sql, submitter who = submitter::blocked) {
    query content;
    content.statements = {{sql, {}}};
    auto heard = std::make_shared<tests::heard<query_result>>();
    port->submit(std::make_unique<query_request>(content, heard->promise()), who);
    return heard;
  }

  std::int64_t rows() { return ask(count_rows)->reply.value().results.at(0).rows[0][0].integer(); }

  std::shared_ptr<tests::heard<read_done>> run(std::function<void()> f) {
    read_call call;
    call.quick = true;
    call.run = std::make_shared<const std::function<void(storage::snapshot&)>>(
      [f = std::move(f)](storage::snapshot&) { f(); });
    auto heard = std::make_shared<tests::heard<read_done>>();
    port->submit(std::make_unique<read_call_request>(call, heard->promise()));
    return heard;
  }

  tests::temp_dir dir;
  storage::connection_options database;
  std::optional<storage::connection> writer;
  std::shared_ptr<tests::set_clock> clock = std::make_shared<tests::set_clock>();
  std::shared_ptr<read_port> port = std::make_shared<read_port>(limits(), clock);
  std::shared_ptr<read_worker> lent;
  int opened = 0;
  int closed = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(read_worker, worker_fixture)

BOOST_AUTO_TEST_CASE(one_that_is_lent_is_opened_when_it_is_needed_and_serves_at_once) {
  lend();
  BOOST_TEST(opened == 0);
  BOOST_TEST(rows() == 0);
  BOOST_TEST(rows() == 0);
  BOOST_TEST(opened == 1);
  BOOST_TEST(ask("DELETE FROM t")->failed_with(errc::read_only));
  BOOST_TEST(ask("COMMIT")->failed_with(errc::sql));
  BOOST_TEST(rows() == 0);
}

// Whoever wrote, and with whatever program: what is committed is seen.
BOOST_AUTO_TEST_CASE(a_snapshot_is_kept_until_anybody_commits) {
  lend();
  for (int i = 0; i < 10; ++i)
    BOOST_TEST(rows() == 0);
  BOOST_TEST(lent->seen().snapshots == 1);
  for (int i = 1; i <= 100; ++i) {
    writer->execute("INSERT INTO t VALUES(1)");
    BOOST_TEST(rows() == i);
    BOOST_TEST(rows() == i);
    if (i % 10 == 0)
      writer->checkpoint(i % 20 == 0);
  }
  BOOST_TEST(lent->seen().snapshots == 101);
  auto other = storage::connection::open_writer(database);
  other.execute("DELETE FROM t");
  BOOST_TEST(rows() == 0);
  writer->execute("ALTER TABLE t ADD COLUMN y");
  BOOST_TEST(ask("SELECT * FROM t")->reply.value().results.at(0).columns.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_snapshot_is_not_kept_for_long_however_much_is_read) {
  lend();
  rows();
  clock->time += 9ms;
  rows();
  BOOST_TEST(lent->seen().snapshots == 1);
  clock->time += 1ms;
  rows();
  BOOST_TEST(lent->seen().snapshots == 2);
}

BOOST_AUTO_TEST_CASE(a_kept_snapshot_goes_when_the_log_is_to_be_emptied) {
  lend();
  writer->execute("INSERT INTO t VALUES(1)");
  rows();
  writer->execute("INSERT INTO t VALUES(1)");
  BOOST_TEST(!writer->checkpoint(true).complete);
  port->close_kept();
  BOOST_TEST(writer->checkpoint(true).complete);
  BOOST_TEST(rows() == 2);
}

BOOST_AUTO_TEST_CASE(an_error_leaves_no_snapshot_behind_that_is_wrong) {
  lend();
  BOOST_TEST(ask("SELECT * FROM nowhere")->failed_with(errc::sql));
  writer->execute("INSERT INTO t VALUES(1)");
  BOOST_TEST(rows() == 1);
  BOOST_TEST(ask("SELECT zeroblob(1000000000)")->failed_with(errc::too_large));
  writer->execute("INSERT INTO t VALUES(1)");
  BOOST_TEST(rows() == 2);
}

// The actor's thread is needed by others.
BOOST_AUTO_TEST_CASE(what_takes_long_for_an_actor_goes_to_a_reader) {
  lend();
  int woken = 0;
  auto quick = port->attach(reader_kind::quick, [&] { ++woken; });
  auto ticking = std::make_shared<tests::ticking_clock>();
  lent->close();
  read_worker_options options;
  options.open = [this] { return storage::connection::open_reader(database); };
  options.port = port;
  options.clock = ticking;
  options.kind = reader_kind::lent;
  auto hasty = std::make_shared<actors::read_worker>(options);
  hasty->attach_lent();
  auto answer = ask(endless_query, submitter::idle);
  BOOST_TEST(!answer->answered());
  BOOST_TEST(woken == 1);
  BOOST_TEST(port->moved() == 1);
  auto taken = port->take(quick, 1);
  BOOST_REQUIRE(taken.size() == 1u);
  taken[0]->fail(make_failure(errc::cancelled, "enough"));
  port->done(quick);
}

// SQLite counts the steps of all runs of a statement together, and may be kept from its work.
BOOST_AUTO_TEST_CASE(what_is_short_is_never_taken_for_long) {
  int woken = 0;
  auto quick = port->attach(reader_kind::quick, [&] { ++woken; });
  read_worker_options options;
  options.open = [this] { return storage::connection::open_reader(database); };
  options.port = port;
  options.clock = std::make_shared<tests::ticking_clock>(); // A millisecond for each look.
  options.kind = reader_kind::lent;
  auto hasty = std::make_shared<actors::read_worker>(options);
  hasty->attach_lent();
  for (int i = 0; i < 1000; ++i)
    BOOST_REQUIRE(ask(count_rows, submitter::idle)->reply.has_value());
  BOOST_TEST(port->moved() == 0);
  BOOST_TEST(woken == 0);
}

BOOST_AUTO_TEST_CASE(each_snapshot_of_a_batch_has_its_own_lease) {
  auto reader = make(reader_kind::quick);
  reader->open();
  reader->attach([] {});
  std::vector<std::shared_ptr<tests::heard<read_done>>> heard;
  for (int i = 0; i < 3; ++i)
    heard.push_back(run([this] { clock->time += 20s; }));
  auto answer = ask("SELECT max(n) FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 "
                    "FROM c LIMIT 5000) SELECT n FROM c)",
                    submitter::busy);
  while (reader->serve_batch()) {
  }
  BOOST_TEST(heard[0]->reply.has_value());
  BOOST_TEST(answer->answered());
  BOOST_TEST(!answer->failed_with(errc::snapshot_expired));
}

BOOST_AUTO_TEST_CASE(a_batch_stops_at_a_closed_gate) {
  auto reader = make(reader_kind::quick);
  reader->open();
  int woken = 0;
  reader->attach([&] { ++woken; });
  int cleared = 0;
  auto first = run([&] {
    clock->time += 30ms;
    port->close_gate([&] { ++cleared; });
  });
  auto second = run([] {});
  while (reader->serve_batch()) {
  }
  BOOST_TEST(first->answered());
  BOOST_TEST(cleared == 1);
  BOOST_TEST(!second->answered());
  port->open_gate();
  while (reader->serve_batch()) {
  }
  BOOST_TEST(second->answered());
}

BOOST_AUTO_TEST_CASE(closing_waits_for_nobody_and_is_told) {
  lend();
  rows();
  lent->close();
  BOOST_TEST(lent->is_closed());
  BOOST_TEST(closed == 1);
  lent->close();
  BOOST_TEST(closed == 1);
  auto unanswered = ask(count_rows);
  BOOST_TEST(!unanswered->answered()); // It waits for another reader.
}

BOOST_AUTO_TEST_CASE(who_has_borrowed_it_closes_it_if_that_was_asked_for_meanwhile) {
  lend();
  read_call call;
  call.run =
    std::make_shared<const std::function<void(storage::snapshot&)>>([this](storage::snapshot&) {
      std::thread other{[this] { lent->close(); }};
      other.join();
      BOOST_TEST(!lent->is_closed());
    });
  auto heard = std::make_shared<tests::heard<read_done>>();
  port->submit(std::make_unique<read_call_request>(call, heard->promise()), submitter::blocked);
  BOOST_TEST(heard->reply.has_value());
  BOOST_TEST(lent->is_closed());
  BOOST_TEST(closed == 1);
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_opened_leaves_its_request_to_others) {
  int woken = 0;
  auto slow = port->attach(reader_kind::slow, [&] { ++woken; });
  lend();
  writer.reset();
  auto moved = database.path + ".away";
  BOOST_REQUIRE(std::rename(database.path.c_str(), moved.c_str()) == 0);
  auto answer = ask(count_rows);
  BOOST_TEST(!answer->answered());
  BOOST_TEST(woken == 1);
  BOOST_TEST(!lent->note().empty());
  auto taken = port->take(slow, 1);
  BOOST_TEST(taken.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/writer.hpp"

#include "quire/storage/sqlite/migrations.hpp"
#include "quire/storage/sqlite/transaction.hpp"
#include "quire/tests/support/actor_fixture.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::messages;

namespace {

struct writer_fixture : tests::actor_fixture {
  writer_fixture() {
    database.path = dir / "test.db";
    auto db = storage::connection::open_writer(database);
    storage::migrate(db, "quire", storage::quire_migrations(), 1);
    db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, x UNIQUE)");
  }

  ~writer_fixture() {
    self->send_exit(writer, caf::exit_reason::kill);
    settle();
  }

  void start(std::size_t batch_members_max = 256) {
    actors::writer_options options;
    options.env = env;
    options.open = [this] { return storage::connection::open_writer(database); };
    options.batch_members_max = batch_members_max;
    options.waiting = waiting;
    writer = actors::spawn_writer(system, options);
  }

  static write_batch insert(std::int64_t x) {
    return {{{"INSERT INTO t(x) VALUES(?1)", {value{x}}}}, std::nullopt};
  }

  std::int64_t count(const std::string& name) {
    return counter_of(*call<service_status>(writer, status_request{}).reply, name);
  }

  std::int64_t rows() {
    auto db = storage::connection::open_reader(database);
    auto stmt = db.prepare("SELECT count(*) FROM t");
    stmt->step();
    return stmt->int64(0);
  }

  tests::temp_dir dir;
  storage::connection_options database;
  std::shared_ptr<actors::admission> waiting = std::make_shared<actors::admission>(100, 1'000'000);
  writer_actor writer;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(writer, writer_fixture)

// What waits together commits together: that is where throughput comes from.
BOOST_AUTO_TEST_CASE(requests_that_wait_together_share_one_commit) {
  start();
  std::vector<decltype(send(writer, insert(0)))> sent;
  for (int i = 0; i < 10; ++i)
    sent.push_back(send(writer, insert(i)));
  std::uint64_t seq = 0;
  for (auto& one : sent) {
    auto answer = receive<receipt>(std::move(one));
    BOOST_REQUIRE(answer);
    seq = answer->commit_seq;
  }
  BOOST_TEST(seq == 1u);
  BOOST_TEST(count("commits") == 1);
  BOOST_TEST(count("members") == 10);
  BOOST_TEST(rows() == 10);
}

BOOST_AUTO_TEST_CASE(a_batch_has_no_more_members_than_its_limit) {
  start(4);
  std::vector<decltype(send(writer, insert(0)))> sent;
  for (int i = 0; i < 10; ++i)
    sent.push_back(send(writer, insert(i)));
  for (auto& one : sent)
    BOOST_TEST(static_cast<bool>(receive<receipt>(std::move(one))));
  BOOST_TEST(count("commits") == 3);
  BOOST_TEST(count("batch_max") == 4);
}

BOOST_AUTO_TEST_CASE(a_member_that_fails_is_alone_with_its_error) {
  start();
  auto first = send(writer, insert(1));
  auto twice = send(writer, insert(1));
  auto third = send(writer, insert(3));
  BOOST_TEST(static_cast<bool>(receive<receipt>(std::move(first))));
  BOOST_TEST(receive<receipt>(std::move(twice)).failed_with(errc::constraint));
  BOOST_TEST(static_cast<bool>(receive<receipt>(std::move(third))));
  BOOST_TEST(rows() == 2);
}

// OR ROLLBACK ends the transaction of all; the neighbours are run again.
BOOST_AUTO_TEST_CASE(a_member_that_spoils_the_transaction_does_not_take_others_along) {
  start();
  auto first = send(writer, insert(1));
  auto spoiler = send(writer, write_batch{{{"INSERT OR ROLLBACK INTO t(x) VALUES(1)", {}}}, {}});
  auto third = send(writer, insert(3));
  BOOST_TEST(static_cast<bool>(receive<receipt>(std::move(first))));
  BOOST_TEST(receive<receipt>(std::move(spoiler)).failed_with(errc::constraint));
  BOOST_TEST(static_cast<bool>(receive<receipt>(std::move(third))));
  BOOST_TEST(rows() == 2);
  BOOST_TEST(count("replays") == 1);
}

BOOST_AUTO_TEST_CASE(statements_of_one_request_are_kept_together_or_not_at_all) {
  start();
  write_batch both{{{"INSERT INTO t(x) VALUES(1)", {}}, {"INSERT INTO t(x) VALUES(1)", {}}}, {}};
  BOOST_TEST(call<receipt>(writer, both).failed_with(errc::constraint));
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_CASE(a_receipt_says_what_was_changed_and_returns_rows) {
  start();
  auto answer = call<receipt>(
    writer, write_batch{{{"INSERT INTO t(id, x) VALUES(7, 1), (9, 2) RETURNING id", {}}}, {}});
  BOOST_REQUIRE(answer);
  BOOST_TEST(answer->rows_changed == 2);
  BOOST_TEST(answer->last_rowid == 9);
  BOOST_TEST(answer->results.at(0).rows.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_function_reads_and_writes_and_what_it_throws_undoes_it) {
  start();
  write_call fine;
  fine.run = std::make_shared<const std::function<void(storage::transaction&)>>(
    [](storage::transaction& tx) { tx.execute("INSERT INTO t(x) VALUES(?1)", 5); });
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, fine)));
  write_call broken;
  broken.run = std::make_shared<const std::function<void(storage::transaction&)>>(
    [](storage::transaction& tx) {
      tx.execute("INSERT INTO t(x) VALUES(?1)", 6);
      throw std::runtime_error("not today");
    });
  auto answer = call<receipt>(writer, broken);
  BOOST_TEST(answer.failed_with(errc::function_failed));
  BOOST_TEST(answer.text() == "not today");
  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(nobody_takes_the_transaction_out_of_our_hands) {
  start();
  for (auto* sql : {"COMMIT", " ; /* x */ begin", "-- hidden\nROLLBACK", "savepoint a", "ATTACH 'x' AS y",
                    "VACUUM", "PRAGMA user_version = 3", "end"})
    BOOST_TEST(call<receipt>(writer, write_batch{{{sql, {}}}, {}}).failed_with(errc::sql), sql);
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, insert(1))));
}

BOOST_AUTO_TEST_CASE(subscribers_hear_of_a_commit_before_its_author_has_the_receipt) {
  start();
  std::vector<event> heard;
  auto listener = system.spawn([&heard](caf::event_based_actor*) -> caf::behavior {
    return {[&heard](const committed& news) {
      heard.insert(heard.end(), news.events.begin(), news.events.end());
    }};
  });
  BOOST_TEST(static_cast<bool>(call<subscribed>(writer, subscribe{listener})));
  write_call announcing;
  announcing.run = std::make_shared<const std::function<void(storage::transaction&)>>(
    [](storage::transaction& tx) { tx.announce({event::topic::task_finished, 42}); });
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, announcing)));
  BOOST_REQUIRE(heard.size() == 1u);
  BOOST_TEST(heard[0].ref == 42);
  // A commit that announces nothing wakes nobody.
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, insert(1))));
  BOOST_TEST(heard.size() == 1u);
  self->send_exit(listener, caf::exit_reason::kill);
}

BOOST_AUTO_TEST_CASE(answered_requests_are_counted_out) {
  start();
  auto counted = insert(1);
  counted.counted = true;
  BOOST_TEST(waiting->enter(bytes_of(counted)));
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, counted)));
  BOOST_TEST(waiting->waiting() == 0u);
  BOOST_TEST(waiting->waiting_bytes() == 0u);
}

// Services write past the gateway: counting them out would let the counter run
// below zero, and every client would be refused from then on.
BOOST_AUTO_TEST_CASE(requests_that_were_not_counted_in_are_not_counted_out) {
  start();
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, insert(1))));
  BOOST_TEST(waiting->waiting() == 0u);
  BOOST_TEST(waiting->enter(1));
}

BOOST_AUTO_TEST_CASE(draining_commits_what_waits) {
  start();
  auto sent = send(writer, insert(1));
  auto bye = send(writer, drain{});
  BOOST_TEST(static_cast<bool>(receive<receipt>(std::move(sent))));
  BOOST_TEST(static_cast<bool>(receive<drained>(std::move(bye))));
  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(a_database_that_cannot_be_opened_is_the_callers_to_know) {
  database.path = dir / "no/such/folder.db";
  BOOST_CHECK_EXCEPTION(start(), storage::error,
                        [](const storage::error& e) { return e.code() == errc::cannot_open; });
}

BOOST_AUTO_TEST_SUITE_END()

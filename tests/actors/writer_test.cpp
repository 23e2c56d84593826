#include "quire/actors/writer.hpp"

#include "quire/storage/sqlite/migrations.hpp"
#include "quire/storage/sqlite/transaction.hpp"
#include "quire/tests/support/actor_fixture.hpp"
#include "quire/tests/support/heard.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

constexpr auto endless_insert = "INSERT INTO t(x) WITH RECURSIVE c(n) AS "
                                "(SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n + 1000 FROM c";

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
    actors::write_limits limits;
    limits.requests_max = 100;
    options.patience = patience;
    port = std::make_shared<actors::write_port>(limits, env.clock);
    options.port = port;
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
  std::shared_ptr<actors::write_port> port;
  std::chrono::milliseconds patience{30'000};
  std::shared_ptr<tests::ticking_clock> ticking;
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
  for (auto* sql : {"COMMIT", " ; /* x */ begin", "-- hidden\nROLLBACK", "savepoint a",
                    "ATTACH 'x' AS y", "VACUUM", "PRAGMA user_version = 3", "end"})
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
    [](storage::transaction& tx) {
      tx.announce({event::topic::task_finished, 42});
    });
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, announcing)));
  BOOST_REQUIRE(heard.size() == 1u);
  BOOST_TEST(heard[0].ref == 42);
  // A commit that announces nothing wakes nobody.
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, insert(1))));
  BOOST_TEST(heard.size() == 1u);
  self->send_exit(listener, caf::exit_reason::kill);
}

// Clients are counted from when they are let in until they are answered.
BOOST_AUTO_TEST_CASE(answered_requests_are_counted_out) {
  start();
  auto answered = std::make_shared<tests::heard<receipt>>();
  port->submit(
    std::make_unique<actors::batch_request>(insert(1), durability::normal, answered->promise()));
  BOOST_TEST(port->admitted().waiting() == 1u);
  settle();
  BOOST_TEST(answered->reply.has_value());
  BOOST_TEST(port->admitted().waiting() == 0u);
  BOOST_TEST(port->admitted().waiting_bytes() == 0u);
}

// Services write past the limits: counting them out would let the counter run below zero,
// and every client would be refused from then on.
BOOST_AUTO_TEST_CASE(requests_that_were_not_counted_in_are_not_counted_out) {
  start();
  BOOST_TEST(static_cast<bool>(call<receipt>(writer, insert(1))));
  BOOST_TEST(port->admitted().waiting() == 0u);
  BOOST_TEST(port->admitted().enter(1));
}

// What waits when a writer ends is there for the next one; what it was executing is not
// known.
BOOST_AUTO_TEST_CASE(waiting_requests_survive_their_writer) {
  start();
  auto answered = std::make_shared<tests::heard<receipt>>();
  self->send_exit(writer, caf::exit_reason::kill);
  settle();
  port->submit(
    std::make_unique<actors::batch_request>(insert(1), durability::normal, answered->promise()));
  settle();
  BOOST_TEST(!answered->answered());
  actors::writer_options options;
  options.env = env;
  options.open = [this] { return storage::connection::open_writer(database); };
  options.port = port;
  writer = actors::spawn_writer(system, options);
  settle();
  BOOST_TEST(answered->reply.has_value());
  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(a_request_whose_deadline_has_passed_is_not_executed_and_says_so) {
  start();
  auto late = insert(1);
  late.terms.timeout = 5ms;
  auto answered = std::make_shared<tests::heard<receipt>>();
  port->submit(
    std::make_unique<actors::batch_request>(late, durability::normal, answered->promise()));
  scheduler.advance_time(10ms);
  settle();
  BOOST_TEST(answered->failed_with(errc::expired));
  BOOST_TEST(rows() == 0);
}

// Another process holds the lock: nobody is stuck in it, and its end is noticed.
BOOST_AUTO_TEST_CASE(a_foreign_lock_is_waited_for_while_requests_come_and_go) {
  start();
  auto other = storage::connection::open_writer(database);
  std::optional<storage::transaction_guard> lock{other};
  auto first = send(writer, insert(1));
  auto hasty = insert(2);
  hasty.terms.timeout = 20ms;
  auto second = send(writer, hasty);
  settle();
  BOOST_TEST(bool(call<service_status>(writer, status_request{}))); // It is not stuck.
  advance(50ms, 1ms);
  auto third = send(writer, insert(3));
  BOOST_TEST(receive<receipt>(std::move(second)).failed_with(errc::expired));
  lock.reset();
  advance(5ms, 1ms);
  BOOST_TEST(bool(receive<receipt>(std::move(first))));
  BOOST_TEST(bool(receive<receipt>(std::move(third))));
  BOOST_TEST(rows() == 2);
  BOOST_TEST(count("lock_waits") == 1);
  BOOST_TEST(count("locked_errors") == 0);
}

BOOST_AUTO_TEST_CASE(patience_with_a_foreign_lock_ends) {
  patience = 100ms;
  start();
  auto other = storage::connection::open_writer(database);
  std::optional<storage::transaction_guard> lock{other};
  auto first = send(writer, insert(1));
  advance(150ms, 1ms);
  BOOST_TEST(receive<receipt>(std::move(first)).failed_with(errc::busy));
  BOOST_TEST(count("locked_errors") == 1);
  lock.reset();
  auto second = send(writer, insert(1));
  advance(5ms, 1ms);
  BOOST_TEST(bool(receive<receipt>(std::move(second))));
}

BOOST_AUTO_TEST_CASE(a_running_request_is_cancelled_alone) {
  ticking = std::make_shared<tests::ticking_clock>();
  env.clock = ticking;
  start();
  ticking->act_at = 100; // By then it runs: it looks at the clock every thousand steps.
  ticking->act = [this] {
    BOOST_TEST((port->cancel(7, 8).found == request_cancelled::stage::unknown));
    BOOST_TEST((port->cancel(7, 9).found == request_cancelled::stage::running));
  };
  write_batch endless;
  endless.statements = {{endless_insert, {}}};
  endless.terms.client = 7;
  endless.terms.request = 9;
  auto first = send(writer, insert(1));
  auto second = send(writer, endless);
  auto third = send(writer, insert(3));
  BOOST_TEST(bool(receive<receipt>(std::move(first))));
  BOOST_TEST(receive<receipt>(std::move(second)).failed_with(errc::cancelled));
  BOOST_TEST(bool(receive<receipt>(std::move(third))));
  BOOST_TEST(rows() == 2);
  BOOST_TEST(count("replays") == 1);
}

// Its time is up in the middle of a statement: undone alone, and the others are kept.
BOOST_AUTO_TEST_CASE(a_request_that_runs_past_its_deadline_is_undone_alone) {
  ticking = std::make_shared<tests::ticking_clock>();
  env.clock = ticking;
  start();
  write_batch endless;
  endless.statements = {{endless_insert, {}}};
  endless.terms.timeout = 500ms;
  auto first = send(writer, endless);
  auto second = send(writer, insert(3));
  BOOST_TEST(receive<receipt>(std::move(first)).failed_with(errc::timeout));
  BOOST_TEST(bool(receive<receipt>(std::move(second))));
  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(expectations_decide_whether_a_request_is_kept) {
  start();
  using kind = expectation::kind;
  auto compare_and_set = [](std::int64_t from, std::int64_t to) {
    write_batch batch;
    batch.statements = {{"UPDATE t SET x = ?2 WHERE x = ?1", {value{from}, value{to}}},
                        {"INSERT INTO t(x) VALUES(100 + ?1)", {value{to}}}};
    batch.expect = {{0, kind::rows_changed, 1}};
    return batch;
  };
  BOOST_TEST(bool(call<receipt>(writer, insert(1))));
  BOOST_TEST(bool(call<receipt>(writer, compare_and_set(1, 2))));
  auto refused = call<receipt>(writer, compare_and_set(1, 3));
  BOOST_TEST(refused.failed_with(errc::precondition_failed));
  BOOST_TEST(refused.text().find("statement 1") != std::string::npos);
  BOOST_TEST(rows() == 2);
  write_batch unless_there;
  unless_there.statements = {{"SELECT 1 FROM t WHERE x = 2", {}},
                             {"INSERT INTO t(x) VALUES(50)", {}}};
  unless_there.expect = {{0, kind::no_row, 0}};
  BOOST_TEST(call<receipt>(writer, unless_there).failed_with(errc::precondition_failed));
  unless_there.expect = {{0, kind::a_row, 0}};
  BOOST_TEST(bool(call<receipt>(writer, unless_there)));
  unless_there.expect = {{2, kind::a_row, 0}};
  BOOST_TEST(call<receipt>(writer, unless_there).failed_with(errc::invalid_argument));
  BOOST_TEST(rows() == 3);
}

BOOST_AUTO_TEST_CASE(a_repeated_request_gets_the_first_receipt) {
  start();
  write_batch keyed;
  keyed.statements = {{"INSERT INTO t(x) VALUES(7) RETURNING id, x", {}}};
  keyed.idempotency_key = "order 17";
  auto first = call<receipt>(writer, keyed);
  BOOST_REQUIRE(bool(first));
  BOOST_TEST(!first->repeated);
  BOOST_TEST(bool(call<receipt>(writer, insert(8))));
  auto second = call<receipt>(writer, keyed);
  BOOST_REQUIRE(bool(second));
  BOOST_TEST(second->repeated);
  BOOST_TEST(second->commit_seq == first->commit_seq);
  BOOST_TEST(second->rows_changed == 1);
  BOOST_TEST(second->last_rowid == first->last_rowid);
  BOOST_TEST((second->results == first->results));
  BOOST_TEST(rows() == 2);
  keyed.statements[0].sql = "INSERT INTO t(x) VALUES(9)";
  BOOST_TEST(call<receipt>(writer, keyed).failed_with(errc::conflict));
  keyed.idempotency_key = std::string(201, 'k');
  BOOST_TEST(call<receipt>(writer, keyed).failed_with(errc::invalid_argument));
  BOOST_TEST(rows() == 2);
}

// In one batch, too; and what failed may be tried again under its key.
BOOST_AUTO_TEST_CASE(keys_count_within_a_batch_and_not_for_failures) {
  start();
  write_batch keyed;
  keyed.statements = {{"INSERT INTO t(x) VALUES(7)", {}}};
  keyed.idempotency_key = "k";
  auto first = send(writer, keyed);
  auto second = send(writer, keyed);
  auto one = receive<receipt>(std::move(first));
  auto two = receive<receipt>(std::move(second));
  BOOST_REQUIRE((one && two));
  BOOST_TEST(one->commit_seq == two->commit_seq);
  BOOST_TEST(two->repeated);
  keyed.idempotency_key = "l";
  BOOST_TEST(call<receipt>(writer, keyed).failed_with(errc::constraint));
  keyed.idempotency_key = "l";
  keyed.statements[0].sql = "INSERT INTO t(x) VALUES(8)";
  BOOST_TEST(bool(call<receipt>(writer, keyed)));
  BOOST_TEST(rows() == 2);
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

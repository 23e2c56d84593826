#include "quire/actors/write_worker.hpp"

#include "quire/storage/sqlite/connection.hpp"
#include "quire/storage/sqlite/migrations.hpp"
#include "quire/tests/support/heard.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <future>
#include <thread>

using namespace quire;
using namespace quire::actors;
using namespace quire::messages;

namespace {

struct worker_fixture {
  using result = std::shared_ptr<tests::heard<receipt>>;
  using work = std::function<void(storage::transaction&)>;

  worker_fixture() {
    database.path = dir / "test.db";
    auto db = storage::connection::open_writer(database);
    storage::migrate(db, "quire", storage::quire_migrations(), 1);
    db.execute("CREATE TABLE t(x)");
    write_worker_options options;
    options.open = [this] { return storage::connection::open_writer(database); };
    options.port = port;
    options.clock = clock;
    options.lingers = false;
    worker = std::make_shared<actors::write_worker>(options);
    write_worker_hooks hooks;
    hooks.wake = [this] { ++woken; };
    hooks.wake_later = [this](std::chrono::milliseconds) { ++woken_later; };
    hooks.signal_later = [](wal_signal, std::chrono::milliseconds) {};
    hooks.publish = [this](const committed& news) {
      if (publish)
        publish(news);
    };
    worker->attach(std::move(hooks));
  }

  result call(work f, submitter who, std::uint64_t client = 0) {
    auto heard = std::make_shared<tests::heard<receipt>>();
    write_call content;
    content.run = std::make_shared<const work>(std::move(f));
    content.terms.client = client;
    port->submit(std::make_unique<call_request>(content, durability::normal, heard->promise()),
                 who);
    return heard;
  }

  result insert(submitter who) {
    auto heard = std::make_shared<tests::heard<receipt>>();
    write_batch content;
    content.statements = {{"INSERT INTO t VALUES(1)", {}}};
    content.terms.client = 1;
    port->submit(std::make_unique<batch_request>(content, durability::normal, heard->promise()),
                 who);
    return heard;
  }

  std::shared_ptr<tests::heard<tasks_enqueued>> enqueue(const task_spec& task) {
    auto heard = std::make_shared<tests::heard<tasks_enqueued>>();
    enqueue_tasks content;
    content.tasks = {task};
    port->submit(std::make_unique<enqueue_request>(content, durability::normal, heard->promise()),
                 submitter::busy);
    return heard;
  }

  std::int64_t counter(std::string_view name) {
    for (auto& [known, value] : worker->report().counters)
      if (known == name)
        return value;
    return -1;
  }

  tests::temp_dir dir;
  storage::connection_options database;
  std::shared_ptr<tests::set_clock> clock = std::make_shared<tests::set_clock>();
  std::shared_ptr<write_port> port = std::make_shared<write_port>(write_limits{}, clock);
  std::shared_ptr<actors::write_worker> worker;
  std::function<void(const committed&)> publish;
  std::atomic<int> woken{0};
  int woken_later = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(write_worker, worker_fixture)

BOOST_AUTO_TEST_CASE(who_waits_is_lent_the_writer_and_answered_before_he_goes_on) {
  auto first = insert(submitter::blocked);
  BOOST_TEST(first->reply.has_value());
  BOOST_TEST(insert(submitter::blocked)->reply.value().commit_seq == first->reply->commit_seq + 1);
  BOOST_TEST(woken == 0);
  auto waiting = insert(submitter::busy);
  BOOST_TEST((!waiting->answered() && woken == 1));
  BOOST_TEST(worker->flush());
  BOOST_TEST(waiting->reply.has_value());
  BOOST_TEST(!worker->flush());
}

// An actor may hold what they wait for.
BOOST_AUTO_TEST_CASE(an_actor_leaves_the_functions_of_others_to_the_writer) {
  for (int i = 0; i < 2; ++i) {
    insert(submitter::idle);
    worker->flush();
    worker->flush();
  }
  auto here = std::this_thread::get_id();
  auto ran_here = false;
  BOOST_TEST(insert(submitter::idle)->reply.has_value());
  auto function = call(
    [&](storage::transaction&) { ran_here = std::this_thread::get_id() == here; }, submitter::busy);
  auto mine = insert(submitter::idle);
  BOOST_TEST((!function->answered() && !mine->answered()));
  std::thread writer{[&] { worker->flush(); }};
  writer.join();
  BOOST_TEST((function->reply.has_value() && mine->reply.has_value()));
  BOOST_TEST(!ran_here);
}

BOOST_AUTO_TEST_CASE(while_another_process_has_the_lock_it_is_tried_again_once_at_a_time) {
  auto other = storage::connection::open_writer(database);
  other.execute("BEGIN IMMEDIATE");
  auto mine = insert(submitter::blocked);
  BOOST_TEST((!mine->answered() && woken == 0 && woken_later == 1));
  auto next = insert(submitter::blocked); // Is not lent what waits itself.
  BOOST_TEST((!next->answered() && woken == 0 && woken_later == 1));
  other.execute("COMMIT");
  while (worker->flush()) {
  }
  BOOST_TEST((mine->reply.has_value() && next->reply.has_value()));
}

// What nobody planned ends the writer, on whosever thread it happens.
BOOST_AUTO_TEST_CASE(what_breaks_while_it_is_lent_is_thrown_in_the_writer) {
  publish = [](const committed&) { throw 42; };
  auto mine = call(
    [](storage::transaction& tx) {
      tx.announce({event::topic::task_ready, 1});
    },
    submitter::blocked);
  BOOST_TEST(!mine->answered());
  BOOST_TEST(woken == 1);
  BOOST_CHECK_THROW(worker->flush(), int);
  worker->close();
  BOOST_TEST(mine->failed_with(errc::commit_outcome_unknown));
}

// It was committed before that: whoever asked must look.
BOOST_AUTO_TEST_CASE(what_broke_is_not_executed_again_at_the_end) {
  publish = [](const committed&) { throw 42; };
  int runs = 0;
  auto mine = call(
    [&](storage::transaction& tx) {
      ++runs;
      tx.announce({event::topic::task_ready, 1});
    },
    submitter::blocked);
  auto waiting = insert(submitter::busy);
  worker->finish();
  BOOST_TEST(runs == 1);
  BOOST_TEST(mine->failed_with(errc::commit_outcome_unknown));
  BOOST_TEST(!waiting->answered()); // For the next writer.
}

BOOST_AUTO_TEST_CASE(the_end_waits_for_who_is_lent_it_and_commits_the_rest) {
  std::promise<void> begun;
  std::promise<void> go_on;
  result mine;
  std::thread borrower{[&] {
    mine = call(
      [&](storage::transaction&) {
        begun.set_value();
        go_on.get_future().wait();
      },
      submitter::blocked);
  }};
  begun.get_future().wait();
  auto waiting = insert(submitter::busy);
  std::thread ender{[&] { worker->finish(); }};
  go_on.set_value();
  borrower.join();
  ender.join();
  BOOST_TEST(mine->reply.has_value());
  BOOST_TEST(waiting->reply.has_value());
  BOOST_TEST(!insert(submitter::blocked)->answered()); // For the next writer.
}

// Who waits may hold what it waits for.
BOOST_AUTO_TEST_CASE(who_is_lent_the_writer_runs_no_function_of_others) {
  auto here = std::this_thread::get_id();
  auto ran_here = false;
  auto function = [&](storage::transaction&) { ran_here = std::this_thread::get_id() == here; };
  call(function, submitter::blocked, 7);
  BOOST_TEST(ran_here);
  auto theirs = call(function, submitter::busy, 8);
  auto mine = call([](storage::transaction&) {}, submitter::blocked, 7);
  BOOST_TEST((!theirs->answered() && !mine->answered()));
  std::thread writer{[&] { worker->flush(); }};
  writer.join();
  BOOST_TEST((theirs->reply.has_value() && mine->reply.has_value()));
  BOOST_TEST(!ran_here);
}

BOOST_AUTO_TEST_CASE(while_writes_are_held_nobody_is_lent_it) {
  auto hold = worker->hold();
  auto mine = insert(submitter::blocked);
  BOOST_TEST(!mine->answered());
  BOOST_TEST(!worker->flush());
  worker->release(hold.hold);
  BOOST_TEST(woken >= 1);
  while (worker->flush()) {
  }
  BOOST_TEST(mine->reply.has_value());
}

BOOST_AUTO_TEST_CASE(a_task_that_is_refused_costs_its_neighbours_nothing) {
  task_spec good;
  good.kind = "k";
  auto keyed = good;
  keyed.unique = {"a", {}, on_duplicate::reject};
  auto nameless = good;
  nameless.kind.clear();
  auto first = enqueue(keyed);
  auto taken = enqueue(keyed);
  auto invalid = enqueue(nameless);
  auto last = enqueue(good);
  BOOST_TEST(worker->flush());
  BOOST_TEST((first->reply.has_value() && last->reply.has_value()));
  BOOST_TEST(taken->failed_with(errc::conflict));
  BOOST_TEST(invalid->failed_with(errc::invalid_argument));
  BOOST_TEST(counter("commits") == 1);
  BOOST_TEST(counter("replays") == 0);
}

// Its row is there when the rest of it fails.
BOOST_AUTO_TEST_CASE(a_task_that_fails_half_way_is_undone_alone) {
  storage::connection::open_writer(database).execute(
    "CREATE TRIGGER refuse BEFORE INSERT ON quire_task_body WHEN new.payload = 'bad' "
    "BEGIN SELECT RAISE(ABORT, 'refused'); END");
  task_spec good;
  good.kind = "k";
  auto bad = good;
  bad.payload = "bad";
  auto first = enqueue(good);
  auto failed = enqueue(bad);
  auto last = enqueue(good);
  BOOST_TEST(worker->flush());
  BOOST_TEST(failed->failed_with(errc::constraint));
  auto db = storage::connection::open_reader(database);
  auto stmt = db.prepare("SELECT group_concat(id), count(*) FROM quire_task");
  BOOST_REQUIRE(stmt->step());
  BOOST_TEST(stmt->int64(1) == 2);
  auto id = [](auto& heard) { return std::to_string(heard->reply.value().ids.at(0).value); };
  BOOST_TEST(stmt->text(0) == id(first) + "," + id(last));
}

BOOST_AUTO_TEST_SUITE_END()

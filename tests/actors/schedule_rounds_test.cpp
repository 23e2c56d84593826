// Schedules are fired by the task service, on a simulated clock.

#include "quire/actors/task_service.hpp"
#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/tests/support/service_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct schedule_fixture : tests::service_fixture {
  schedule_fixture() {
    options.env = env;
    options.writer = relayed;
    options.readers = readers;
    options.boot = boot;
    options.workers = 1;
    options.handlers["echo"] = [this](task_context& context) {
      ran.push_back(now_ms());
      return task_outcome::success(context.task.payload);
    };
  }

  void start() { tasks = keep(actors::spawn_task_service(system, options)); }

  std::int64_t now_ms() const { return env.clock->unix_ms(); }

  static schedule_spec every(const std::string& interval) {
    schedule_spec spec;
    spec.name = "beat";
    spec.spec = "every " + interval;
    spec.task.kind = "echo";
    spec.task.payload = "1";
    return spec;
  }

  /// Through the writer, as a program does.
  void put(const schedule_spec& spec) {
    write([spec, now = now_ms()](storage::transaction& tx) { storage::put_schedule(tx, spec, now); });
  }

  schedule_record found() {
    return look([](storage::snapshot& db) { return storage::find_schedule(db, "beat"); })->record;
  }

  actors::task_service_options options;
  std::vector<std::int64_t> ran;
  task_service_actor tasks;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(schedule_rounds, schedule_fixture)

BOOST_AUTO_TEST_CASE(a_schedule_fires_when_its_time_comes_and_not_when_somebody_looks) {
  start();
  advance(1s);
  put(every("7s"));
  auto first = found().next_at_ms.value();
  advance(6'900ms, 100ms);
  BOOST_TEST(ran.empty());
  advance(200ms, 10ms);
  BOOST_REQUIRE(ran.size() == 1u);
  BOOST_TEST(ran[0] - first < 50);
  advance(14s, 100ms);
  BOOST_TEST(ran.size() == 3u);
  BOOST_TEST(found().fired == 3);
  BOOST_TEST(found().missed == 0);
}

BOOST_AUTO_TEST_CASE(what_was_missed_before_the_start_is_made_up_for_at_the_start) {
  auto spec = every("10s");
  spec.catch_up = schedule_catch_up::all;
  direct([&](storage::transaction& tx) { storage::put_schedule(tx, spec, now_ms() - 35'000); });
  start();
  settle();
  BOOST_TEST(ran.size() == 3u);
  BOOST_TEST(found().next_at_ms.value() == now_ms() + 5'000);
}

BOOST_AUTO_TEST_CASE(a_schedule_of_another_process_is_found_by_the_safety_net) {
  start();
  advance(1s);
  direct([&](storage::transaction& tx) { storage::put_schedule(tx, every("1s"), now_ms()); });
  advance(900ms, 100ms);
  BOOST_TEST(ran.empty());
  advance(6s, 100ms);
  BOOST_TEST(ran.size() >= 1u);
  auto before = ran.size();
  advance(5s, 100ms);
  BOOST_TEST(ran.size() == before + 5);
}

// What is many times due at once is done in portions, one round after the other.
BOOST_AUTO_TEST_CASE(a_long_backlog_is_fired_to_its_end_without_time_passing) {
  auto spec = every("1s");
  spec.catch_up = schedule_catch_up::all;
  direct([&](storage::transaction& tx) { storage::put_schedule(tx, spec, now_ms() - 700'000); });
  start();
  settle();
  BOOST_TEST(found().fired == 700);
  BOOST_TEST(ran.size() == 700u);
}

BOOST_AUTO_TEST_CASE(a_round_that_fails_fires_again_and_once) {
  start();
  advance(1s);
  put(every("10s"));
  advance(9s, 500ms);
  faults->refused = 2;
  advance(4s, 100ms);
  BOOST_TEST(ran.size() == 1u);
  BOOST_TEST(found().fired == 1);
}

// Done, but answered with a timeout: the round is tried again.
BOOST_AUTO_TEST_CASE(a_round_of_unknown_outcome_does_not_fire_twice) {
  start();
  advance(1s);
  put(every("10s"));
  advance(9s, 500ms);
  faults->unanswered = 1;
  advance(4s, 100ms);
  BOOST_TEST(found().fired == 1);
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 1);
  BOOST_TEST(ran.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_service_that_drains_fires_nothing) {
  start();
  advance(1s);
  put(every("1s"));
  auto done = send(tasks, drain{});
  advance(5s, 500ms);
  BOOST_TEST(bool(receive<drained>(std::move(done))));
  BOOST_TEST(found().fired == 0);
}

BOOST_AUTO_TEST_SUITE_END()

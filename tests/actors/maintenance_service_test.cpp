#include "quire/actors/maintenance_service.hpp"

#include "quire/storage/sqlite/upkeep.hpp"
#include "quire/tests/support/service_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct maintenance_fixture : tests::service_fixture {
  maintenance_fixture() {
    options.env = env;
    options.writer = relayed;
    options.readers = readers;
    options.interval = 1h;
    options.rows_per_write = 10;
  }

  void start() {
    service = keep(actors::spawn_maintenance_service(system, options));
    settle();
  }

  // Ended so many milliseconds before the start of the test's clock.
  void add_ended_tasks(int number, std::int64_t age_ms) {
    direct([&](storage::transaction& tx) {
      task_spec spec;
      spec.kind = "old";
      auto when = env.clock->unix_ms() - age_ms;
      for (int i = 0; i < number; ++i)
        storage::cancel_task(tx, storage::enqueue_task(tx, spec, when), "", when);
    });
  }

  const operation_report& report(const maintenance_done& done, const std::string& operation) {
    for (auto& one : done.operations)
      if (one.operation == operation)
        return one;
    throw std::runtime_error("no report of " + operation);
  }

  maintenance_done run() {
    auto answer = call<maintenance_done>(service, run_maintenance{});
    BOOST_REQUIRE_MESSAGE(answer, answer.text());
    return *answer.reply;
  }

  std::int64_t tasks() { return number("SELECT count(*) FROM quire_task"); }
  std::int64_t count(const std::string& name) { return counter_of(status(service), name); }

  static constexpr std::int64_t day_ms = 24 * 3600 * 1000;

  actors::maintenance_service_options options;
  maintenance_service_actor service;
};

/// A clock of a machine that may sleep: the time of day goes on, and nothing else.
struct sleepy_clock final : clock_source {
  explicit sleepy_clock(std::shared_ptr<const clock_source> clock) : real(std::move(clock)) {}
  std::int64_t unix_ms() const override { return real->unix_ms() + slept_ms; }
  std::chrono::steady_clock::time_point now() const override { return real->now(); }

  std::shared_ptr<const clock_source> real;
  std::int64_t slept_ms = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(maintenance_service, maintenance_fixture)

BOOST_AUTO_TEST_CASE(what_is_older_than_the_retention_goes_in_portions) {
  add_ended_tasks(35, 31 * day_ms);
  add_ended_tasks(5, 29 * day_ms);
  start();
  BOOST_TEST(tasks() == 5);
  BOOST_TEST(count("rows") >= 35);
  BOOST_TEST(count("passes") == 1);
  BOOST_TEST(count("last_run_ms") == env.clock->unix_ms());
}

BOOST_AUTO_TEST_CASE(without_a_retention_everything_is_kept) {
  options.retention = 0h;
  add_ended_tasks(3, 400 * day_ms);
  start();
  BOOST_TEST(tasks() == 3);
}

BOOST_AUTO_TEST_CASE(stuck_tasks_are_given_up_and_only_they) {
  auto claim = [&](std::int64_t age_ms) {
    return direct([&](storage::transaction& tx) {
      task_spec spec;
      spec.kind = "long";
      spec.retry.attempts_max = 1;
      auto when = env.clock->unix_ms() - age_ms;
      auto id = storage::enqueue_task(tx, spec, when);
      std::vector<std::string> kinds{"long"};
      storage::claim_tasks(tx, kinds, 1, boot, when);
      return id;
    });
  };
  auto stuck = claim(3 * 3600 * 1000);
  auto busy = claim(3600 * 1000);
  start();
  BOOST_TEST((task(stuck).state == task_state::failed));
  BOOST_TEST((task(stuck).error_kind == error_class::lost));
  BOOST_TEST((task(busy).state == task_state::running));
}

BOOST_AUTO_TEST_CASE(a_pass_runs_at_start_and_after_each_interval) {
  start();
  BOOST_TEST(count("passes") == 1);
  advance(59min, 1min);
  BOOST_TEST(count("passes") == 1);
  advance(2min, 1min);
  BOOST_TEST(count("passes") == 2);
  advance(60min, 1min);
  BOOST_TEST(count("passes") == 3);
}

BOOST_AUTO_TEST_CASE(without_an_interval_it_runs_at_start_and_on_request_only) {
  options.interval = 0ms;
  start();
  advance(48h, 1h);
  BOOST_TEST(count("passes") == 1);
  run();
  BOOST_TEST(count("passes") == 2);
}

BOOST_AUTO_TEST_CASE(a_request_reports_every_operation_in_order) {
  start();
  add_ended_tasks(3, 31 * day_ms);
  auto done = run();
  std::vector<std::string> names;
  for (auto& one : done.operations) {
    names.push_back(one.operation);
    BOOST_TEST(one.error == "");
  }
  std::vector<std::string> all{"stuck_tasks", "orphans",    "old_tasks", "old_runs",
                               "old_keys",    "checkpoint", "optimize"};
  BOOST_TEST(names == all, boost::test_tools::per_element());
  BOOST_TEST(report(done, "old_tasks").rows == 3);
}

BOOST_AUTO_TEST_CASE(two_requests_at_once_share_a_pass) {
  start();
  auto first = send(service, run_maintenance{});
  auto second = send(service, run_maintenance{});
  BOOST_TEST(receive<maintenance_done>(std::move(first))->operations.size() == 7u);
  BOOST_TEST(receive<maintenance_done>(std::move(second))->operations.size() == 7u);
  BOOST_TEST(count("passes") == 2);
}

BOOST_AUTO_TEST_CASE(an_operation_that_fails_keeps_no_other_from_running) {
  start();
  add_ended_tasks(3, 31 * day_ms);
  faults->refused = 1;
  faults->upkeep_refused = 1;
  auto done = run();
  BOOST_TEST(report(done, "stuck_tasks").error == "refused on purpose");
  BOOST_TEST(report(done, "old_tasks").rows == 3);
  BOOST_TEST(report(done, "checkpoint").error == "refused on purpose");
  BOOST_TEST(report(done, "optimize").error == "");
  BOOST_TEST(!status(service).note.empty());
  auto records = look([](storage::snapshot& db) { return storage::last_maintenance(db); });
  BOOST_TEST(records.size() == 7u);
  for (auto& one : records)
    BOOST_TEST(one.error.empty()
               == (one.operation != "stuck_tasks" && one.operation != "checkpoint"));
}

BOOST_AUTO_TEST_CASE(a_drain_ends_the_service) {
  start();
  BOOST_TEST(bool(call<drained>(service, drain{})));
  BOOST_TEST(!call<maintenance_done>(service, run_maintenance{}));
}

BOOST_AUTO_TEST_CASE(a_task_is_not_stuck_because_the_machine_slept) {
  auto clock = std::make_shared<sleepy_clock>(env.clock);
  options.env.clock = clock;
  start();
  auto id = direct([&](storage::transaction& tx) {
    task_spec spec;
    spec.kind = "long";
    spec.timeout = 2h;
    auto task = storage::enqueue_task(tx, spec, clock->unix_ms());
    storage::claim_tasks(tx, std::vector<std::string>{"long"}, 1, boot, clock->unix_ms());
    return task;
  });
  clock->slept_ms = 8 * 3600 * 1000;
  run();
  BOOST_TEST((task(id).state == task_state::running));
  advance(3h, 30min);
  run();
  BOOST_TEST((task(id).state != task_state::running));
}

BOOST_AUTO_TEST_SUITE_END()

// A program that works beside the owner of a database, on real files and threads.

#include "quire/app/runtime.hpp"

#include "quire/storage/sqlite/connection.hpp"
#include "quire/tests/support/failure_code.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>

namespace {

using namespace quire;
using namespace std::chrono_literals;
using tests::code_of;

constexpr auto limit = 60s;

struct visitor_fixture {
  options chosen(access_mode mode) const {
    options result;
    result.database = dir / "visited.db";
    result.mode = mode;
    return result;
  }

  static task_spec task_of(std::string kind) {
    task_spec spec;
    spec.kind = std::move(kind);
    spec.payload = "7";
    return spec;
  }

  tests::temp_dir dir;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(visitor, visitor_fixture)

// Whoever only brings work needs no services, and leaves those of the owner alone.
BOOST_AUTO_TEST_CASE(a_visitor_enqueues_for_the_owner) {
  auto with = chosen(access_mode::own);
  with.handle("noted",
              [](task_context& context) { return task_outcome::success(context.task.payload); });
  quire::runtime owner{std::move(with)};
  task_id task;
  {
    quire::runtime beside{chosen(access_mode::visit)};
    task = beside.enqueue(task_of("noted"));
    BOOST_TEST((code_of([&] { beside.enqueue(task_of("")); }) == errc::invalid_argument));
  }
  BOOST_TEST((owner.wait(task, limit).state == task_state::completed));
  BOOST_TEST(owner.find(task)->output == "7");
  BOOST_TEST(owner.tasks().size() == 1u);
}

BOOST_AUTO_TEST_CASE(whoever_only_looks_enqueues_nothing) {
  { quire::runtime owner{chosen(access_mode::own)}; }
  quire::runtime looking{chosen(access_mode::look)};
  BOOST_TEST((code_of([&] { looking.enqueue(task_of("noted")); }) == errc::unavailable));
  BOOST_TEST(looking.tasks().empty());
}

BOOST_AUTO_TEST_CASE(tasks_need_a_database_of_quire) {
  {
    storage::connection_options foreign;
    foreign.path = chosen(access_mode::own).database;
    storage::connection::open_writer(foreign).execute("CREATE TABLE t(x)");
  }
  quire::runtime beside{chosen(access_mode::visit)};
  BOOST_TEST((code_of([&] { beside.enqueue(task_of("noted")); }) == errc::not_found));
}

BOOST_AUTO_TEST_CASE(a_schedule_of_a_visitor_is_fired_by_the_owner) {
  auto with = chosen(access_mode::own);
  std::promise<std::string> fired;
  std::atomic<bool> first{true};
  with.handle("beat", [&](task_context& context) {
    if (first.exchange(false))
      fired.set_value(context.task.payload);
    return task_outcome::success();
  });
  quire::runtime owner{std::move(with)};
  schedule_spec schedule;
  schedule.name = "beat";
  schedule.spec = "every 1s";
  schedule.task = task_of("beat");
  quire::runtime beside{chosen(access_mode::visit)};
  BOOST_TEST(beside.put_schedule(schedule).next_at_ms.has_value());
  auto payload = fired.get_future();
  BOOST_REQUIRE((payload.wait_for(limit) == std::future_status::ready));
  BOOST_TEST(payload.get() == "7");
  BOOST_TEST(owner.find_schedule("beat")->record.fired >= 1);
  BOOST_TEST(beside.pause_schedule("beat").paused);
  BOOST_TEST(owner.schedules().at(0).paused);
  BOOST_TEST(!owner.resume_schedule("beat").paused);
  BOOST_TEST(owner.remove_schedule("beat"));
  BOOST_TEST(!beside.remove_schedule("beat"));
  BOOST_TEST(beside.schedules().empty());
  BOOST_TEST((code_of([&] { beside.pause_schedule("beat"); }) == errc::not_found));
  schedule.tz = "Mars/Olympus";
  BOOST_TEST((code_of([&] { beside.put_schedule(schedule); }) == errc::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()

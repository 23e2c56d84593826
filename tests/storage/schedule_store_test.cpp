#include "quire/storage/sqlite/schedule_store.hpp"

#include "quire/tests/storage/store_fixture.hpp"
#include "quire/tests/support/civil_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;
using tests::utc_ms;
using topic = event::topic;
using numbers = std::vector<std::int64_t>;

namespace {

constexpr std::int64_t minute = 60'000;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;

struct schedule_fixture : tests::store_fixture {
  schedule_fixture() { now = start; }

  static schedule_spec hourly(std::string name = "report") {
    schedule_spec spec;
    spec.name = std::move(name);
    spec.spec = "@hourly";
    spec.task = work();
    return spec;
  }

  schedule_record put(const schedule_spec& spec) {
    return write([&](auto& tx) { return storage::put_schedule(tx, spec, now); });
  }

  std::optional<std::int64_t> fire(int limit = 200) {
    return write([&](auto& tx) { return storage::fire_due_schedules(tx, now, limit); });
  }

  schedule_details found(const std::string& name = "report") {
    auto snapshot = view();
    return storage::find_schedule(snapshot, name).value();
  }

  schedule_record state_of(const std::string& name = "report") { return found(name).record; }

  /// The times it fired for, the oldest first.
  numbers fired() {
    numbers times;
    for (auto& fire : found().fires)
      times.insert(times.begin(), fire.fire_at_ms);
    return times;
  }

  /// The states of all tasks, by id.
  std::vector<task_state> states() {
    std::vector<task_state> all;
    auto snapshot = view();
    for (auto& task : storage::list_tasks(snapshot, {}))
      all.push_back(task.state);
    return all;
  }

  std::int64_t tasks() { return number("SELECT count(*) FROM quire_task"); }

  /// Runs the task that is claimed next to its end.
  void run_one() { finish(claim_one(), task_outcome::success()); }

  const std::int64_t start = utc_ms("2026-03-01 00:30");
  const std::int64_t one = utc_ms("2026-03-01 01:00");
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(schedule_store, schedule_fixture)

BOOST_AUTO_TEST_CASE(a_schedule_keeps_everything_that_was_asked_for) {
  auto spec = hourly();
  spec.tz = "Europe/Berlin";
  spec.task.payload = R"({"a":1})";
  spec.task.queue = "reports";
  spec.task.priority = task_priority::high;
  spec.task.retry = {7, 250ms, 1.5, 9000ms, 0.25};
  spec.task.timeout = 1234ms;
  spec.task.gate = "g";
  spec.task.gate_capacity = 4;
  spec.task.crashes_max = 5;
  spec.overlap = schedule_overlap::skip;
  spec.catch_up = schedule_catch_up::all;
  spec.catch_up_max = 17;
  spec.start_ms = start + 1;
  spec.end_ms = start + 30 * day;
  spec.jitter = 5s;
  auto record = put(spec);
  BOOST_TEST(record.next_at_ms.value() == one);
  BOOST_TEST(was_announced(topic::task_ready, one));
  auto kept = state_of();
  auto& schedule = kept.schedule;
  BOOST_TEST((schedule.name == "report" && schedule.spec == "@hourly" && schedule.tz == "Europe/Berlin"));
  BOOST_TEST(schedule.task.payload == spec.task.payload);
  BOOST_TEST((schedule.task.queue == "reports" && schedule.task.kind == "work" && schedule.task.gate == "g"));
  BOOST_TEST((schedule.task.priority == task_priority::high));
  BOOST_TEST((schedule.task.retry.attempts_max == 7 && schedule.task.retry.base == 250ms
              && schedule.task.retry.factor == 1.5 && schedule.task.retry.cap == 9000ms
              && schedule.task.retry.jitter == 0.25));
  BOOST_TEST((schedule.task.timeout == 1234ms && schedule.task.gate_capacity == 4
              && schedule.task.crashes_max == 5));
  BOOST_TEST((schedule.overlap == schedule_overlap::skip && schedule.catch_up == schedule_catch_up::all));
  BOOST_TEST((schedule.catch_up_max == 17 && schedule.jitter == 5s));
  BOOST_TEST((schedule.start_ms == start + 1 && schedule.end_ms == start + 30 * day));
  BOOST_TEST((!kept.paused && kept.fired == 0 && kept.created_at_ms == now && kept.error.empty()));
  auto snapshot = view();
  auto all = storage::list_schedules(snapshot);
  BOOST_REQUIRE(all.size() == 1u);
  BOOST_TEST(all[0].schedule.task.payload.empty());
  BOOST_TEST(all[0].next_at_ms.value() == one);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused_and_changes_nothing) {
  auto refused = [&](auto change, const char* why) {
    auto spec = hourly();
    change(spec);
    auto failure = tests::failure_of([&] { put(spec); });
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST((failure->code() == errc::invalid_argument));
    BOOST_TEST(tests::contains(failure->what(), why), failure->what());
  };
  refused([](auto& x) { x.name = ""; }, "name must be");
  refused([](auto& x) { x.name = std::string(101, 'x'); }, "name must be");
  refused([](auto& x) { x.spec = "* * * *"; }, "4 fields");
  refused([](auto& x) { x.spec = "0 0 30 2 *"; }, "no day that exists");
  refused([](auto& x) { x.tz = "Mars/Olympus"; }, "Mars/Olympus");
  refused([](auto& x) { x.task.kind = ""; }, "kind must be");
  refused([](auto& x) { x.task.payload = std::string((1u << 20) + 1, 'x'); }, "1 MiB");
  refused([](auto& x) { x.task.run_at_ms = 1; }, "run_at");
  refused([](auto& x) { x.catch_up_max = 0; }, "catch_up_max");
  refused([](auto& x) { x.catch_up_max = 1001; }, "catch_up_max");
  refused([](auto& x) { x.jitter = 24h + 1ms; }, "jitter");
  refused([](auto& x) { x.start_ms = 2, x.end_ms = 1; }, "end must not");
  refused([](auto& x) { x.start_ms = -1; }, "start and end");
  refused([](auto& x) { x.overlap = schedule_overlap{9}; }, "overlap");
  refused(
    [](auto& x) {
      x.overlap = schedule_overlap::queue_one;
      x.task.gate = "g";
      x.task.gate_capacity = 2;
    },
    "queue_one");
  BOOST_TEST(number("SELECT count(*) FROM quire_schedule") == 0);
}

BOOST_AUTO_TEST_CASE(a_schedule_fires_at_its_times_and_says_when_it_is_due_next) {
  put(hourly());
  BOOST_TEST(fire().value() == one);
  BOOST_TEST(tasks() == 0);
  now = one - 1;
  BOOST_TEST(fire().value() == one);
  BOOST_TEST(tasks() == 0);
  now = one + 3;
  BOOST_TEST(fire().value() == one + hour);
  BOOST_TEST(was_announced(topic::task_ready, 0));
  BOOST_TEST(tasks() == 1);
  auto details = found();
  BOOST_REQUIRE(details.fires.size() == 1u);
  BOOST_TEST(details.fires[0].fire_at_ms == one);
  BOOST_TEST(details.fires[0].fired_at_ms == one + 3);
  BOOST_TEST((details.fires[0].task == task_id{1}));
  BOOST_TEST((details.record.fired == 1 && details.record.missed == 0));
  BOOST_TEST(details.record.last_at_ms.value() == one);
  BOOST_TEST(claim_one().payload == "{}");
}

BOOST_AUTO_TEST_CASE(no_time_fires_twice_also_when_the_clock_is_set_back) {
  put(hourly());
  now = one;
  fire();
  fire();
  now = one - 30 * minute;
  BOOST_TEST(fire().value() == one + hour);
  now = one;
  fire();
  BOOST_TEST(tasks() == 1);
  // Not even if it is made to begin again.
  now = one - 1;
  auto other = hourly();
  other.spec = "0 * * * *";
  BOOST_TEST(put(other).next_at_ms.value() == one);
  now = one;
  BOOST_TEST(fire().value() == one + hour);
  BOOST_TEST(tasks() == 1);
  BOOST_TEST(state_of().fired == 1);
}

BOOST_AUTO_TEST_CASE(a_schedule_that_is_put_again_goes_on) {
  auto spec = hourly();
  spec.spec = "every 1h";
  put(spec);
  now += 40 * minute;
  spec.task.kind = "other";
  BOOST_TEST(put(spec).next_at_ms.value() == start + hour);
  BOOST_TEST(state_of().created_at_ms == start);
  now = start + hour;
  BOOST_TEST(fire().value() == start + 2 * hour);
  BOOST_TEST(claim(1, {"other"}).size() == 1u);
  spec.spec = "every 2h";
  now += minute;
  BOOST_TEST(put(spec).next_at_ms.value() == now + 2 * hour);
}

BOOST_AUTO_TEST_CASE(what_was_missed_is_forgotten_without_catch_up) {
  auto spec = hourly();
  spec.catch_up = schedule_catch_up::none;
  put(spec);
  now = one + 5 * hour + storage::schedule_late_max_ms + 1;
  BOOST_TEST(fire().value() == one + 6 * hour);
  BOOST_TEST(tasks() == 0);
  BOOST_TEST(state_of().missed == 6);
  now = one + 7 * hour + storage::schedule_late_max_ms;
  fire();
  BOOST_TEST(fired() == numbers{one + 7 * hour}, boost::test_tools::per_element());
  BOOST_TEST(state_of().missed == 7);
}

BOOST_AUTO_TEST_CASE(the_last_missed_time_is_made_up_for) {
  put(hourly());
  now = one + 5 * hour + 59 * minute;
  BOOST_TEST(fire().value() == one + 6 * hour);
  BOOST_TEST(fired() == numbers{one + 5 * hour}, boost::test_tools::per_element());
  BOOST_TEST((state_of().missed == 5 && state_of().fired == 1));
}

BOOST_AUTO_TEST_CASE(all_missed_times_are_made_up_for_in_order_up_to_the_newest_so_many) {
  auto spec = hourly();
  spec.catch_up = schedule_catch_up::all;
  put(spec);
  now = one + 4 * hour;
  // In portions: the rest is due at once.
  BOOST_TEST(fire(3).value() == one + 3 * hour);
  BOOST_TEST(fire(3).value() == one + 5 * hour);
  BOOST_TEST(fired() == (numbers{one, one + hour, one + 2 * hour, one + 3 * hour, one + 4 * hour}),
             boost::test_tools::per_element());
  BOOST_TEST(state_of().missed == 0);
  spec.catch_up_max = 2;
  put(spec);
  now = one + 10 * hour;
  fire();
  auto times = fired();
  BOOST_TEST(times.size() == 7u);
  BOOST_TEST(times[5] == one + 9 * hour);
  BOOST_TEST(times[6] == one + 10 * hour);
  BOOST_TEST(state_of().missed == 4);
}

BOOST_AUTO_TEST_CASE(years_of_seconds_are_no_burden) {
  auto spec = hourly();
  spec.spec = "* * * * * *";
  spec.catch_up = schedule_catch_up::all;
  spec.catch_up_max = 50;
  put(spec);
  now = start + 3 * 365 * day;
  BOOST_TEST(fire().value() == now + 1000);
  BOOST_TEST(tasks() == 50);
  spec.catch_up = schedule_catch_up::last;
  put(spec);
  now += 3 * 365 * day;
  BOOST_TEST(fire().value() == now + 1000);
  BOOST_TEST(tasks() == 51);
}

BOOST_AUTO_TEST_CASE(with_overlap_allowed_each_time_has_its_task) {
  put(hourly());
  for (now = one; now < one + 3 * hour; now += hour)
    fire();
  BOOST_TEST(tasks() == 3);
}

BOOST_AUTO_TEST_CASE(a_time_is_skipped_while_the_earlier_task_has_not_ended) {
  auto spec = hourly();
  spec.overlap = schedule_overlap::skip;
  put(spec);
  now = one;
  fire();
  auto running = claim_one();
  now += hour;
  fire();
  BOOST_TEST(tasks() == 1);
  auto details = found();
  BOOST_TEST((details.record.fired == 1 && details.record.skipped == 1));
  BOOST_TEST(!details.fires.at(0).task);
  finish(running, task_outcome::success());
  now += hour;
  fire();
  BOOST_TEST(tasks() == 2);
}

// What is forgotten first must not be the task that tells it.
BOOST_AUTO_TEST_CASE(a_task_that_runs_for_long_is_not_forgotten_for_all_the_skipped_times) {
  auto spec = hourly();
  spec.overlap = schedule_overlap::skip;
  put(spec);
  now = one;
  fire();
  auto running = claim_one();
  for (int i = 0; i < 3 * storage::schedule_fires_kept; ++i) {
    now += hour;
    fire();
  }
  BOOST_TEST(tasks() == 1);
  BOOST_TEST(number("SELECT count(*) FROM quire_schedule_fire") == storage::schedule_fires_kept + 1);
  finish(running, task_outcome::success());
  now += hour;
  fire();
  BOOST_TEST(tasks() == 2);
}

BOOST_AUTO_TEST_CASE(one_task_waits_for_the_end_of_the_other_and_no_more) {
  auto spec = hourly();
  spec.overlap = schedule_overlap::queue_one;
  put(spec);
  now = one;
  fire();
  auto running = claim_one();
  for (int i = 0; i < 3; ++i) {
    now += hour;
    fire();
  }
  BOOST_TEST((states() == std::vector{task_state::running, task_state::blocked}));
  BOOST_TEST(state_of().skipped == 2);
  BOOST_TEST(claim(5).empty());
  // It may go in the transaction that ends the other.
  finish(running, task_outcome::success());
  BOOST_TEST(was_announced(topic::task_ready, 0));
  BOOST_TEST((states() == std::vector{task_state::completed, task_state::ready}));
  run_one();
}

BOOST_AUTO_TEST_CASE(the_earlier_tasks_are_cancelled_for_the_next_one) {
  auto spec = hourly();
  spec.overlap = schedule_overlap::cancel_previous;
  put(spec);
  now = one;
  fire();
  now += hour;
  fire();
  auto running = claim_one();
  BOOST_TEST((running.id == task_id{2}));
  now += hour;
  fire();
  BOOST_TEST((states() == std::vector{task_state::cancelled, task_state::running, task_state::ready}));
  BOOST_TEST(was_announced(topic::task_cancel, 2));
  BOOST_TEST(record(task_id{1}).error == "the schedule 'report' began the next task");
  // Tasks of others are left alone.
  auto stranger = enqueue(work());
  now += hour;
  fire();
  BOOST_TEST((state(stranger) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(a_paused_schedule_stays_so_and_makes_up_for_nothing) {
  auto spec = hourly();
  spec.catch_up = schedule_catch_up::all;
  put(spec);
  auto change = [&](auto what) { return write([&](auto& tx) { return what(tx, "report", now); }); };
  BOOST_TEST(change(storage::pause_schedule).paused);
  BOOST_TEST(!change(storage::pause_schedule).next_at_ms);
  now = one + 2 * hour;
  BOOST_TEST(!fire());
  BOOST_TEST(put(spec).paused);
  spec.spec = "30 * * * *";
  BOOST_TEST(put(spec).paused);
  BOOST_TEST(!fire());
  auto resumed = change(storage::resume_schedule);
  BOOST_TEST(!resumed.paused);
  BOOST_TEST(resumed.next_at_ms.value() == now + 30 * minute);
  BOOST_TEST(was_announced(topic::task_ready, now + 30 * minute));
  BOOST_TEST(fire().value() == now + 30 * minute);
  BOOST_TEST(tasks() == 0);
  now += 40 * minute;
  BOOST_TEST(change(storage::resume_schedule).next_at_ms.value() == now - 10 * minute);
  fire();
  BOOST_TEST(tasks() == 1);
  BOOST_TEST(tests::fails_with(errc::not_found,
                               [&] { write([&](auto& tx) { storage::pause_schedule(tx, "x", now); }); }));
}

BOOST_AUTO_TEST_CASE(a_schedule_that_is_removed_leaves_its_tasks_and_nothing_else) {
  db.execute("PRAGMA foreign_keys = OFF"); // As an application may have it.
  put(hourly());
  now = one;
  fire();
  auto remove = [&] { return write([&](auto& tx) { return storage::remove_schedule(tx, "report"); }); };
  BOOST_TEST(remove());
  BOOST_TEST(!remove());
  BOOST_TEST(number("SELECT count(*) FROM quire_schedule_fire") == 0);
  BOOST_TEST(tasks() == 1);
  BOOST_TEST(!fire());
  // Another one of this name knows nothing of it.
  now = one - 1;
  put(hourly());
  now = one;
  fire();
  BOOST_TEST(tasks() == 2);
}

BOOST_AUTO_TEST_CASE(a_schedule_fires_only_between_its_start_and_its_end) {
  auto spec = hourly();
  spec.start_ms = one + 2 * hour;
  spec.end_ms = one + 4 * hour;
  spec.catch_up = schedule_catch_up::all;
  BOOST_TEST(put(spec).next_at_ms.value() == one + 2 * hour);
  now = one + 10 * hour;
  BOOST_TEST(!fire());
  BOOST_TEST(fired() == (numbers{one + 2 * hour, one + 3 * hour, one + 4 * hour}),
             boost::test_tools::per_element());
  BOOST_TEST(!state_of().next_at_ms);
  BOOST_TEST(!put(spec).next_at_ms);
  // The last time that is made up for is within, too.
  now = start;
  spec.name = "other";
  spec.catch_up = schedule_catch_up::last;
  put(spec);
  now = one + 10 * hour;
  BOOST_TEST(!fire());
  BOOST_TEST(state_of("other").last_at_ms.value() == one + 4 * hour);
  spec.spec = "every 7m";
  spec.start_ms = now + minute;
  spec.end_ms.reset();
  BOOST_TEST(put(spec).next_at_ms.value() == now + minute);
}

BOOST_AUTO_TEST_CASE(jitter_puts_a_task_off_by_no_more_than_it_says) {
  auto spec = hourly();
  spec.jitter = 10min;
  spec.catch_up = schedule_catch_up::all;
  put(spec);
  std::set<std::int64_t> delays;
  for (now = one; now < one + 20 * hour; now += hour)
    fire();
  auto snapshot = view();
  for (auto& task : storage::list_tasks(snapshot, {})) {
    auto delay = task.run_at_ms.value_or(task.created_at_ms) - task.created_at_ms;
    BOOST_TEST((delay >= 0 && delay <= 10 * minute));
    delays.insert(delay);
  }
  BOOST_TEST(delays.size() > 15u);
}

BOOST_AUTO_TEST_CASE(a_schedule_that_cannot_fire_says_why_and_keeps_no_other_from_firing) {
  put(hourly());
  put(hourly("other"));
  db.execute("UPDATE quire_schedule SET tz = 'Mars/Olympus' WHERE name = 'report'");
  now = one;
  BOOST_TEST(fire().value() == one + minute);
  BOOST_TEST(tests::contains(state_of().error, "Mars/Olympus"));
  BOOST_TEST(state_of("other").fired == 1);
  db.execute("UPDATE quire_schedule SET tz = 'UTC' WHERE name = 'report'");
  now = one + minute;
  BOOST_TEST(fire().value() == one + hour);
  BOOST_TEST(state_of().error.empty());
  BOOST_TEST(fired() == numbers{one}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_remembered_has_a_limit) {
  put(hourly());
  for (now = one; now < one + 250 * hour; now += hour)
    fire();
  auto times = fired();
  BOOST_TEST(times.size() == static_cast<std::size_t>(storage::schedule_fires_kept));
  BOOST_TEST(times.back() == one + 249 * hour);
  BOOST_TEST(tasks() == 250);
}

BOOST_AUTO_TEST_CASE(many_schedules_fire_in_the_order_of_their_times) {
  for (int i = 0; i < 5; ++i) {
    auto spec = hourly("s" + std::to_string(i));
    spec.spec = std::to_string(50 - i) + " * * * *";
    put(spec);
  }
  now = one;
  fire(2);
  BOOST_TEST(number("SELECT count(*) FROM quire_schedule WHERE fired = 1 AND name IN ('s3', 's4')") == 2);
  fire(200);
  BOOST_TEST(tasks() == 5);
}

BOOST_AUTO_TEST_CASE(a_limit_is_one_for_all_schedules) {
  for (auto name : {"a", "b", "c"}) {
    auto spec = hourly(name);
    spec.catch_up = schedule_catch_up::all;
    put(spec);
  }
  now = one + 2 * hour;
  BOOST_TEST(fire(4).value() == one);
  BOOST_TEST(tasks() == 4);
  BOOST_TEST(fire(4).value() == one + 2 * hour);
  BOOST_TEST(fire(4).value() == one + 3 * hour);
  BOOST_TEST(tasks() == 9);
}

BOOST_AUTO_TEST_SUITE_END()

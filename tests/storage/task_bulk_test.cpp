#include "quire/storage/sqlite/task_bulk.hpp"

#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>

using namespace quire;
using topic = event::topic;

namespace {

struct bulk_fixture : tests::run_fixture {
  storage::bulk_portion cancel_all(const task_filter& filter = {}, int limit = 500) {
    return write(
      [&](auto& tx) { return storage::cancel_tasks(tx, filter, "not needed", now, limit); });
  }

  storage::bulk_portion retry_all(const task_filter& filter = {}, int limit = 500) {
    return write([&](auto& tx) { return storage::retry_tasks(tx, filter, now, limit); });
  }

  task_counts count(const task_filter& filter = {}) {
    auto snapshot = view();
    return storage::count_tasks(snapshot, filter);
  }

  task_filter bounded(const task_filter& filter = {}) {
    auto snapshot = view();
    return storage::within_bounds(snapshot, filter);
  }

  std::vector<std::int64_t> listed(const task_filter& filter) {
    auto snapshot = view();
    std::vector<std::int64_t> ids;
    for (auto& task : storage::list_tasks(snapshot, filter))
      ids.push_back(task.id.value);
    return ids;
  }

  void enqueue_many(int count, const task_spec& spec = work()) {
    write([&](auto& tx) {
      for (int i = 0; i < count; ++i)
        storage::enqueue_task(tx, spec, now);
    });
  }

  /// One task of a kind of its own, which fails for good.
  task_id fail(task_spec spec, const std::string& why = "broken") {
    spec.kind = "fails";
    auto id = enqueue(spec);
    finish(claim(1, {"fails"}).at(0), task_outcome::failure(why, error_class::permanent));
    return id;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_bulk, bulk_fixture)

BOOST_AUTO_TEST_CASE(each_filter_selects_what_it_names) {
  auto plain = enqueue(work());
  auto spec = gated("disk");
  spec.queue = "mail";
  spec.unique.key = "customer 17";
  auto special = enqueue(spec);
  now += 100;
  auto failed = fail(work(), "connection refused by 10.0.0.7");
  now += 100;
  auto cancelled = enqueue(work("other"));
  cancel(cancelled, "the order was withdrawn");
  auto selects = [&](const std::function<void(task_filter&)>& choose,
                     std::vector<task_id> expected) {
    task_filter filter;
    choose(filter);
    std::vector<std::int64_t> ids;
    for (auto id : expected)
      ids.push_back(id.value);
    BOOST_TEST(listed(filter) == ids, boost::test_tools::per_element());
    BOOST_TEST(count(filter).matching == static_cast<std::int64_t>(ids.size()));
  };
  selects([](auto&) {}, {plain, special, failed, cancelled});
  selects([](auto& x) { x.state = task_state::failed; }, {failed});
  selects([](auto& x) { x.kind = "work"; }, {plain, special});
  selects([](auto& x) { x.queue = "mail"; }, {special});
  selects([](auto& x) { x.gate = "disk"; }, {special});
  selects([](auto& x) { x.unique_key = "customer 17"; }, {special});
  selects([&](auto& x) { x.created_from_ms = now - 100; }, {failed, cancelled});
  selects([&](auto& x) { x.created_before_ms = now - 100; }, {plain, special});
  selects([&](auto& x) { x.finished_from_ms = now; }, {cancelled});
  selects([&](auto& x) { x.finished_before_ms = now; }, {failed});
  selects([](auto& x) { x.error_kind = error_class::permanent; }, {failed});
  selects([](auto& x) { x.error_text = "refused by"; }, {failed});
  selects([](auto& x) { x.error_text = "Refused"; }, {});
  selects([](auto& x) { x.error_text = "order was"; }, {cancelled});
  selects([&](auto& x) { x.until = special; }, {plain, special});
  selects([&](auto& x) { x.after = special; }, {failed, cancelled});
  selects(
    [](auto& x) {
      x.queue = "mail";
      x.kind = "other";
    },
    {});
}

BOOST_AUTO_TEST_CASE(the_error_of_a_completed_task_is_not_looked_at) {
  auto id = enqueue(work());
  finish(claim_one(), task_outcome::failure("connection refused"), now);
  task_filter filter;
  filter.error_text = "refused";
  BOOST_TEST(count(filter).matching == 1);
  write([&](auto& tx) { return storage::promote_due_tasks(tx, now); });
  finish(claim_one(), task_outcome::success());
  BOOST_REQUIRE((state(id) == task_state::completed));
  BOOST_TEST(count(filter).matching == 0);
}

BOOST_AUTO_TEST_CASE(what_can_be_done_is_counted) {
  enqueue(work());
  enqueue(work());
  finish(claim_one(), task_outcome::success());
  fail(work());
  cancel(enqueue(work("other")));
  enqueue(work("partial"));
  finish(claim(1, {"partial"}).at(0), task_outcome::partial("1", "most of it"));
  claim_one();
  auto counts = count();
  BOOST_TEST(counts.matching == 5);
  BOOST_TEST(counts.cancellable == 1);
  BOOST_TEST(counts.retryable == 3);
  BOOST_TEST(retry_all().changes.changed == 3);
  BOOST_TEST(cancel_all().changes.changed == 4);
  BOOST_TEST(count().cancellable == 1); // It runs, and has been asked to stop.
}

BOOST_AUTO_TEST_CASE(what_waits_is_cancelled_and_what_runs_is_asked_to_stop) {
  auto running = enqueue(gated("g"));
  auto blocked = enqueue(gated("g"));
  auto other = enqueue(work("other"));
  claim_one();
  task_filter filter;
  filter.kind = "work";
  auto done = cancel_all(filter);
  BOOST_TEST(done.changes.changed == 2);
  BOOST_TEST(done.changes.asked == 1);
  BOOST_TEST(done.changes.refused == 0);
  BOOST_TEST(!done.more);
  BOOST_TEST(was_announced(topic::task_cancel, running.value));
  BOOST_TEST(record(running).cancel_requested);
  BOOST_TEST((state(blocked) == task_state::cancelled));
  BOOST_TEST(record(blocked).error == "not needed");
  BOOST_TEST((state(other) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(a_portion_says_where_the_next_one_goes_on) {
  enqueue_many(1200);
  task_filter filter;
  std::vector<std::int64_t> portions;
  for (bool more = true; more;) {
    auto done = cancel_all(filter);
    portions.push_back(done.changes.changed);
    BOOST_TEST(done.last.value > filter.after.value);
    filter.after = done.last;
    more = done.more;
    BOOST_REQUIRE(portions.size() < 10u);
  }
  BOOST_TEST(portions == (std::vector<std::int64_t>{500, 500, 200}),
             boost::test_tools::per_element());
  BOOST_TEST(count().cancellable == 0);
}

// A long history must not make one transaction long.
BOOST_AUTO_TEST_CASE(a_portion_looks_at_so_many_tasks_only) {
  enqueue(work());
  finish(claim_one(), task_outcome::success());
  db.execute("INSERT INTO quire_task(lane, state, priority, ord, run_at, attempts_max, "
             "crashes_max, created_at)"
             " WITH n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
             " SELECT 1, 10, 2, 0, 0, 1, 3, 0 FROM n");
  auto waits = enqueue(work());
  auto first = cancel_all();
  BOOST_TEST(first.changes.changed == 0);
  BOOST_TEST(first.more);
  BOOST_TEST(first.last.value == 10'000);
  task_filter rest;
  rest.after = first.last;
  auto second = cancel_all(rest);
  BOOST_TEST(second.changes.changed == 1);
  BOOST_TEST(!second.more);
  BOOST_TEST((state(waits) == task_state::cancelled));
}

BOOST_AUTO_TEST_CASE(a_refused_task_ends_no_other) {
  auto spec = work();
  spec.unique.key = "k";
  auto first = fail(spec);
  auto second = fail(work());
  spec.kind = "fails";
  auto holder = enqueue(spec);
  auto done = retry_all();
  BOOST_TEST(done.changes.changed == 1);
  BOOST_TEST(done.changes.refused == 1);
  BOOST_REQUIRE(done.changes.refusals.size() == 1u);
  BOOST_TEST(tests::contains(done.changes.refusals[0], "task " + std::to_string(holder.value)
                                                         + " has its unique key 'k' now"));
  BOOST_TEST((state(first) == task_state::failed));
  BOOST_TEST((state(second) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(only_the_first_refusals_are_told) {
  auto id = start(pipeline({stage_after("a")}));
  fan_out(id, "a", 13);
  claim_one();
  cancel_run(id);
  auto done = retry_all();
  BOOST_TEST(done.changes.changed == 0);
  BOOST_TEST(done.changes.refused == 12);
  BOOST_TEST(done.changes.refusals.size() == 10u);
  BOOST_TEST(tests::contains(done.changes.refusals[0], "is being cancelled"));
}

BOOST_AUTO_TEST_CASE(an_error_that_is_no_refusal_undoes_the_portion) {
  auto first = enqueue(work());
  auto second = enqueue(work());
  db.execute("CREATE TRIGGER broken BEFORE UPDATE OF state ON quire_task WHEN new.id = "
             + std::to_string(second.value) + " BEGIN SELECT RAISE(ABORT, 'broken'); END");
  BOOST_CHECK_THROW(cancel_all(), storage::error);
  BOOST_TEST((state(first) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(what_is_created_meanwhile_is_left_alone) {
  enqueue_many(3);
  auto filter = bounded();
  auto later = enqueue(work());
  auto done = cancel_all(filter, 2);
  BOOST_TEST(done.more);
  filter.after = done.last;
  done = cancel_all(filter, 2);
  BOOST_TEST(done.changes.changed == 1);
  BOOST_TEST(!done.more);
  BOOST_TEST((state(later) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(a_run_begins_with_its_first_and_ends_with_its_last_task) {
  enqueue_many(2);
  auto id = start(pipeline({stage_after("a"), stage_after("b")}));
  fan_out(id, "a", 2);
  auto between = enqueue(work());
  fan_out(id, "b", 1);
  enqueue(work());
  task_filter filter;
  filter.run = id;
  auto found = bounded(filter);
  BOOST_TEST(found.after.value == 2);
  BOOST_TEST(found.until->value == 6);
  BOOST_TEST(count(filter).matching == 3);
  BOOST_TEST(cancel_all(found).changes.changed == 3);
  BOOST_TEST((state(between) == task_state::ready));
  BOOST_TEST((run(id).state == run_state::cancelled));
  found.until = task_id{4};
  BOOST_TEST(bounded(found).until->value == 4); // What was asked for is kept.
  filter.run = run_id{99};
  BOOST_TEST(cancel_all(bounded(filter)).changes.changed == 0);
  BOOST_TEST(!cancel_all(bounded(filter)).more);
}

// The retry of "a" deletes the task of "b", which is made anew when "a" has ended.
BOOST_AUTO_TEST_CASE(a_task_whose_stage_starts_over_counts_as_changed) {
  auto id = start(pipeline({stage_after("a"), stage_after("b", {{"a", edge_condition::any}})}));
  end_stage(id, "a", bad);
  end_stage(id, "b", bad);
  BOOST_REQUIRE(count().retryable == 2);
  auto done = retry_all();
  BOOST_TEST(done.changes.changed == 2);
  BOOST_TEST(done.changes.refused == 0);
  BOOST_TEST(count().matching == 1);
  BOOST_TEST((state_of(id, "b") == stage_state::waiting));
  end_tasks({good});
  end_stage(id, "b", good);
  BOOST_TEST((run(id).state == run_state::completed));
}

BOOST_AUTO_TEST_SUITE_END()

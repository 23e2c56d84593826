#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;
using topic = event::topic;

BOOST_FIXTURE_TEST_SUITE(task_store, tests::store_fixture)

BOOST_AUTO_TEST_CASE(a_task_is_ready_at_once_and_announced) {
  auto id = enqueue(work());
  BOOST_TEST((state(id) == task_state::ready));
  BOOST_TEST(was_announced(topic::task_ready, 0));
}

BOOST_AUTO_TEST_CASE(quick_tasks_can_be_claimed_ahead_after_those_that_have_a_worker) {
  for (int i = 0; i < 6; ++i)
    enqueue(work(i % 2 == 0 ? "work" : "other"));
  std::vector<std::string> kinds{"work", "other"};
  auto claim_ahead = [&](std::size_t count, storage::claim_ahead ahead) {
    std::vector<std::int64_t> ids;
    auto claimed =
      write([&](auto& tx) { return storage::claim_tasks(tx, kinds, count, ahead, boot, now); });
    for (auto& one : claimed.tasks)
      ids.push_back(one.id.value);
    return ids;
  };
  using list = std::vector<std::int64_t>;
  BOOST_TEST(claim_ahead(1, {10, 25ms, {10ms, 0ms}}) == (list{1, 3, 5}),
             boost::test_tools::per_element());
  BOOST_TEST(claim_ahead(0, {10, 25ms, {10ms, 0ms}}).empty());
  BOOST_TEST(claim_ahead(0, {1, 25ms, {0ms, 10ms}}) == (list{2}), boost::test_tools::per_element());
  BOOST_TEST(claim_ahead(0, {9, 15ms, {0ms, 10ms}}) == (list{4}), boost::test_tools::per_element());
  // Others are claimed for workers that are about to be free.
  enqueue(work());
  enqueue(work());
  BOOST_TEST(claim_ahead(0, {9, 15ms, {0ms, 10ms}, 1}) == (list{6, 7}),
             boost::test_tools::per_element());
}

// Its crash must be its own, not that of one that ran before it.
BOOST_AUTO_TEST_CASE(what_crashed_or_may_not_crash_once_is_not_claimed_ahead) {
  auto crashed = enqueue(work());
  auto task = claim_one();
  write([&](auto& tx) { return storage::crash_attempt(tx, task.id, task.epoch, "why", now); });
  auto strict = work();
  strict.crashes_max = 1;
  enqueue(strict);
  auto usual = enqueue(work());
  std::vector<std::string> kinds{"work"};
  auto claimed = write([&](auto& tx) {
    return storage::claim_tasks(tx, kinds, 0, {10, 1s, {1us}}, boot, now);
  });
  BOOST_REQUIRE(claimed.tasks.size() == 1u);
  BOOST_TEST((claimed.tasks[0].id == usual));
  BOOST_TEST((state(crashed) == task_state::ready));
}

// It has no row of its own: the task says it all.
BOOST_AUTO_TEST_CASE(a_success_is_in_the_history_of_its_task) {
  for (auto spec : {work(), gated("g")}) {
    auto id = enqueue(spec);
    now += 5;
    auto claimed = claim_one();
    now += 7;
    finish(claimed, task_outcome::success("[1]"));
    auto found = details(id);
    BOOST_TEST(found.output == "[1]");
    BOOST_REQUIRE(found.attempts.size() == 1u);
    auto& attempt = found.attempts[0];
    BOOST_TEST(attempt.attempt == 1);
    BOOST_TEST(attempt.epoch == 1);
    BOOST_TEST(attempt.started_at_ms == now - 7);
    BOOST_TEST(attempt.ended_at_ms == now);
    BOOST_TEST(attempt.outcome == "completed");
  }
}

BOOST_AUTO_TEST_CASE(a_claim_hands_over_everything_that_was_asked_for) {
  auto spec = work();
  spec.payload = R"({"a":1})";
  spec.retry = {7, 250ms, 1.5, 9000ms, 0.25};
  spec.timeout = 1234ms;
  auto id = enqueue(spec);
  auto task = claim_one();
  BOOST_TEST((task.id == id));
  BOOST_TEST(task.epoch == 1);
  BOOST_TEST(task.attempt == 1);
  BOOST_TEST(task.attempts_max == 7);
  BOOST_TEST(task.kind == "work");
  BOOST_TEST(task.payload == spec.payload);
  BOOST_TEST((task.timeout == 1234ms));
  BOOST_TEST(task.retry.attempts_max == 7);
  BOOST_TEST((task.retry.base == 250ms));
  BOOST_TEST(task.retry.factor == 1.5);
  BOOST_TEST((task.retry.cap == 9000ms));
  BOOST_TEST(task.retry.jitter == 0.25);
  BOOST_TEST((state(id) == task_state::running));
  BOOST_TEST(record(id).started_at_ms.value() == now);
}

BOOST_AUTO_TEST_CASE(tasks_are_claimed_by_priority_then_age_then_id_over_all_queues) {
  auto spec = work();
  auto add = [&](task_priority priority, const char* queue, std::int64_t at) {
    now = at;
    spec.priority = priority;
    spec.queue = queue;
    return enqueue(spec);
  };
  auto low = add(task_priority::low, "a", 10);
  auto second = add(task_priority::normal, "b", 20);
  auto third = add(task_priority::normal, "a", 30);
  auto same_age = add(task_priority::normal, "c", 30);
  auto urgent = add(task_priority::urgent, "c", 40);
  std::vector<task_id> order;
  for (auto& task : claim(10))
    order.push_back(task.id);
  BOOST_TEST((order == std::vector{urgent, second, third, same_age, low}));
}

// A stream of urgent tasks must not keep a low one from running for ever.
BOOST_AUTO_TEST_CASE(a_task_that_has_waited_long_enough_goes_before_more_urgent_ones) {
  auto add = [&](task_priority priority, std::chrono::minutes at) {
    now = std::chrono::milliseconds{at}.count();
    auto spec = work();
    spec.priority = priority;
    return enqueue(spec);
  };
  auto low = add(task_priority::low, 1000min);
  auto soon = add(task_priority::urgent, 1089min);
  auto late = add(task_priority::urgent, 1091min);
  auto normal = add(task_priority::normal, 1029min);
  auto high = add(task_priority::high, 1038min);
  std::vector<task_id> order;
  for (auto& task : claim(10))
    order.push_back(task.id);
  BOOST_TEST((order == std::vector{high, soon, normal, low, late}));
  BOOST_TEST((record(high).priority == task_priority::high));
}

BOOST_AUTO_TEST_CASE(a_claim_takes_no_more_than_asked_and_only_its_kinds) {
  for (int i = 0; i < 3; ++i)
    enqueue(work());
  auto other = enqueue(work("other"));
  BOOST_TEST(claim(0).empty());
  BOOST_TEST(claim(2).size() == 2u);
  BOOST_TEST(claim(5, {"unknown"}).empty());
  BOOST_TEST((claim(5, {"other"}).at(0).id == other));
  BOOST_TEST(claim(5).size() == 1u);
}

// Two lanes would otherwise offer the same task twice.
BOOST_AUTO_TEST_CASE(a_kind_named_twice_gives_its_tasks_once) {
  enqueue(work());
  BOOST_TEST(claim(5, {"work", "work"}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_task_with_a_time_to_come_is_scheduled_until_it_is_due) {
  auto spec = work();
  spec.run_at_ms = now + 50;
  auto id = enqueue(spec);
  BOOST_TEST((state(id) == task_state::scheduled));
  BOOST_TEST(record(id).run_at_ms.value() == now + 50);
  BOOST_TEST(was_announced(topic::task_ready, now + 50));
  auto due = [&] { return write([&](auto& tx) { return storage::promote_due_tasks(tx, now); }); };
  now += 49;
  BOOST_TEST(due().value() == now + 1);
  BOOST_TEST((state(id) == task_state::scheduled));
  now += 1;
  BOOST_TEST(!due());
  BOOST_TEST((state(id) == task_state::ready));
  BOOST_TEST(was_announced(topic::task_ready, 0));
}

BOOST_AUTO_TEST_CASE(a_time_that_has_passed_means_at_once) {
  auto spec = work();
  spec.run_at_ms = now;
  BOOST_TEST((state(enqueue(spec)) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(due_tasks_are_promoted_up_to_the_limit_and_the_rest_is_announced) {
  auto spec = work();
  spec.run_at_ms = now + 5;
  for (int i = 0; i < 3; ++i)
    enqueue(spec);
  now += 10;
  auto next = write([&](auto& tx) { return storage::promote_due_tasks(tx, now, 2); });
  BOOST_TEST(next.value() == now - 5);
  BOOST_TEST(claim(5).size() == 2u);
  auto snapshot = view();
  BOOST_TEST(storage::next_due_time(snapshot).value() == now - 5);
}

BOOST_AUTO_TEST_CASE(a_success_ends_the_task_and_keeps_its_output) {
  auto id = enqueue(work());
  auto task = claim_one();
  now += 7;
  auto outcome = task_outcome::success(R"([1])");
  outcome.detail = R"({"exit":0})";
  auto end = finish(task, outcome);
  BOOST_TEST(end.accepted);
  BOOST_TEST((end.state == task_state::completed));
  BOOST_TEST(was_announced(topic::task_finished, id.value));
  auto all = details(id);
  BOOST_TEST(all.output == "[1]");
  BOOST_TEST(all.detail == R"({"exit":0})");
  BOOST_TEST(all.payload == "{}");
  BOOST_TEST(all.task.finished_at_ms.value() == now);
  BOOST_TEST(all.task.error.empty());
  BOOST_REQUIRE(all.attempts.size() == 1u);
  BOOST_TEST(all.attempts[0].outcome == "completed");
  BOOST_TEST(all.attempts[0].started_at_ms == now - 7);
  BOOST_TEST(all.attempts[0].ended_at_ms == now);
}

BOOST_AUTO_TEST_CASE(a_partial_success_keeps_output_and_reason) {
  auto id = enqueue(work());
  finish(claim_one(), task_outcome::partial("[1]", "half of it is missing"));
  BOOST_TEST((state(id) == task_state::partial_success));
  BOOST_TEST(details(id).output == "[1]");
  BOOST_TEST(record(id).error == "half of it is missing");
}

BOOST_AUTO_TEST_CASE(a_failed_attempt_is_repeated_at_its_time_until_attempts_are_used_up) {
  auto spec = work();
  spec.retry.attempts_max = 2;
  auto id = enqueue(spec);
  auto outcome = task_outcome::failure("no network");
  outcome.detail = R"({"exit":1})";
  auto first = finish(claim_one(), outcome, now + 30);
  BOOST_TEST((first.state == task_state::retryable));
  BOOST_TEST(was_announced(topic::task_ready, now + 30));
  BOOST_TEST(!was_announced(topic::task_finished, id.value));
  BOOST_TEST(details(id).detail == R"({"exit":1})");
  BOOST_TEST(claim(1).empty());
  now += 30;
  write([&](auto& tx) { return storage::promote_due_tasks(tx, now); });
  auto second = finish(claim_one(), task_outcome::failure("still no network"), now + 30);
  BOOST_TEST((second.state == task_state::failed));
  auto all = details(id);
  BOOST_TEST(all.task.error == "still no network");
  BOOST_TEST((all.task.error_kind == error_class::transient));
  BOOST_TEST(all.task.attempt == 2);
  BOOST_TEST(all.attempts.size() == 2u);
  BOOST_TEST(all.attempts[0].outcome == "failed");
  BOOST_TEST(all.detail.empty()); // That of the first attempt says nothing about the second.
}

BOOST_AUTO_TEST_CASE(permanent_and_poison_errors_are_not_repeated) {
  for (auto kind : {error_class::permanent, error_class::poison}) {
    auto id = enqueue(work());
    auto end = finish(claim_one(), task_outcome::failure("bad input", kind), now + 30);
    BOOST_TEST((end.state == task_state::failed));
    BOOST_TEST((record(id).error_kind == kind));
  }
}

BOOST_AUTO_TEST_CASE(a_released_task_is_ready_again_and_keeps_its_attempt) {
  auto id = enqueue(work());
  auto end = finish(claim_one(), task_outcome::released("shutdown"));
  BOOST_TEST(end.accepted);
  BOOST_TEST((end.state == task_state::ready));
  BOOST_TEST(was_announced(topic::task_ready, 0));
  BOOST_TEST(record(id).attempt == 0);
  BOOST_TEST(record(id).error.empty());
  BOOST_TEST(details(id).attempts.at(0).outcome == "released");
  auto again = claim_one();
  BOOST_TEST(again.attempt == 1);
  BOOST_TEST(again.epoch == 2);
}

BOOST_AUTO_TEST_CASE(a_claim_that_was_taken_away_writes_nothing) {
  auto id = enqueue(work());
  auto old = claim_one();
  reboot();
  auto task = claim_one();
  BOOST_TEST(task.epoch == old.epoch + 1);
  for (auto& outcome : {task_outcome::success("[1]"), task_outcome::failure("x"),
                        task_outcome::partial("[1]", "x"), task_outcome::released("x")}) {
    auto end = finish(old, outcome);
    BOOST_TEST(!end.accepted);
    BOOST_TEST((end.state == task_state::running));
    BOOST_TEST(events.empty());
  }
  BOOST_TEST(finish(task, task_outcome::success("[2]")).accepted);
  BOOST_TEST(details(id).output == "[2]");
  // Nor does the same result count twice.
  BOOST_TEST(!finish(task, task_outcome::success("[3]")).accepted);
  BOOST_TEST(details(id).output == "[2]");
  BOOST_TEST(!finish({task_id{999}, 1, 1, 1, {}, {}, {}, {}}, task_outcome::success()).accepted);
}

BOOST_AUTO_TEST_CASE(the_history_says_who_ran_an_attempt_and_why_it_failed) {
  auto task = enqueue(work());
  finish(claim_one(), task_outcome::failure("no luck", error_class::dependency_down));
  now += 1;
  write([&](auto& tx) { storage::promote_due_tasks(tx, now); });
  claim_one();
  reboot();
  finish(claim_one(), task_outcome::success());
  auto attempts = details(task).attempts;
  BOOST_REQUIRE(attempts.size() == 3u);
  BOOST_TEST((attempts[0].error_kind == error_class::dependency_down));
  BOOST_TEST(attempts[0].boot == 1);
  BOOST_TEST(attempts[1].outcome == "crashed");
  BOOST_TEST((attempts[1].error_kind == error_class::lost));
  BOOST_TEST(attempts[1].boot == 1);
  BOOST_TEST((attempts[2].error_kind == error_class::none));
  BOOST_TEST(attempts[2].boot == 2);
  auto at_once = enqueue(work());
  finish(claim_one(), task_outcome::success());
  BOOST_TEST(details(at_once).attempts.at(0).boot == 2);
}

BOOST_AUTO_TEST_CASE(all_that_waits_is_pending) {
  auto later = work();
  later.run_at_ms = now + 1000;
  auto scheduled = enqueue(later);
  enqueue(gated("g"));
  auto blocked = enqueue(gated("g"));
  auto whole = work("whole");
  whole.subtasks = {work("part")};
  auto created = enqueue(whole);
  finish(claim_one(), task_outcome::success());
  claim_one(); // The one that was blocked.
  std::vector<std::int64_t> ids;
  task_filter filter;
  filter.pending = true;
  auto snapshot = view();
  for (auto& task : storage::list_tasks(snapshot, filter))
    ids.push_back(task.id.value);
  BOOST_TEST(ids == (std::vector{scheduled.value, created.value, created.value + 1}),
             boost::test_tools::per_element());
  auto status = [&](task_id task) {
    return view().query_scalar<std::string>("SELECT status FROM quire_tasks WHERE id = ?1", task.value);
  };
  BOOST_TEST(status(created) == "pending");
  BOOST_TEST(status(blocked) == "running");
  BOOST_TEST(status(task_id{blocked.value - 1}) == "completed");
}

BOOST_AUTO_TEST_CASE(a_head_start_counts_beside_that_of_the_priority) {
  auto with_start = [&](task_priority priority, int minutes) {
    auto spec = work();
    spec.priority = priority;
    spec.head_start = std::chrono::minutes{minutes};
    return enqueue(spec);
  };
  auto high = with_start(task_priority::high, 0);
  auto eleven = with_start(task_priority::normal, 11);
  auto late = with_start(task_priority::normal, -1);
  auto plain = with_start(task_priority::normal, 0);
  std::vector<std::int64_t> order;
  for (auto& task : claim(4))
    order.push_back(task.id.value);
  BOOST_TEST(order == (std::vector{eleven.value, high.value, plain.value, late.value}),
             boost::test_tools::per_element());
  BOOST_TEST(details(eleven).head_start.count() == 11);
  auto far = work();
  far.head_start = std::chrono::hours{7 * 24 + 1};
  BOOST_TEST(tests::fails_with(errc::invalid_argument, [&] { enqueue(far); }));
}

BOOST_AUTO_TEST_CASE(a_gate_lets_as_many_run_as_its_capacity_says) {
  for (int i = 0; i < 4; ++i)
    enqueue(gated("g", 2));
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 2") == 2);
  auto running = claim(4);
  BOOST_REQUIRE(running.size() == 2u);
  // The place of the first goes to the oldest that waits.
  finish(running[0], task_outcome::success());
  BOOST_TEST(was_announced(topic::task_ready, 0));
  auto next = claim(4);
  BOOST_REQUIRE(next.size() == 1u);
  BOOST_TEST(next[0].id.value == 3);
  BOOST_TEST(number("SELECT used FROM quire_gate") == 2);
}

BOOST_AUTO_TEST_CASE(a_place_goes_to_the_most_urgent_that_waits) {
  enqueue(gated("g"));
  enqueue(gated("g"));
  auto spec = gated("g");
  spec.priority = task_priority::urgent;
  auto urgent = enqueue(spec);
  finish(claim_one(), task_outcome::success());
  BOOST_TEST((claim_one().id == urgent));
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_for_its_next_attempt_gives_its_place_away) {
  auto first = enqueue(gated("g"));
  auto second = enqueue(gated("g"));
  finish(claim_one(), task_outcome::failure("x"), now + 10);
  BOOST_TEST((state(second) == task_state::ready));
  now += 10;
  write([&](auto& tx) { return storage::promote_due_tasks(tx, now); });
  BOOST_TEST((state(first) == task_state::blocked));
  finish(claim_one(), task_outcome::success());
  BOOST_TEST((state(first) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(a_released_task_keeps_its_place) {
  auto first = enqueue(gated("g"));
  auto second = enqueue(gated("g"));
  finish(claim_one(), task_outcome::released("shutdown"));
  BOOST_TEST((state(first) == task_state::ready));
  BOOST_TEST((state(second) == task_state::blocked));
  BOOST_TEST(number("SELECT used FROM quire_gate") == 1);
}

// Promoted together, they must not pass the gate by the order of their times.
BOOST_AUTO_TEST_CASE(of_tasks_due_together_the_most_urgent_passes_the_gate) {
  auto spec = gated("g");
  spec.run_at_ms = now + 1;
  auto early = enqueue(spec);
  spec.run_at_ms = now + 2;
  spec.priority = task_priority::urgent;
  auto urgent = enqueue(spec);
  now += 5;
  write([&](auto& tx) { return storage::promote_due_tasks(tx, now); });
  BOOST_TEST((state(urgent) == task_state::ready));
  BOOST_TEST((state(early) == task_state::blocked));
}

BOOST_AUTO_TEST_CASE(the_first_capacity_of_a_gate_stays) {
  enqueue(gated("g", 1));
  enqueue(gated("g", 5));
  BOOST_TEST(claim(5).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_field_outside_of_its_limits_is_refused_by_name) {
  auto refuses = [&](const char* field, auto change) {
    auto spec = work();
    change(spec);
    auto failure = tests::failure_of([&] { enqueue(spec); });
    BOOST_REQUIRE(failure);
    BOOST_TEST((failure->code() == errc::invalid_argument));
    BOOST_TEST(tests::contains(failure->what(), field), failure->what());
  };
  refuses("kind", [](auto& x) { x.kind.clear(); });
  refuses("kind", [](auto& x) { x.kind.assign(101, 'k'); });
  refuses("queue", [](auto& x) { x.queue.clear(); });
  refuses("payload", [](auto& x) { x.payload.assign((std::size_t{64} << 20) + 1, ' '); });
  refuses("priority", [](auto& x) { x.priority = static_cast<task_priority>(4); });
  refuses("retry.attempts_max", [](auto& x) { x.retry.attempts_max = 0; });
  refuses("retry.attempts_max", [](auto& x) { x.retry.attempts_max = 1001; });
  refuses("retry.base", [](auto& x) { x.retry.base = -1ms; });
  refuses("retry.factor", [](auto& x) { x.retry.factor = 0.5; });
  refuses("retry.cap", [](auto& x) { x.retry.cap = -1ms; });
  refuses("retry.jitter", [](auto& x) { x.retry.jitter = 1.5; });
  refuses("timeout", [](auto& x) { x.timeout = -1ms; });
  refuses("run_at", [](auto& x) { x.run_at_ms = -1; });
  refuses("gate_capacity", [](auto& x) { x.gate_capacity = 0; });
  refuses("gate_capacity", [](auto& x) { x.gate_capacity = 100'001; });
  refuses("crashes_max", [](auto& x) { x.crashes_max = -1; });
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 0);
}

BOOST_AUTO_TEST_CASE(a_list_shows_what_matches_by_id_and_page) {
  auto spec = work("other");
  spec.queue = "q";
  spec.priority = task_priority::high;
  spec.gate = "g";
  for (int i = 0; i < 3; ++i)
    enqueue(work());
  auto other = enqueue(spec);
  finish(claim_one(), task_outcome::success());
  auto snapshot = view();
  auto list = [&](const task_filter& filter) { return storage::list_tasks(snapshot, filter); };
  BOOST_TEST(list({}).size() == 4u);
  task_filter filter;
  filter.state = task_state::completed;
  BOOST_TEST(list(filter).size() == 1u);
  filter = {};
  filter.kind = "other";
  BOOST_REQUIRE(list(filter).size() == 1u);
  auto found = list(filter)[0];
  BOOST_TEST((found.id == other));
  BOOST_TEST(found.queue == "q");
  BOOST_TEST((found.priority == task_priority::high));
  BOOST_TEST(found.gate == "g");
  BOOST_TEST(found.item == -1);
  BOOST_TEST(!found.run);
  BOOST_TEST(!found.run_at_ms);
  filter = {};
  filter.after = task_id{1};
  filter.limit = 2;
  auto page = list(filter);
  BOOST_REQUIRE(page.size() == 2u);
  BOOST_TEST(page[0].id.value == 2);
  BOOST_TEST(page[1].id.value == 3);
  auto counts = storage::count_tasks_by_state(snapshot);
  BOOST_REQUIRE(counts.size() == 2u);
  BOOST_TEST((counts[0] == std::pair{task_state::ready, std::int64_t{3}}));
  BOOST_TEST((counts[1] == std::pair{task_state::completed, std::int64_t{1}}));
  BOOST_TEST(!storage::find_task(snapshot, task_id{99}));
}

BOOST_AUTO_TEST_SUITE_END()

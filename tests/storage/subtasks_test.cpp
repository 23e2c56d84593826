#include "quire/storage/sqlite/subtasks.hpp"

#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/invariants.hpp"
#include "quire/storage/sqlite/kind_store.hpp"
#include "quire/storage/sqlite/task_bulk.hpp"
#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace quire;
using namespace std::chrono_literals;
using topic = event::topic;

namespace {

const auto good = task_outcome::success("7");
const auto bad = task_outcome::failure("it broke", error_class::permanent);

struct family_fixture : tests::store_fixture {
  /// A task of the kind `whole` with `count` subtasks of the kind `part`.
  static task_spec family(int count) {
    auto spec = work("whole");
    for (int i = 0; i < count; ++i)
      spec.subtasks.push_back(work("part"));
    return spec;
  }

  static task_id nth_part(task_id parent, int number) { return task_id{parent.value + 1 + number}; }

  task_assignment claim_part() { return claim(1, {"part"}).at(0); }

  void finish_parts(int count, const task_outcome& outcome) {
    for (int i = 0; i < count; ++i)
      finish(claim_part(), outcome);
  }

  subtask_counts counts(task_id parent) {
    auto snapshot = view();
    return storage::count_subtasks(snapshot, parent);
  }

  std::vector<subtask_result> results(task_id parent) {
    auto snapshot = view();
    return storage::subtask_results(snapshot, parent);
  }

  void refuse(const task_spec& spec, const std::string& word) {
    auto says_why = [&](const storage::error& e) {
      return e.code() == errc::invalid_argument
             && std::string{e.what()}.find(word) != std::string::npos;
    };
    BOOST_CHECK_EXCEPTION(enqueue(spec), storage::error, says_why);
    BOOST_TEST(number("SELECT count(*) FROM quire_task") == 0);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(subtasks, family_fixture)

BOOST_AUTO_TEST_CASE(a_task_is_created_with_its_subtasks_and_waits_for_them) {
  auto parent = enqueue(family(2));
  BOOST_TEST((state(parent) == task_state::created));
  BOOST_TEST(record(parent).subtasks == 2);
  BOOST_TEST(record(parent).subtasks_open == 2);
  BOOST_TEST(record(nth_part(parent, 1)).parent.value == parent.value);
  BOOST_TEST(claim(9, {"whole"}).empty());
  finish(claim_part(), good);
  BOOST_TEST((state(parent) == task_state::created));
  finish(claim_part(), bad);
  BOOST_TEST((state(parent) == task_state::ready));
  BOOST_TEST(was_announced(topic::task_ready, 0));
  auto whole = claim(1, {"whole"}).at(0);
  BOOST_TEST((whole.subtasks == subtask_counts{.completed = 1, .failed = 1}));
  BOOST_TEST((finish(whole, good).state == task_state::completed));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_CASE(what_came_of_subtasks_is_told_in_their_order) {
  auto parent = enqueue(family(3));
  finish(claim_part(), good);
  finish(claim_part(), bad);
  cancel(nth_part(parent, 2), "not needed");
  auto all = results(parent);
  BOOST_REQUIRE(all.size() == 3u);
  BOOST_TEST(all[0].output == "7");
  BOOST_TEST(all[0].kind == "part");
  BOOST_TEST((all[1].state == task_state::failed));
  BOOST_TEST(all[1].error == "it broke");
  BOOST_TEST(all[2].error == "not needed");
  BOOST_TEST((counts(parent) == subtask_counts{.completed = 1, .failed = 1, .cancelled = 1}));
}

BOOST_AUTO_TEST_CASE(subtasks_have_subtasks_of_their_own) {
  auto spec = family(1);
  spec.subtasks[0].subtasks = {work("leaf"), work("leaf")};
  auto parent = enqueue(spec);
  BOOST_TEST(claim(9, {"part", "whole"}).empty());
  for (auto& leaf : claim(9, {"leaf"}))
    finish(leaf, good);
  BOOST_TEST((state(parent) == task_state::created));
  finish(claim_part(), good);
  BOOST_TEST((state(parent) == task_state::ready));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_CASE(all_are_created_or_none) {
  auto spec = family(2);
  spec.subtasks[1].kind = "";
  refuse(spec, "was not created: subtasks[1]: kind must be");
  spec = family(2);
  spec.subtasks[1].unique.key = "k";
  refuse(spec, "subtasks[1]: a subtask must not have a unique key");
  spec = family(2);
  spec.subtasks[1].subtasks = {work(), work(), work("")};
  refuse(spec, "was not created: subtasks[1]: subtasks[2]: kind must be");
  refuse(family(1001), "1000 subtasks");
  spec = work();
  for (auto* last = &spec; last->kind != "9"; last = &last->subtasks.front())
    last->subtasks.push_back(work(last->kind == "work" ? "1" : std::string(1, static_cast<char>(last->kind[0] + 1))));
  refuse(spec, "8 levels");
  spec = family(1);
  spec.unique = {.key = "k", .found = on_duplicate::replace};
  refuse(spec, "replaces");
}

BOOST_AUTO_TEST_CASE(its_time_begins_when_it_may_start) {
  auto spec = family(1);
  spec.start_within = 10s;
  spec.run_at_ms = now + 5000;
  auto parent = enqueue(spec);
  now += 20'000;
  write([&](auto& tx) { storage::expire_tasks(tx, now); });
  BOOST_TEST((state(parent) == task_state::created));
  finish_parts(1, good);
  BOOST_TEST((state(parent) == task_state::ready));
  BOOST_TEST(record(parent).expires_at_ms.value() == now + 10'000);
}

BOOST_AUTO_TEST_CASE(one_whose_time_is_to_come_is_scheduled_then) {
  auto spec = family(1);
  spec.run_at_ms = now + 5000;
  auto parent = enqueue(spec);
  finish_parts(1, good);
  BOOST_TEST((state(parent) == task_state::scheduled));
  BOOST_TEST(was_announced(topic::task_ready, now + 5000));
  now += 5000;
  write([&](auto& tx) { storage::promote_due_tasks(tx, now); });
  BOOST_TEST((state(parent) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(it_takes_its_place_in_its_gate_when_it_may_start) {
  auto spec = family(1);
  spec.gate = "g";
  auto first = enqueue(spec);
  auto second = enqueue(spec);
  BOOST_TEST(number("SELECT count(*) FROM quire_gate") == 0);
  finish_parts(2, good);
  BOOST_TEST((state(first) == task_state::ready));
  BOOST_TEST((state(second) == task_state::blocked));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_CASE(cancelling_it_cancels_its_subtasks) {
  auto spec = family(2);
  spec.subtasks[1].subtasks = {work("leaf")};
  auto parent = enqueue(spec);
  auto running = claim_part();
  BOOST_TEST((cancel(parent) == task_state::cancelled));
  BOOST_TEST(was_announced(topic::task_cancel, running.id.value));
  BOOST_TEST((state(nth_part(parent, 1)) == task_state::cancelled));
  BOOST_TEST((state(task_id{parent.value + 3}) == task_state::cancelled));
  BOOST_TEST(record(parent).subtasks_open == 1);
  finish(running, task_outcome::cancelled("stopped"));
  BOOST_TEST(record(parent).subtasks_open == 0);
  BOOST_TEST((state(parent) == task_state::cancelled));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_CASE(starting_it_again_starts_those_again_that_did_not_succeed) {
  auto parent = enqueue(family(3));
  finish(claim_part(), good);
  finish(claim_part(), bad);
  finish(claim_part(), task_outcome::partial("1", "half of it"));
  finish(claim(1, {"whole"}).at(0), bad);
  BOOST_TEST((retry(parent) == task_state::created));
  BOOST_TEST(record(parent).subtasks_open == 1);
  BOOST_TEST((state(nth_part(parent, 0)) == task_state::completed));
  BOOST_TEST((state(nth_part(parent, 1)) == task_state::ready));
  BOOST_TEST((state(nth_part(parent, 2)) == task_state::partial_success));
  BOOST_TEST(wrong() == std::set<std::string>{});
  finish_parts(1, good);
  auto whole = claim(1, {"whole"}).at(0);
  BOOST_TEST((whole.subtasks == subtask_counts{.completed = 2, .partial_success = 1}));
  finish(whole, bad);
  // Nothing is left to be done again but itself.
  BOOST_TEST((retry(parent) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(a_subtask_that_starts_again_keeps_its_task_waiting_if_it_still_waits) {
  auto parent = enqueue(family(2));
  finish(claim_part(), bad);
  retry(nth_part(parent, 0));
  BOOST_TEST(record(parent).subtasks_open == 2);
  finish_parts(2, good);
  BOOST_TEST((state(parent) == task_state::ready));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_CASE(a_subtask_that_starts_again_later_disturbs_nobody) {
  auto parent = enqueue(family(1));
  finish_parts(1, bad);
  auto whole = claim(1, {"whole"}).at(0);
  retry(nth_part(parent, 0));
  BOOST_TEST((finish(whole, good).state == task_state::completed));
  finish_parts(1, good);
  BOOST_TEST((state(parent) == task_state::completed));
  BOOST_TEST(record(parent).subtasks_open == 0);
  BOOST_TEST(wrong() == std::set<std::string>{});
}

// What is known to be down is not tried; the rest is done, and the task judges.
BOOST_AUTO_TEST_CASE(a_subtask_whose_service_is_down_fails_at_once_and_the_others_run) {
  write([&](auto& tx) {
    storage::put_breaker(tx, "api", {.mode = breaker_mode::fail}, now);
    storage::set_kind_policy(tx, "remote", {{}, {}, "api"}, now);
    storage::open_breaker(tx, "api", now);
  });
  auto spec = family(1);
  spec.subtasks.push_back(work("remote"));
  enqueue(spec);
  auto claimed = claim(9, {"part", "remote"});
  BOOST_REQUIRE(claimed.size() == 1u);
  finish(claimed[0], good);
  auto whole = claim(1, {"whole"}).at(0);
  BOOST_TEST((whole.subtasks == subtask_counts{.completed = 1, .failed = 1}));
  BOOST_TEST(results(whole.id)[1].error == "the circuit breaker 'api' was open");
}

BOOST_AUTO_TEST_CASE(a_process_that_dies_takes_none_of_them_with_it) {
  auto parent = enqueue(family(2));
  claim_part();
  reboot();
  BOOST_TEST((state(parent) == task_state::created));
  finish_parts(2, good);
  claim(1, {"whole"});
  reboot();
  BOOST_TEST((state(parent) == task_state::ready));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_CASE(subtasks_stay_as_long_as_their_task) {
  auto parent = enqueue(family(2));
  finish_parts(2, good);
  now += 1000;
  auto prune = [&] { return write([&](auto& tx) { return storage::prune_tasks(tx, now); }); };
  BOOST_TEST(prune() == 0);
  finish(claim(1, {"whole"}).at(0), good);
  now += 1000;
  BOOST_TEST(prune() == 3);
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 0);
  BOOST_TEST(number("SELECT count(*) FROM quire_task_body") == 0);
  (void)parent;
}

BOOST_AUTO_TEST_CASE(a_task_stays_while_a_subtask_of_it_runs) {
  auto parent = enqueue(family(1));
  auto running = claim_part();
  cancel(parent);
  now += 1000;
  auto prune = [&] { return write([&](auto& tx) { return storage::prune_tasks(tx, now); }); };
  BOOST_TEST(prune() == 0);
  finish(running, good);
  // What ended just now is kept as long as what ends now.
  BOOST_TEST(prune() == 0);
  now += 1000;
  BOOST_TEST(prune() == 2);
}

BOOST_AUTO_TEST_CASE(a_family_stays_while_anything_in_it_was_started_again) {
  auto spec = family(1);
  spec.subtasks[0].subtasks = {work("leaf")};
  auto parent = enqueue(spec);
  finish(claim(1, {"leaf"}).at(0), bad);
  finish_parts(1, good);
  finish(claim(1, {"whole"}).at(0), good);
  retry(task_id{parent.value + 2});
  now += 1000;
  auto prune = [&] { return write([&](auto& tx) { return storage::prune_tasks(tx, now); }); };
  BOOST_TEST(prune() == 0);
  finish(claim(1, {"leaf"}).at(0), good);
  BOOST_TEST(prune() == 0);
  now += 1000;
  BOOST_TEST(prune() == 3);
}

BOOST_AUTO_TEST_CASE(a_task_that_has_not_begun_waits_for_a_subtask_that_starts_again) {
  auto spec = family(1);
  spec.gate = "g";
  spec.start_within = 10s;
  auto parent = enqueue(spec);
  finish_parts(1, bad);
  auto next = work("whole");
  next.gate = "g";
  auto other = enqueue(next);
  BOOST_TEST((state(parent) == task_state::ready));
  BOOST_TEST((state(other) == task_state::blocked));
  retry(nth_part(parent, 0));
  BOOST_TEST((state(parent) == task_state::created));
  BOOST_TEST((state(other) == task_state::ready));
  BOOST_TEST(!record(parent).expires_at_ms.has_value());
  BOOST_TEST(wrong() == std::set<std::string>{});
  // Cancelling it takes that one along again.
  cancel(parent);
  BOOST_TEST((state(nth_part(parent, 0)) == task_state::cancelled));
}

BOOST_AUTO_TEST_CASE(a_task_between_two_attempts_waits_for_a_subtask_that_starts_again) {
  auto spec = family(1);
  auto parent = enqueue(spec);
  finish_parts(1, bad);
  finish(claim(1, {"whole"}).at(0), task_outcome::failure("one is missing"), now + 500);
  BOOST_TEST((state(parent) == task_state::retryable));
  retry(nth_part(parent, 0));
  now += 1000;
  write([&](auto& tx) { storage::promote_due_tasks(tx, now); });
  BOOST_TEST((state(parent) == task_state::created));
  finish_parts(1, good);
  auto again = claim(1, {"whole"}).at(0);
  BOOST_TEST(again.attempt == 2);
  BOOST_TEST((again.subtasks == subtask_counts{.completed = 1}));
}

BOOST_AUTO_TEST_CASE(a_task_that_runs_waits_before_its_next_attempt) {
  auto spec = family(1);
  spec.gate = "g";
  spec.end_within = 60s;
  for (bool dies : {false, true}) {
    auto parent = enqueue(spec);
    finish_parts(1, bad);
    auto whole = claim(1, {"whole"}).at(0);
    auto end_by = number("SELECT end_by FROM quire_task WHERE id = " + std::to_string(parent.value));
    retry(nth_part(parent, 0));
    if (dies)
      BOOST_TEST(reboot().recovered == 1);
    else
      BOOST_TEST((finish(whole, task_outcome::failure("one is missing"), now + 500).state
                  == task_state::created));
    BOOST_TEST((state(parent) == task_state::created));
    BOOST_TEST(wrong() == std::set<std::string>{});
    finish_parts(1, good);
    BOOST_TEST((state(parent) == (dies ? task_state::ready : task_state::retryable)));
    // What has begun has no more time for it.
    if (!dies)
      BOOST_TEST(record(parent).expires_at_ms.value() == end_by);
    now += 1000;
    write([&](auto& tx) { storage::promote_due_tasks(tx, now); });
    finish(claim(1, {"whole"}).at(0), good);
    BOOST_TEST(wrong() == std::set<std::string>{});
  }
}

BOOST_AUTO_TEST_CASE(families_that_stay_are_not_in_the_way_of_what_goes) {
  std::vector<task_id> parents;
  for (int i = 0; i < 3; ++i)
    parents.push_back(enqueue(family(1)));
  finish_parts(3, bad);
  for (auto& whole : claim(3, {"whole"}))
    finish(whole, good);
  for (auto parent : parents)
    retry(nth_part(parent, 0));
  now += 1;
  enqueue(work());
  finish(claim_one(), good);
  now += 1000;
  BOOST_TEST(write([&](auto& tx) { return storage::prune_tasks(tx, now, 3); }) == 1);
}

BOOST_AUTO_TEST_CASE(a_family_whose_cancel_is_under_way_does_not_start_again) {
  auto parent = enqueue(family(2));
  auto running = claim_part();
  cancel(parent);
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { retry(parent); }));
  BOOST_TEST((state(parent) == task_state::cancelled));
  finish(running, task_outcome::cancelled("stopped"));
  BOOST_TEST((retry(parent) == task_state::created));
  BOOST_TEST(record(parent).subtasks_open == 2);
}

BOOST_AUTO_TEST_CASE(a_task_with_subtasks_is_replaced_by_a_new_one) {
  auto spec = family(1);
  spec.unique.key = "k";
  auto parent = enqueue(spec);
  finish_parts(1, good);
  auto other = work("whole");
  other.unique = {.key = "k", .found = on_duplicate::replace};
  auto next = enqueue(other);
  BOOST_TEST(next.value != parent.value);
  BOOST_TEST(record(next).subtasks == 0);
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_for_its_subtasks_is_not_replaced) {
  auto spec = family(1);
  spec.unique.key = "k";
  auto parent = enqueue(spec);
  BOOST_TEST(enqueue(spec).value == parent.value);
  auto other = work("whole");
  other.unique = {.key = "k", .found = on_duplicate::replace};
  BOOST_TEST(enqueue(other).value != parent.value);
  BOOST_TEST((state(parent) == task_state::created));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_CASE(subtasks_are_listed_counted_and_changed_by_their_task) {
  enqueue(family(2));
  auto parent = enqueue(family(3));
  task_filter filter;
  filter.parent = parent;
  auto snapshot = view();
  BOOST_TEST(storage::list_tasks(snapshot, filter).size() == 3u);
  BOOST_TEST(storage::count_tasks(snapshot, filter).cancellable == 3);
  auto bounded = storage::within_bounds(snapshot, filter);
  auto done = write([&](auto& tx) { return storage::cancel_tasks(tx, bounded, "all", now, 100); });
  BOOST_TEST(done.changes.changed == 3);
  BOOST_TEST((state(parent) == task_state::ready));
}

BOOST_AUTO_TEST_CASE(tasks_of_schedules_and_stages_have_none) {
  schedule_spec schedule;
  schedule.name = "s";
  schedule.spec = "@hourly";
  schedule.task = family(1);
  auto refused = [](const storage::error& e) { return e.code() == errc::invalid_argument; };
  BOOST_CHECK_EXCEPTION(write([&](auto& tx) { storage::put_schedule(tx, schedule, now); }),
                        storage::error, refused);
  BOOST_CHECK_EXCEPTION(
    write([&](auto& tx) {
      auto spec = family(1);
      storage::enqueue_stage_tasks(tx, {&spec, 1}, stage_id{1}, 0, now);
    }),
    storage::error, refused);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_the_count_is_repaired) {
  auto parent = enqueue(family(2));
  auto* rule = storage::find_invariant("subtask_counts");
  auto repair = [&] { write([&](auto& tx) { rule->repair(tx, now); }); };
  db.execute("UPDATE quire_task SET subtasks_open = 7 WHERE subtasks_open = 2");
  repair();
  BOOST_TEST(record(parent).subtasks_open == 2);
  finish_parts(1, good);
  db.execute("UPDATE quire_task SET subtasks_open = 9 WHERE subtasks_open = 1");
  finish_parts(1, good);
  BOOST_TEST((state(parent) == task_state::created));
  repair();
  BOOST_TEST((state(parent) == task_state::ready));
  BOOST_TEST(wrong() == std::set<std::string>{});
}

BOOST_AUTO_TEST_SUITE_END()

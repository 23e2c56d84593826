#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;
using topic = event::topic;

namespace {

struct key_fixture : tests::store_fixture {
  static task_spec keyed(std::string key, on_duplicate found = on_duplicate::existing) {
    auto spec = work();
    spec.unique.key = std::move(key);
    spec.unique.found = found;
    return spec;
  }

  enqueued_task put(const task_spec& spec) {
    return write([&](auto& tx) { return storage::put_task(tx, spec, now); });
  }

  std::int64_t keys() { return number("SELECT count(*) FROM quire_task_key"); }

  std::int64_t tasks() { return number("SELECT count(*) FROM quire_task"); }
};

} // namespace

// Unique keys of tasks.
BOOST_FIXTURE_TEST_SUITE(task_keys, key_fixture)

BOOST_AUTO_TEST_CASE(a_second_task_with_a_key_is_the_first_one_until_that_ends) {
  auto first = put(keyed("a"));
  BOOST_TEST(first.is_new);
  BOOST_TEST(record(first.id).unique_key == "a");
  auto same = [&] {
    auto again = put(keyed("a"));
    return !again.is_new && again.id == first.id;
  };
  BOOST_TEST(same());
  auto task = claim_one();
  BOOST_TEST(same());
  finish(task, task_outcome::failure("x"), now + 10);
  BOOST_TEST(same());
  now += 10;
  write([&](auto& tx) { return storage::promote_due_tasks(tx, now); });
  finish(claim_one(), task_outcome::success());
  BOOST_TEST(keys() == 0);
  auto next = put(keyed("a"));
  BOOST_TEST((next.is_new && next.id != first.id));
  BOOST_TEST(tasks() == 2);
}

// The shortest way to the end writes one statement: not for a task with a key.
BOOST_AUTO_TEST_CASE(every_end_of_a_task_frees_its_key) {
  auto ends = {
    +[](key_fixture& self, task_id) { self.finish(self.claim_one(), task_outcome::success()); },
    +[](key_fixture& self, task_id) {
      self.finish(self.claim_one(), task_outcome::failure("x", error_class::permanent));
    },
    +[](key_fixture& self, task_id) {
      self.finish(self.claim_one(), task_outcome::partial("[]", "x"));
    },
    +[](key_fixture& self, task_id id) { self.cancel(id); },
    +[](key_fixture& self, task_id id) {
      auto task = self.claim_one();
      self.cancel(id);
      self.finish(task, task_outcome::cancelled("x"));
    },
    +[](key_fixture& self, task_id) { // It is poison.
      self.claim_one();
      self.reboot();
    }};
  for (auto end : ends) {
    auto spec = keyed("a");
    spec.crashes_max = 1;
    auto id = put(spec).id;
    BOOST_TEST(keys() == 1);
    end(*this, id);
    BOOST_TEST(is_terminal(state(id)));
    BOOST_TEST(keys() == 0);
  }
}

BOOST_AUTO_TEST_CASE(keys_are_of_one_kind_and_of_all_queues) {
  auto elsewhere = keyed("a");
  elsewhere.queue = "slow";
  auto other = keyed("a");
  other.kind = "other";
  auto first = put(keyed("a"));
  BOOST_TEST(!put(elsewhere).is_new);
  BOOST_TEST(put(other).is_new);
  BOOST_TEST(put(keyed("A")).is_new);
  BOOST_TEST(put(work()).is_new);
  BOOST_TEST((record(first.id).queue == "default"));
}

BOOST_AUTO_TEST_CASE(a_key_that_is_kept_counts_after_the_end_even_of_a_task_that_is_deleted) {
  auto spec = keyed("a");
  spec.unique.kept_for = 1000ms;
  auto first = put(spec);
  finish(claim_one(), task_outcome::success());
  now += 999;
  BOOST_TEST((!put(spec).is_new && put(spec).id == first.id));
  write([&](auto& tx) { return storage::prune_tasks(tx, now); });
  BOOST_TEST(tasks() == 0);
  BOOST_TEST((!put(spec).is_new && put(spec).id == first.id));
  now += 1;
  BOOST_TEST(put(spec).is_new);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_kept_for_less_than_its_task_lives_counts_until_the_end) {
  auto spec = keyed("a");
  spec.unique.kept_for = 10ms;
  put(spec);
  now += 1000;
  BOOST_TEST(!put(spec).is_new);
  finish(claim_one(), task_outcome::success());
  BOOST_TEST(keys() == 0);
}

BOOST_AUTO_TEST_CASE(keys_that_count_no_more_are_forgotten_with_old_tasks) {
  auto spec = keyed("ended");
  spec.unique.kept_for = 1000ms;
  put(spec);
  finish(claim_one(), task_outcome::success());
  spec.unique.key = "open";
  put(spec);
  put(keyed("never kept"));
  auto prune = [&] { write([&](auto& tx) { return storage::prune_tasks(tx, now); }); };
  now += 999;
  prune();
  BOOST_TEST(keys() == 3);
  now += 1;
  prune();
  BOOST_TEST(keys() == 2);
  BOOST_TEST(!put(keyed("open")).is_new);
}

BOOST_AUTO_TEST_CASE(a_waiting_task_is_replaced_where_it_stands) {
  auto first = put(keyed("a"));
  put(work());
  auto spec = keyed("a", on_duplicate::replace);
  spec.payload = R"({"new": 1})";
  spec.queue = "slow";
  spec.retry.attempts_max = 9;
  now += 10;
  auto again = put(spec);
  BOOST_TEST((!again.is_new && again.id == first.id));
  BOOST_TEST(was_announced(topic::task_ready, 0));
  auto found = details(first.id);
  BOOST_TEST(
    (found.payload == spec.payload && found.task.queue == "slow" && found.task.attempts_max == 9));
  BOOST_TEST(!found.task.run_at_ms.has_value());
  BOOST_TEST((claim_one().id == first.id)); // It keeps its age.
}

// Debounce: each request puts the time off.
BOOST_AUTO_TEST_CASE(a_replaced_task_waits_for_its_new_time) {
  auto spec = keyed("a", on_duplicate::replace);
  spec.run_at_ms = now + 100;
  auto first = put(spec);
  for (int i = 0; i < 3; ++i) {
    now += 60;
    spec.run_at_ms = now + 100;
    BOOST_TEST(!put(spec).is_new);
    BOOST_TEST(was_announced(topic::task_ready, now + 100));
    write([&](auto& tx) { return storage::promote_due_tasks(tx, now); });
    BOOST_TEST((state(first.id) == task_state::scheduled));
  }
  now += 100;
  write([&](auto& tx) { return storage::promote_due_tasks(tx, now); });
  BOOST_TEST((claim_one().id == first.id));
}

BOOST_AUTO_TEST_CASE(a_replaced_task_forgets_its_failures) {
  auto first = put(keyed("a"));
  auto failed = task_outcome::failure("x");
  failed.detail = R"({"status": 1})";
  finish(claim_one(), failed, now + 1000);
  put(keyed("a", on_duplicate::replace));
  auto found = details(first.id);
  BOOST_TEST((found.task.state == task_state::ready && found.task.attempt == 0));
  BOOST_TEST(found.detail == "");
  BOOST_TEST(claim_one().attempt == 1);
}

BOOST_AUTO_TEST_CASE(a_replaced_task_changes_its_gate) {
  auto places = [&](const char* gate) {
    return number(std::string{"SELECT ifnull(sum(used), 0) FROM quire_gate WHERE gate = '"} + gate
                  + "'");
  };
  auto spec = keyed("a", on_duplicate::replace);
  spec.gate = "g";
  auto first = put(spec);
  auto behind = enqueue(gated("g"));
  BOOST_TEST((state(behind) == task_state::blocked));
  spec.gate = "h";
  put(spec);
  BOOST_TEST((state(first.id) == task_state::ready && state(behind) == task_state::ready));
  BOOST_TEST((places("g") == 1 && places("h") == 1));
  spec.gate = "g";
  put(spec);
  BOOST_TEST((state(first.id) == task_state::blocked));
  BOOST_TEST((places("g") == 1 && places("h") == 0));
}

BOOST_AUTO_TEST_CASE(a_running_task_is_not_replaced_but_loses_its_key) {
  auto first = put(keyed("a"));
  auto task = claim_one();
  auto second = put(keyed("a", on_duplicate::replace));
  BOOST_TEST((second.is_new && second.id != first.id));
  BOOST_TEST((put(keyed("a")).id == second.id));
  finish(task, task_outcome::success());
  BOOST_TEST((put(keyed("a")).id == second.id)); // It did not take the key of the other one along.
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_rejected_and_nothing_is_created) {
  put(keyed("a"));
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { put(keyed("a", on_duplicate::reject)); }));
  BOOST_TEST(tasks() == 1);
  BOOST_TEST(put(keyed("b", on_duplicate::reject)).is_new);
}

BOOST_AUTO_TEST_CASE(a_task_that_starts_again_needs_its_key) {
  auto first = put(keyed("a")).id;
  cancel(first);
  auto second = put(keyed("a")).id;
  BOOST_TEST(tests::fails_with(errc::conflict, [&] { retry(first); }));
  BOOST_TEST((state(first) == task_state::cancelled));
  cancel(second);
  BOOST_TEST((retry(first) == task_state::ready));
  BOOST_TEST((put(keyed("a")).id == first));
}

BOOST_AUTO_TEST_CASE(a_crash_does_not_free_the_key) {
  auto first = put(keyed("a")).id;
  claim_one();
  reboot();
  BOOST_TEST((put(keyed("a")).id == first));
}

BOOST_AUTO_TEST_CASE(what_is_outside_of_its_limits_is_refused) {
  auto wrong = [&](auto change) {
    auto spec = keyed("a");
    change(spec.unique);
    return tests::fails_with(errc::invalid_argument, [&] { put(spec); });
  };
  BOOST_TEST(wrong([](unique_key& x) { x.key = std::string(201, 'x'); }));
  BOOST_TEST(wrong([](unique_key& x) { x.kept_for = -1ms; }));
  BOOST_TEST(wrong([](unique_key& x) { x.found = static_cast<on_duplicate>(3); }));
  BOOST_TEST(wrong([](unique_key& x) { x = {"", 1ms, on_duplicate::existing}; }));
  BOOST_TEST(wrong([](unique_key& x) { x = {"a", 1ms, on_duplicate::replace}; }));
  BOOST_TEST(tasks() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/storage/sqlite/queue_store.hpp"

#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;
using topic = event::topic;

namespace {

struct queue_fixture : tests::store_fixture {
  static task_spec in(std::string queue, std::string kind = "work") {
    auto spec = work(std::move(kind));
    spec.queue = std::move(queue);
    return spec;
  }

  queue_record pause(const std::string& name) {
    return write([&](auto& tx) { return storage::pause_queue(tx, name, now); });
  }

  queue_record resume(const std::string& name) {
    return write([&](auto& tx) { return storage::resume_queue(tx, name); });
  }

  queue_record limit(const std::string& name, std::optional<int> most) {
    return write([&](auto& tx) { return storage::limit_queue(tx, name, most); });
  }

  std::vector<queue_record> queues() {
    auto snapshot = view();
    return storage::list_queues(snapshot);
  }

  /// The ids of the tasks that are claimed.
  std::vector<std::int64_t> claimed(std::size_t count, std::vector<std::string> kinds = {"work"}) {
    std::vector<std::int64_t> ids;
    for (auto& task : claim(count, std::move(kinds)))
      ids.push_back(task.id.value);
    return ids;
  }

  std::int64_t rows() { return number("SELECT count(*) FROM quire_queue"); }
};

using ids = std::vector<std::int64_t>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(queue_store, queue_fixture)

BOOST_AUTO_TEST_CASE(no_task_of_a_paused_queue_is_claimed_until_it_is_resumed) {
  enqueue(in("slow"));
  enqueue(in("fast"));
  now += 5;
  BOOST_TEST(pause("slow").paused_at_ms.value() == now);
  now += 5;
  BOOST_TEST(pause("slow").paused_at_ms.value() == now - 5); // Nothing new.
  BOOST_TEST(claimed(9) == (ids{2}), boost::test_tools::per_element());
  reboot();
  BOOST_TEST(claimed(9) == (ids{2}), boost::test_tools::per_element());
  BOOST_TEST(!resume("slow").paused_at_ms.has_value());
  BOOST_TEST(was_announced(topic::task_ready, 0));
  BOOST_TEST(claimed(9) == (ids{1}), boost::test_tools::per_element());
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_CASE(tasks_that_run_when_their_queue_is_paused_go_on) {
  enqueue(in("slow"));
  auto task = claim_one();
  pause("slow");
  BOOST_TEST((finish(task, task_outcome::success()).state == task_state::completed));
}

BOOST_AUTO_TEST_CASE(a_queue_is_paused_before_it_has_tasks) {
  pause("later");
  enqueue(in("later"));
  BOOST_TEST(claimed(9).empty());
  BOOST_TEST(queues().size() == 1u);
}

BOOST_AUTO_TEST_CASE(no_more_tasks_of_a_queue_run_than_its_limit_over_all_kinds) {
  for (int i = 0; i < 3; ++i) {
    enqueue(in("narrow"));
    enqueue(in("narrow", "other"));
    enqueue(in("wide"));
  }
  limit("narrow", 2);
  auto first = claim(9, {"work", "other"});
  ids claimed_first;
  for (auto& task : first)
    claimed_first.push_back(task.id.value);
  BOOST_TEST(claimed_first == (ids{1, 2, 3, 6, 9}), boost::test_tools::per_element());
  BOOST_TEST(claimed(9, {"work", "other"}).empty());
  finish(first[1], task_outcome::success());
  BOOST_TEST(claimed(9, {"work", "other"}) == (ids{4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(tasks_are_claimed_ahead_within_the_limit_too) {
  for (int i = 0; i < 5; ++i)
    enqueue(in("narrow"));
  limit("narrow", 3);
  auto ahead = write([&](auto& tx) {
    return storage::claim_tasks(tx, std::vector<std::string>{"work"}, 1,
                                {.count = 10, .time = 1s, .quick = {1ms}}, boot, now);
  });
  BOOST_TEST(ahead.tasks.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_lowered_waits_for_running_tasks_and_a_raised_one_wakes) {
  for (int i = 0; i < 6; ++i)
    enqueue(in("narrow"));
  auto running = claim(3);
  BOOST_TEST(limit("narrow", 1).running == 3);
  BOOST_TEST(claimed(9).empty());
  finish(running[0], task_outcome::success());
  finish(running[1], task_outcome::failure("x", error_class::permanent));
  BOOST_TEST(claimed(9).empty());
  finish(running[2], task_outcome::released("x"));
  BOOST_TEST(claimed(9) == (ids{3}), boost::test_tools::per_element());
  limit("narrow", 2);
  BOOST_TEST(was_announced(topic::task_ready, 0));
  BOOST_TEST(claimed(9) == (ids{4}), boost::test_tools::per_element());
  limit("narrow", std::nullopt);
  BOOST_TEST(was_announced(topic::task_ready, 0));
  BOOST_TEST(claimed(9) == (ids{5, 6}), boost::test_tools::per_element());
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_CASE(a_pause_and_a_limit_do_not_touch_each_other) {
  limit("both", 2);
  pause("both");
  BOOST_TEST(resume("both").limit.value() == 2);
  pause("both");
  BOOST_TEST(limit("both", std::nullopt).paused_at_ms.value() == now);
  BOOST_TEST(rows() == 1);
  resume("both");
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_CASE(a_list_says_what_waits_and_what_runs) {
  auto later = in("b");
  later.run_at_ms = now + 1000;
  auto behind = in("b");
  behind.gate = "g";
  for (auto& spec : {in("b"), in("b"), behind, behind, later, in("a", "other")})
    enqueue(spec);
  finish(claim_one(), task_outcome::failure("x"), now + 500);
  claim_one();
  limit("b", 7);
  pause("c");
  auto list = queues();
  BOOST_REQUIRE(list.size() == 3u);
  BOOST_TEST((list[0].name == "a" && list[1].name == "b" && list[2].name == "c"));
  BOOST_TEST((list[0].ready == 1 && list[0].running == 0 && !list[0].limit));
  BOOST_TEST((list[1].ready == 1 && list[1].running == 1 && list[1].blocked == 1));
  BOOST_TEST(list[1].scheduled == 2); // One waits for its next attempt.
  BOOST_TEST(list[1].limit.value() == 7);
  BOOST_TEST((list[2].paused_at_ms == now && list[2].ready == 0));
}

BOOST_AUTO_TEST_CASE(names_and_limits_outside_of_their_bounds_are_refused) {
  for (auto& name : {std::string{}, std::string(101, 'x')}) {
    BOOST_TEST(tests::fails_with(errc::invalid_argument, [&] { pause(name); }));
    BOOST_TEST(tests::fails_with(errc::invalid_argument, [&] { resume(name); }));
    BOOST_TEST(tests::fails_with(errc::invalid_argument, [&] { limit(name, 1); }));
  }
  for (int most : {0, -1, 100'001})
    BOOST_TEST(tests::fails_with(errc::invalid_argument, [&] { limit("q", most); }));
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

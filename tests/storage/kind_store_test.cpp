#include "quire/storage/sqlite/kind_store.hpp"

#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/queue_store.hpp"
#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;
using topic = event::topic;

namespace {

struct kind_fixture : tests::store_fixture {
  kind_record set(const std::string& kind, const kind_policy& policy) {
    return write([&](auto& tx) { return storage::set_kind_policy(tx, kind, policy, now); });
  }

  kind_record limit(const std::string& kind, std::optional<int> most) {
    kind_policy policy;
    policy.limit = most;
    return set(kind, policy);
  }

  kind_record rate(const std::string& kind, const rate_limit& most) {
    kind_policy policy;
    policy.rate = most;
    return set(kind, policy);
  }

  std::vector<kind_record> kinds() {
    auto snapshot = view();
    return storage::list_kinds(snapshot, now);
  }

  void enqueue_many(int count, const std::string& kind = "work") {
    for (int i = 0; i < count; ++i)
      enqueue(work(kind));
  }

  /// As the service does: quick ones are claimed ahead.
  storage::claimed_tasks claim_with_more(std::size_t count, std::size_t ahead = 0) {
    std::vector<std::string> names{"work"};
    return write([&](auto& tx) {
      return storage::claim_tasks(tx, names, count, {ahead, 1s, {1us}, 0}, boot, now);
    });
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(kind_store, kind_fixture)

BOOST_AUTO_TEST_CASE(no_more_tasks_of_a_kind_run_than_its_limit_in_whatever_queue) {
  BOOST_TEST(limit("work", 2).policy.limit.value() == 2);
  BOOST_TEST(was_announced(topic::task_ready, 0));
  enqueue_many(2);
  auto elsewhere = work();
  elsewhere.queue = "other";
  enqueue(elsewhere);
  enqueue(work("free"));
  auto running = claim(9, {"work", "free"});
  BOOST_TEST(running.size() == 3u);
  finish(running.front(), task_outcome::success());
  BOOST_TEST(claim(9, {"work", "free"}).size() == 1u);
  limit("work", std::nullopt);
  BOOST_TEST(number("SELECT count(*) FROM quire_kind") == 0);
}

// The smaller one decides, and each task takes a place of both.
BOOST_AUTO_TEST_CASE(limits_of_queue_and_kind_hold_together) {
  limit("a", 3);
  write([](auto& tx) { storage::limit_queue(tx, "q", 4); });
  for (auto kind : {"a", "b"})
    for (int i = 0; i < 5; ++i) {
      auto one = work(kind);
      one.queue = "q";
      enqueue(one);
    }
  std::map<std::string, int> claimed;
  for (auto& task : claim(10, {"a", "b"}))
    ++claimed[task.kind];
  BOOST_TEST(claimed["a"] == 3);
  BOOST_TEST(claimed["b"] == 1);
}

BOOST_AUTO_TEST_CASE(tasks_start_as_fast_as_their_rate_says) {
  rate("work", {10, 60s, 3});
  enqueue_many(10);
  auto first = claim_with_more(2);
  BOOST_TEST(first.tasks.size() == 2u);
  BOOST_TEST(!first.again_at_ms);
  auto second = claim_with_more(5);
  BOOST_TEST(second.tasks.size() == 1u);
  BOOST_TEST(second.again_at_ms.value() == now + 6000);
  BOOST_TEST(kinds().front().next_start_ms.value() == now + 6000);
  now += 5999;
  BOOST_TEST(claim_with_more(5).tasks.empty());
  now += 1;
  BOOST_TEST(claim_with_more(5).tasks.size() == 1u);
  now += 600'000;
  BOOST_TEST(claim_with_more(9).tasks.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_back_holds_a_rate_up_for_its_burst_at_most) {
  rate("work", {10, 60s, 1});
  enqueue_many(3);
  now += 86'400'000;
  BOOST_TEST(claim_with_more(9).tasks.size() == 1u);
  now -= 86'400'000;
  BOOST_TEST(claim_with_more(9).again_at_ms.value() == now + 6000);
  now += 6000;
  BOOST_TEST(claim_with_more(9).tasks.size() == 1u);
}

// Nothing else waits for them.
BOOST_AUTO_TEST_CASE(tasks_that_may_not_start_hold_up_no_others) {
  rate("work", {1, 1h, 1});
  enqueue_many(50);
  enqueue_many(2, "free");
  BOOST_TEST(claim(10, {"work", "free"}).size() == 3u);
}

BOOST_AUTO_TEST_CASE(tasks_with_limits_are_not_claimed_ahead) {
  enqueue_many(10);
  BOOST_TEST(claim_with_more(1, 3).tasks.size() == 4u);
  limit("work", 100);
  BOOST_TEST(claim_with_more(1, 3).tasks.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_rate_that_stays_as_it_is_gives_no_new_tokens) {
  kind_policy policy;
  policy.rate = {10, 60s, 3};
  set("work", policy);
  enqueue_many(9);
  BOOST_TEST(claim_with_more(9).tasks.size() == 3u);
  policy.limit = 100;
  set("work", policy);
  BOOST_TEST(claim_with_more(9).tasks.empty());
  policy.rate->burst = 2;
  set("work", policy);
  BOOST_TEST(claim_with_more(9).tasks.size() == 2u);
}

BOOST_AUTO_TEST_CASE(kinds_are_listed_with_what_waits_and_runs) {
  enqueue_many(3);
  claim(1);
  limit("future", 5);
  auto found = kinds();
  BOOST_REQUIRE(found.size() == 2u);
  BOOST_TEST(found[0].name == "future");
  BOOST_TEST(found[0].policy.limit.value() == 5);
  BOOST_TEST(found[1].name == "work");
  BOOST_TEST(found[1].ready == 2);
  BOOST_TEST(found[1].running == 1);
  BOOST_TEST((found[1].policy == kind_policy{}));
}

BOOST_AUTO_TEST_CASE(what_is_outside_of_its_limits_is_refused) {
  auto refused = [&](const kind_policy& policy, const std::string& kind = "work") {
    return tests::fails_with(errc::invalid_argument, [&] { set(kind, policy); });
  };
  BOOST_TEST(refused({}, ""));
  BOOST_TEST(refused({}, std::string(101, 'k')));
  BOOST_TEST(refused({0, {}, {}}));
  BOOST_TEST(refused({100'001, {}, {}}));
  for (auto wrong :
       {rate_limit{0, 1s, 1}, rate_limit{1, 0s, 1}, rate_limit{1, 1s, 0},
        rate_limit{1, 24h * 31, 1}, rate_limit{1001, 1s, 1}, rate_limit{1, 1s, 100'001}})
    BOOST_TEST(refused({{}, wrong, {}}));
  BOOST_TEST(tests::fails_with(errc::not_found, [&] { set("work", {{}, {}, "missing"}); }));
  BOOST_TEST(number("SELECT count(*) FROM quire_kind") == 0);
}

// Whoever wrote them: they must not end the process of each owner.
BOOST_AUTO_TEST_CASE(damaged_rates_are_kept_to_as_well_as_can_be) {
  rate("work", {1, 1h, 1});
  enqueue_many(9);
  for (auto* damage : {"rate_count = 0", "rate_count = -5", "rate_ms = 0", "burst = 0",
                       "burst = -9223372036854775808", "rate_count = 9223372036854775807",
                       "rate_ms = 9223372036854775807", "full_at_us = -9223372036854775808",
                       "full_at_us = 9223372036854775807"}) {
    db.execute(std::string{"UPDATE quire_kind SET "} + damage);
    BOOST_TEST(claim_with_more(1).tasks.size() <= 1u, damage);
    BOOST_TEST(kinds().size() == 1u, damage);
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/storage/sqlite/tenant_store.hpp"

#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>

using namespace quire;
using namespace std::chrono_literals;

namespace {

struct tenant_fixture : tests::store_fixture {
  storage::tenant_shares shares;

  static task_spec of(std::string tenant, std::string kind = "work") {
    auto spec = work(std::move(kind));
    spec.tenant = std::move(tenant);
    return spec;
  }

  void enqueue_many(const std::string& tenant, int count, const std::string& kind = "work") {
    for (int i = 0; i < count; ++i)
      enqueue(of(tenant, kind));
  }

  tenant_record decide(const std::string& name, tenant_policy policy) {
    return write([&](auto& tx) { return storage::set_tenant_policy(tx, name, policy); });
  }

  std::vector<tenant_record> tenants() {
    auto snapshot = view();
    return storage::list_tenants(snapshot);
  }

  /// Claims as the task service does, and returns the first letters of the tenants in the order
  /// of their tasks; `-` for none.
  std::string claimed(std::size_t count, storage::claim_ahead ahead = {},
                      std::vector<std::string> kinds = {"work"}) {
    auto claimed = write([&](auto& tx) {
      return storage::claim_tasks(tx, kinds, count, ahead, boot, now, shares);
    });
    shares = claimed.shares;
    std::string tenants;
    for (auto& task : claimed.tasks) {
      auto tenant = record(task.id).tenant;
      tenants += tenant.empty() ? '-' : tenant.front();
    }
    return tenants;
  }

  bool refused(const std::string& name, const tenant_policy& policy) {
    return tests::fails_with(errc::invalid_argument, [&] { decide(name, policy); });
  }

  std::int64_t rows() { return number("SELECT count(*) FROM quire_tenant"); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(tenant_store, tenant_fixture)

BOOST_AUTO_TEST_CASE(a_tenant_with_a_thousand_tasks_does_not_keep_others_waiting) {
  enqueue_many("large", 1000);
  enqueue_many("small", 2);
  enqueue_many("", 1);
  BOOST_TEST(claimed(7) == "ls-lsll");
}

BOOST_AUTO_TEST_CASE(turns_go_on_from_one_claim_to_the_next) {
  enqueue_many("a", 20);
  enqueue_many("b", 20);
  std::string all;
  for (int i = 0; i < 10; ++i)
    all += claimed(1);
  BOOST_TEST(all == "ababababab");
}

BOOST_AUTO_TEST_CASE(a_weight_is_a_share) {
  enqueue_many("a", 100);
  enqueue_many("b", 100);
  decide("b", {.weight = 3});
  auto all = claimed(40);
  BOOST_TEST(std::ranges::count(all, 'b') == 30);
}

BOOST_AUTO_TEST_CASE(tasks_of_one_tenant_keep_their_order) {
  auto last = enqueue(of("a"));
  auto urgent = of("a");
  urgent.priority = task_priority::urgent;
  auto first = enqueue(urgent);
  enqueue_many("b", 1);
  std::vector<std::int64_t> order;
  for (auto& task : claim(3))
    order.push_back(task.id.value);
  BOOST_TEST(order.front() == first.value);
  BOOST_TEST(order.back() == last.value);
}

BOOST_AUTO_TEST_CASE(a_tenant_shares_as_one_over_all_queues_and_kinds) {
  auto spec = of("a", "other");
  spec.queue = "second";
  for (int i = 0; i < 10; ++i)
    enqueue(spec);
  enqueue_many("a", 10);
  enqueue_many("b", 20);
  auto all = claimed(20, {}, {"work", "other"});
  BOOST_TEST(std::ranges::count(all, 'b') == 10);
}

BOOST_AUTO_TEST_CASE(claims_ahead_are_shared_too) {
  enqueue_many("a", 100);
  enqueue_many("b", 100);
  auto all = claimed(2, {.count = 30, .time = 1s, .quick = {1ms}});
  BOOST_TEST(all.size() == 32u);
  BOOST_TEST(std::ranges::count(all, 'b') == 16);
}

BOOST_AUTO_TEST_CASE(no_more_tasks_of_a_tenant_run_than_its_limit) {
  enqueue_many("a", 10);
  enqueue_many("b", 3);
  decide("a", {.limit = 2});
  BOOST_TEST(claimed(10) == "ababb");
  BOOST_TEST(claimed(10).empty());
}

BOOST_AUTO_TEST_CASE(no_task_of_a_paused_tenant_is_claimed) {
  enqueue_many("a", 1);
  enqueue_many("b", 1);
  BOOST_TEST(decide("a", {.paused = true}).policy.paused);
  BOOST_TEST(claimed(9) == "b");
  reboot();
  decide("a", {});
  BOOST_TEST(was_announced(event::topic::task_ready, 0));
  BOOST_TEST(claimed(9).find('a') != std::string::npos);
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_CASE(what_a_limit_refuses_costs_no_turn) {
  enqueue_many("a", 10);
  enqueue_many("b", 10);
  decide("a", {.limit = 1});
  BOOST_TEST(claimed(6) == "abbbbb");
  decide("a", {});
  // It has saved up no turns meanwhile: at most one more than the other.
  auto next = claimed(8);
  BOOST_TEST(std::ranges::count(next, 'a') == 5, next);
}

BOOST_AUTO_TEST_CASE(tenants_are_listed_with_what_waits) {
  enqueue_many("b", 2);
  enqueue_many("", 1);
  auto later = of("b");
  later.run_at_ms = now + 1000;
  enqueue(later);
  claimed(1);
  decide("c", {.weight = 5, .limit = 7});
  auto all = tenants();
  BOOST_REQUIRE(all.size() == 3u);
  BOOST_TEST(all[0].name.empty());
  BOOST_TEST(all[1].name == "b");
  BOOST_TEST(all[1].ready + all[1].running == 2);
  BOOST_TEST(all[1].scheduled == 1);
  BOOST_TEST(all[2].policy.weight == 5);
  BOOST_TEST(all[2].policy.limit.value() == 7);
}

BOOST_AUTO_TEST_CASE(limits_of_what_may_be_decided_are_said) {
  BOOST_TEST(refused("", {.weight = 2}));
  BOOST_TEST(refused(std::string(101, 'x'), {.weight = 2}));
  BOOST_TEST(refused("a", {.weight = 0}));
  BOOST_TEST(refused("a", {.weight = 1001}));
  BOOST_TEST(refused("a", {.limit = 0}));
  BOOST_TEST(tests::fails_with(errc::invalid_argument, [&] { enqueue(of(std::string(101, 'x'))); }));
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_CASE(tasks_are_found_by_their_tenant) {
  enqueue_many("a", 2);
  enqueue_many("b", 1);
  auto snapshot = view();
  task_filter filter;
  filter.tenant = "a";
  BOOST_TEST(storage::list_tasks(snapshot, filter).size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/task_stock.hpp"

#include "quire/actors/handler_pace.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::actors;
using namespace std::chrono_literals;

namespace {

struct stock_fixture {
  static attempt made(std::int64_t id, std::int64_t epoch = 1) {
    auto task = std::make_shared<task_assignment>();
    task->id = task_id{id};
    task->epoch = epoch;
    return {task, {}};
  }

  void add(std::int64_t id, std::chrono::nanoseconds quick = 10us) {
    stock.add(made(id), quick, now);
  }

  static std::vector<std::int64_t> ids(const std::vector<attempt>& some) {
    std::vector<std::int64_t> result;
    for (auto& one : some)
      result.push_back(one.task->id.value);
    return result;
  }

  std::vector<std::int64_t> next(std::size_t workers = 1) { return ids(stock.next(workers).attempts); }

  task_stock stock;
  task_stock::time_point now{1000s};
};

using list = std::vector<std::int64_t>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_stock, stock_fixture)

BOOST_AUTO_TEST_CASE(quick_tasks_go_together_in_their_order) {
  for (int id = 1; id <= 5; ++id)
    add(id);
  BOOST_TEST(next() == (list{1, 2, 3, 4, 5}), boost::test_tools::per_element());
  BOOST_TEST(stock.empty());
  BOOST_TEST(next().empty());
}

BOOST_AUTO_TEST_CASE(free_workers_share_what_is_there) {
  for (int id = 1; id <= 5; ++id)
    add(id);
  BOOST_TEST(next(3).size() == 2u);
  BOOST_TEST(next(2).size() == 2u);
  BOOST_TEST(next(1).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_slow_task_has_a_worker_for_itself_and_is_not_overtaken_twice) {
  add(1);
  add(2, 0us);
  add(3);
  add(4, 0us);
  BOOST_TEST(stock.slow() == 2u);
  BOOST_TEST(next() == (list{1, 3}), boost::test_tools::per_element());
  BOOST_TEST(next() == (list{2}), boost::test_tools::per_element());
  BOOST_TEST(next() == (list{4}), boost::test_tools::per_element());
  BOOST_TEST(stock.slow() == 0u);
}

BOOST_AUTO_TEST_CASE(a_burst_is_bounded_by_time_and_by_number) {
  for (int id = 1; id <= 5; ++id)
    add(id, 300us);
  BOOST_TEST(next().size() == 3u);
  BOOST_TEST(next().size() == 2u);
  for (int id = 1; id <= 100; ++id)
    add(id, 1us);
  BOOST_TEST(next().size() == actors::task_stock::burst_max);
}

BOOST_AUTO_TEST_CASE(what_is_put_back_goes_first) {
  add(1);
  stock.put_back(made(3), 0us, now);
  stock.put_back(made(2), 0us, now);
  BOOST_TEST(next() == (list{2}), boost::test_tools::per_element());
  BOOST_TEST(next() == (list{3}), boost::test_tools::per_element());
  BOOST_TEST(next() == (list{1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_is_removed_by_its_task_or_its_claim) {
  stock.add(made(1, 7), 0us, now);
  add(2);
  BOOST_TEST(!stock.remove(task_id{1}, 6));
  BOOST_TEST(!stock.remove(task_id{9}));
  BOOST_TEST((stock.remove(task_id{1}, 7)->task->id == task_id{1}));
  BOOST_TEST(!stock.remove(task_id{1}));
  BOOST_TEST(stock.slow() == 0u);
  BOOST_TEST(stock.tasks().size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_waits_for_too_long_is_found) {
  add(1);
  now += 2s;
  add(2);
  BOOST_TEST((stock.oldest() == now - 2s));
  BOOST_TEST(stock.older_than(3s, now).empty());
  BOOST_TEST(ids(stock.older_than(2s, now)) == (list{1}), boost::test_tools::per_element());
  BOOST_TEST((stock.oldest() == now));
  BOOST_TEST(ids(stock.clear()) == (list{2}), boost::test_tools::per_element());
  BOOST_TEST(!stock.oldest());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(handler_pace)

BOOST_AUTO_TEST_CASE(a_kind_is_quick_once_it_was_seen_to_be) {
  actors::handler_pace pace;
  BOOST_TEST((pace.quick("a") == 0ns));
  BOOST_TEST(!pace.any_quick());
  pace.saw("a", 500us);
  BOOST_TEST((pace.quick("a") == 500us));
  BOOST_TEST((pace.quick("b") == 0ns));
  BOOST_TEST(pace.any_quick());
  pace.saw("b", 0ns);
  BOOST_TEST((pace.quick("b") == 100ns));
}

BOOST_AUTO_TEST_CASE(one_slow_attempt_makes_a_kind_slow_and_many_quick_ones_quick) {
  actors::handler_pace pace;
  pace.saw("a", 10us);
  pace.saw("a", 2ms);
  BOOST_TEST((pace.quick("a") > 0ns)); // Once in a while is no harm.
  pace.saw("a", 60ms);
  BOOST_TEST((pace.quick("a") == 0ns));
  int seen = 0;
  for (; pace.quick("a") == 0ns && seen < 1000; ++seen)
    pace.saw("a", 10us);
  BOOST_TEST(seen > 10);
  BOOST_TEST(seen < 50);
}

BOOST_AUTO_TEST_SUITE_END()

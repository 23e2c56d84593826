#include "quire/actors/admission.hpp"
#include "quire/actors/fair_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <string>

using namespace quire;
using namespace quire::actors;

namespace {

struct item : queued<item> {
  int mark = 0;
};

std::unique_ptr<item> make(std::uint64_t client, int mark,
                           quire::lane where = quire::lane::normal) {
  auto result = std::make_unique<item>();
  result->client = client;
  result->mark = mark;
  result->lane = where;
  result->bytes = 10;
  result->deadline = std::chrono::steady_clock::time_point::max();
  return result;
}

using time_point = std::chrono::steady_clock::time_point;
using std::chrono::seconds;

} // namespace

BOOST_AUTO_TEST_SUITE(fair_queue)

BOOST_AUTO_TEST_CASE(a_client_keeps_the_order_of_its_requests) {
  actors::fair_queue<item> queue;
  for (int i = 0; i < 100; ++i)
    queue.push(make(1, i));
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(queue.pop()->mark == i);
  BOOST_TEST(queue.pop() == nullptr);
}

// One client with a hundred thousand requests does not keep another one waiting.
BOOST_AUTO_TEST_CASE(clients_take_turns) {
  actors::fair_queue<item> queue;
  for (int i = 0; i < 100'000; ++i)
    queue.push(make(1, i));
  queue.push(make(2, -1));
  queue.push(make(3, -2));
  BOOST_TEST(queue.pop()->mark == 0);
  BOOST_TEST(queue.pop()->mark == -1);
  BOOST_TEST(queue.pop()->mark == -2);
  BOOST_TEST(queue.pop()->mark == 1);
  BOOST_TEST(queue.size() == 99'998u);
  BOOST_TEST(queue.size_of(1) == 99'998u);
  BOOST_TEST(queue.bytes() == 999'980u);
}

BOOST_AUTO_TEST_CASE(lanes_get_turns_by_their_weight_and_none_starves) {
  actors::fair_queue<item> queue;
  for (int i = 0; i < 210; ++i)
    for (auto where : {lane::interactive, lane::normal, lane::bulk})
      queue.push(make(static_cast<std::uint64_t>(i % 7), i, where));
  std::map<lane, int> turns;
  for (int i = 0; i < 210; ++i)
    ++turns[queue.pop()->lane];
  BOOST_TEST(turns[lane::interactive] == 160);
  BOOST_TEST(turns[lane::normal] == 40);
  BOOST_TEST(turns[lane::bulk] == 10);
}

BOOST_AUTO_TEST_CASE(control_goes_before_all_others) {
  actors::fair_queue<item> queue;
  queue.push(make(1, 1, lane::interactive));
  queue.push(make(1, 2, lane::control));
  BOOST_TEST(queue.pop()->mark == 2);
  BOOST_TEST(queue.pop()->mark == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_lane_costs_no_turns) {
  actors::fair_queue<item> queue;
  for (int i = 0; i < 50; ++i)
    queue.push(make(1, i, lane::bulk));
  for (int i = 0; i < 50; ++i)
    BOOST_TEST(queue.pop()->mark == i);
}

BOOST_AUTO_TEST_CASE(a_request_is_taken_out_by_its_number) {
  actors::fair_queue<item> queue;
  for (int i = 0; i < 5; ++i) {
    queue.push(make(1, i));
    auto numbered = make(2, 10 + i);
    numbered->number = static_cast<std::uint64_t>(i + 1);
    queue.push(std::move(numbered));
  }
  BOOST_TEST(queue.take(1, 3) == nullptr); // Another client's.
  BOOST_TEST(queue.take(1, 0) == nullptr); // No number at all.
  BOOST_TEST(queue.take(2, 3)->mark == 12);
  BOOST_TEST(queue.take(2, 3) == nullptr);
  BOOST_TEST(queue.size() == 9u);
  std::string order;
  while (auto one = queue.pop())
    order += std::to_string(one->mark) + " ";
  BOOST_TEST(order == "0 10 1 11 2 13 3 14 4 ");
}

BOOST_AUTO_TEST_CASE(late_requests_are_taken_out) {
  actors::fair_queue<item> queue;
  for (int i = 0; i < 10; ++i) {
    auto one = make(static_cast<std::uint64_t>(i % 3), i);
    one->deadline = time_point{seconds{i}};
    queue.push(std::move(one));
  }
  BOOST_TEST(queue.take_expired(time_point{seconds{-1}}).empty());
  BOOST_TEST(queue.take_expired(time_point{seconds{4}}).size() == 5u);
  BOOST_TEST(queue.take_expired(time_point{seconds{4}}).empty());
  BOOST_TEST(queue.take_expired(time_point{seconds{9}}).size() == 5u);
  BOOST_TEST(queue.empty());
  BOOST_TEST(queue.bytes() == 0u);
  queue.push(make(1, 1)); // Nothing is broken.
  BOOST_TEST(queue.pop()->mark == 1);
}

// Millions of threads may have sent one request each.
BOOST_AUTO_TEST_CASE(idle_clients_are_forgotten) {
  actors::fair_queue<item> queue;
  queue.push(make(0, 0));
  for (std::uint64_t client = 1; client < 100'000; ++client) {
    queue.push(make(client, 1));
    queue.pop();
  }
  BOOST_TEST(queue.clients() < 10'000u);
  BOOST_TEST(queue.size() == 1u);
}

BOOST_AUTO_TEST_CASE(admission_counts_requests_and_bytes_and_gives_both_back) {
  admission waiting{2, 100};
  BOOST_TEST(waiting.enter(60));
  BOOST_TEST(!waiting.enter(60)); // bytes
  BOOST_TEST(waiting.enter(40));
  BOOST_TEST(!waiting.enter(0)); // requests
  BOOST_TEST(waiting.waiting() == 2u);
  BOOST_TEST(waiting.waiting_bytes() == 100u);
  BOOST_TEST(waiting.refused() == 2u);
  waiting.leave(60);
  BOOST_TEST(waiting.enter(10));
}

BOOST_AUTO_TEST_CASE(a_single_request_over_the_limit_of_bytes_is_let_in_alone) {
  admission waiting{10, 100};
  BOOST_TEST(waiting.enter(1000));
  BOOST_TEST(!waiting.enter(1));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/cancel_token.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

using token_type = quire::actors::cancel_token;

BOOST_AUTO_TEST_SUITE(cancel_token)

BOOST_AUTO_TEST_CASE(a_new_token_is_not_cancelled) {
  const token_type token;
  BOOST_TEST(!token.cancelled());
  BOOST_TEST(!token.releasing());
  BOOST_TEST(token.reason() == "");
}

BOOST_AUTO_TEST_CASE(copies_share_one_state) {
  const token_type token;
  const auto copy = token;
  token.cancel("asked by a person");
  BOOST_TEST(copy.cancelled());
  BOOST_TEST(copy.reason() == "asked by a person");
  BOOST_TEST(!copy.releasing());
}

BOOST_AUTO_TEST_CASE(only_the_first_call_counts) {
  const token_type token;
  int runs = 0;
  const auto registration = token.on_cancel([&] { ++runs; });
  token.cancel("shutdown", true);
  token.cancel("second", false);
  BOOST_TEST(runs == 1);
  BOOST_TEST(token.reason() == "shutdown");
  BOOST_TEST(token.releasing());
}

BOOST_AUTO_TEST_CASE(callbacks_run_in_order_on_the_thread_of_cancel) {
  const token_type token;
  std::vector<int> order;
  std::thread::id where;
  const auto first = token.on_cancel([&] { order.push_back(1); });
  const auto second = token.on_cancel([&] {
    order.push_back(2);
    where = std::this_thread::get_id();
  });
  std::thread other{[&] {
    token.cancel("now");
    BOOST_TEST((where == std::this_thread::get_id()));
  }};
  other.join();
  BOOST_TEST(order == (std::vector<int>{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_callback_of_a_cancelled_token_runs_at_once) {
  const token_type token;
  token.cancel("before");
  bool ran = false;
  const auto registration = token.on_cancel([&] { ran = true; });
  BOOST_TEST(ran);
}

BOOST_AUTO_TEST_CASE(a_forgotten_callback_does_not_run) {
  const token_type token;
  bool ran = false;
  auto registration = token.on_cancel([&] { ran = true; });
  registration.reset();
  token.cancel("later");
  BOOST_TEST(!ran);
}

// The token may be gone before the registration.
BOOST_AUTO_TEST_CASE(a_registration_outlives_its_token) {
  auto token = std::make_unique<token_type>();
  const auto registration = token->on_cancel([] {});
  token.reset();
  BOOST_TEST(registration);
}

BOOST_AUTO_TEST_CASE(a_callback_may_destroy_registrations_its_own_too) {
  const token_type token;
  bool other_ran = false;
  std::unique_ptr<token_type::registration> own;
  std::unique_ptr<token_type::registration> other;
  own = token.on_cancel([&] {
    own.reset();
    other.reset();
  });
  other = token.on_cancel([&] { other_ran = true; });
  token.cancel("now");
  BOOST_TEST(!own);
  BOOST_TEST(!other_ran);
}

// A handler registers again from its callback: the lock is not held meanwhile.
BOOST_AUTO_TEST_CASE(a_callback_may_use_its_token) {
  const token_type token;
  std::string seen;
  std::unique_ptr<token_type::registration> late;
  const auto registration = token.on_cancel([&] {
    late = token.on_cancel([&] { seen += "late "; });
    token.cancel("again");
    seen += token.reason();
  });
  token.cancel("now");
  BOOST_TEST(seen == "late now");
}

BOOST_AUTO_TEST_CASE(destroying_a_registration_waits_for_its_running_callback) {
  const token_type token;
  std::promise<void> entered;
  std::promise<void> may_leave;
  std::atomic<bool> left{false};
  auto registration = token.on_cancel([&, wait = may_leave.get_future().share()] {
    entered.set_value();
    wait.wait();
    left = true;
  });
  std::thread canceller{[&] { token.cancel("now"); }};
  entered.get_future().wait();
  std::atomic<bool> gone{false};
  std::thread destroyer{[&] {
    registration.reset();
    gone = true;
    BOOST_TEST(left.load());
  }};
  // It cannot be gone, however long the other thread has had.
  std::this_thread::yield();
  BOOST_TEST(!gone.load());
  may_leave.set_value();
  destroyer.join();
  canceller.join();
  BOOST_TEST(gone.load());
}

// What the callback uses may be destroyed right after the registration.
BOOST_AUTO_TEST_CASE(cancel_and_destruction_race_safely) {
  for (int round = 0; round < 500; ++round) {
    const token_type token;
    std::atomic<bool> go{false};
    std::thread canceller{[&] {
      while (!go)
        std::this_thread::yield();
      token.cancel("race");
    }};
    {
      const auto target = std::make_unique<std::atomic<int>>(0);
      const auto registration = token.on_cancel([&counter = *target] { ++counter; });
      go = true;
    }
    canceller.join();
    BOOST_TEST(token.cancelled());
  }
}

BOOST_AUTO_TEST_SUITE_END()

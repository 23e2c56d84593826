#include "quire/actors/write_port.hpp"

#include "quire/tests/support/heard.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::actors;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct port_fixture {
  using answer = std::shared_ptr<tests::heard<receipt>>;

  port_fixture() {
    limits.requests_max = 10;
    limits.bytes_max = 100'000;
    limits.client_requests_max = 4;
    limits.client_bytes_max = 50'000;
    limits.timeout = 1s;
    open();
  }

  void open() { port = std::make_unique<write_port>(limits, clock); }

  static write_batch batch(std::uint64_t client, quire::lane where = quire::lane::normal) {
    write_batch result;
    result.statements = {{"SELECT 1", {}}};
    result.terms.client = client;
    result.terms.lane = where;
    return result;
  }

  answer submit(write_batch content, bool own = false) {
    auto result = std::make_shared<tests::heard<receipt>>();
    auto request =
      std::make_unique<batch_request>(std::move(content), durability::normal, result->promise());
    own ? port->submit_own(std::move(request)) : port->submit(std::move(request), who);
    return result;
  }

  write_limits limits;
  std::shared_ptr<tests::set_clock> clock = std::make_shared<tests::set_clock>();
  std::unique_ptr<write_port> port;
  submitter who = submitter::busy;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(write_port, port_fixture)

BOOST_AUTO_TEST_CASE(a_sleeping_writer_is_woken_once) {
  int woken = 0;
  port->attach([&] { ++woken; });
  submit(batch(1));
  submit(batch(1));
  BOOST_TEST(woken == 1);
  BOOST_TEST(port->take(10).size() == 2u);
  submit(batch(1)); // It will look again by itself.
  BOOST_TEST(woken == 1);
  BOOST_TEST(port->take(10).size() == 1u);
  BOOST_TEST(port->take(10).empty()); // Now it sleeps.
  submit(batch(1));
  BOOST_TEST(woken == 2);
}

BOOST_AUTO_TEST_CASE(a_client_and_all_clients_have_limits_and_are_told_when_to_try_again) {
  std::vector<answer> kept;
  for (std::uint64_t client : {1, 1, 1, 1, 2, 2, 2, 2})
    kept.push_back(submit(batch(client)));
  auto one_more = submit(batch(1));
  BOOST_TEST(one_more->failed_with(errc::overloaded));
  BOOST_TEST(retry_after_of(one_more->error).count() >= 1);
  kept.push_back(submit(batch(3)));
  kept.push_back(submit(batch(3)));
  auto too_many = submit(batch(4));
  BOOST_TEST(too_many->failed_with(errc::overloaded));
  BOOST_TEST(retry_after_of(too_many->error).count() >= 1);
  BOOST_TEST(!submit(batch(4), true)->answered()); // The services have no limit.
  for (auto& one : kept)
    BOOST_TEST(!one->answered());
  port->take(3);
  BOOST_TEST(!submit(batch(4))->answered());
}

BOOST_AUTO_TEST_CASE(bytes_are_limited_too) {
  auto large = batch(1);
  large.statements[0].params = {value{std::string(40'000, 'x')}};
  BOOST_TEST(!submit(large)->answered());
  BOOST_TEST(submit(large)->failed_with(errc::overloaded));
  large.terms.client = 2;
  BOOST_TEST(!submit(large)->answered());
  large.terms.client = 3;
  BOOST_TEST(submit(large)->failed_with(errc::overloaded));
}

BOOST_AUTO_TEST_CASE(late_requests_are_not_handed_out) {
  auto hasty = batch(1);
  hasty.terms.timeout = 10ms;
  auto first = submit(hasty);
  auto second = submit(batch(1));
  clock->time += 20ms;
  BOOST_TEST(port->take(10).size() == 1u);
  BOOST_TEST(first->failed_with(errc::expired));
  BOOST_TEST(second->answers == 1); // Dropped, so that its end is told.
}

BOOST_AUTO_TEST_CASE(somebody_is_armed_to_watch_the_deadlines) {
  int armed = 0;
  port->watch_deadlines([&] { ++armed; });
  auto first = submit(batch(1));
  auto second = submit(batch(1));
  BOOST_TEST(armed == 1);
  BOOST_TEST(port->expire());
  clock->time += 2s;
  BOOST_TEST(!port->expire());
  BOOST_TEST(first->failed_with(errc::expired));
  BOOST_TEST(second->failed_with(errc::expired));
  BOOST_TEST(port->admitted().waiting() == 0u);
  submit(batch(1));
  BOOST_TEST(armed == 2);
}

BOOST_AUTO_TEST_CASE(clients_get_no_turns_of_control) {
  auto first = submit(batch(1, lane::interactive));
  auto second = submit(batch(2, lane::control));
  auto own = submit(batch(3, lane::control), true);
  auto taken = port->take(10);
  BOOST_REQUIRE(taken.size() == 3u);
  BOOST_TEST(taken[0]->client == 3u);
  BOOST_TEST(taken[1]->client == 1u);
}

BOOST_AUTO_TEST_CASE(a_request_is_cancelled_while_it_waits_or_runs) {
  using stage = request_cancelled::stage;
  auto numbered = batch(1);
  numbered.terms.request = 7;
  auto first = submit(numbered);
  BOOST_TEST((port->cancel(2, 7).found == stage::unknown));
  BOOST_TEST((port->cancel(1, 7).found == stage::waiting));
  BOOST_TEST(first->failed_with(errc::cancelled));
  auto second = submit(numbered);
  auto taken = port->take(10);
  BOOST_TEST(!taken[0]->stopped().has_value());
  BOOST_TEST((port->cancel(1, 7).found == stage::running));
  BOOST_TEST((taken[0]->stopped() == errc::cancelled));
  port->finished(1, 1ms);
  BOOST_TEST((port->cancel(1, 7).found == stage::unknown)); // It is too late.
}

// The writer gives some of a batch up while another process holds the lock.
BOOST_AUTO_TEST_CASE(what_is_given_up_cannot_be_cancelled_any_more) {
  using stage = request_cancelled::stage;
  auto numbered = batch(1);
  numbered.terms.request = 7;
  submit(numbered);
  numbered.terms.request = 8;
  submit(numbered);
  auto taken = port->take(10);
  port->forget(*taken[0]);
  taken[0].reset();
  BOOST_TEST((port->cancel(1, 7).found == stage::unknown));
  BOOST_TEST((port->cancel(1, 8).found == stage::running));
}

BOOST_AUTO_TEST_CASE(lanes_are_refused_with_a_reason_and_those_who_wait_too) {
  auto bulk = submit(batch(1, lane::bulk));
  auto normal = submit(batch(1));
  port->refuse(lane::bulk, errc::wal_limit, "too long", 50ms);
  BOOST_TEST(bulk->failed_with(errc::wal_limit));
  BOOST_TEST(text_of(bulk->error) == "too long");
  BOOST_TEST(retry_after_of(bulk->error).count() == 50);
  BOOST_TEST(!normal->answered());
  BOOST_TEST(submit(batch(1, lane::bulk))->failed_with(errc::wal_limit));
  port->refuse(lane::control, errc::disk_full, "full", 50ms);
  BOOST_TEST(normal->failed_with(errc::disk_full));
  BOOST_TEST(submit(batch(1, lane::control), true)->failed_with(errc::disk_full));
  port->refuse_nobody();
  BOOST_TEST(!submit(batch(1, lane::bulk))->answered());
}

BOOST_AUTO_TEST_CASE(what_waits_is_there_for_the_next_writer) {
  auto first = port->attach([] {});
  auto waiting = submit(batch(1));
  int woken = 0;
  port->attach([&] { ++woken; });
  port->detach(first); // Late: another one is there by now.
  BOOST_TEST(woken == 1);
  BOOST_TEST(!waiting->answered());
  BOOST_TEST(port->take(10).size() == 1u);
  port->take(10);
  submit(batch(1));
  BOOST_TEST(woken == 2);
}

BOOST_AUTO_TEST_CASE(the_end_comes_in_two_steps) {
  auto waiting = submit(batch(1));
  port->close_to_clients("closing");
  BOOST_TEST(!waiting->answered());
  BOOST_TEST(submit(batch(1))->failed_with(errc::unavailable));
  auto own = submit(batch(1), true);
  BOOST_TEST(!own->answered());
  port->close("closed");
  BOOST_TEST(waiting->failed_with(errc::unavailable));
  BOOST_TEST(own->failed_with(errc::unavailable));
  BOOST_TEST(submit(batch(1), true)->failed_with(errc::unavailable));
}

// Whoever executes a request and dies knows no more than its sender.
BOOST_AUTO_TEST_CASE(a_request_that_was_begun_and_dropped_has_an_unknown_outcome) {
  auto first = submit(batch(1));
  auto second = submit(batch(1));
  {
    auto taken = port->take(10);
    taken[0]->begin();
  }
  BOOST_TEST(first->failed_with(errc::commit_outcome_unknown));
  BOOST_TEST(second->failed_with(errc::unavailable));
  BOOST_TEST(port->admitted().waiting() == 0u);
}

// A writer that sleeps would take longer to wake up than most requests take.
BOOST_AUTO_TEST_CASE(a_sleeping_writer_is_lent_to_a_thread_that_waits) {
  int woken = 0;
  int lent = 0;
  auto writer = port->attach([&] { ++woken; }, [&](submitter, std::uint64_t) { ++lent; });
  who = submitter::blocked;
  submit(batch(1));
  BOOST_TEST((lent == 1 && woken == 0));
  BOOST_TEST(!port->start()); // A wake-up that comes now is in vain.
  submit(batch(2));           // While it is lent, others wait.
  BOOST_TEST((lent == 1 && woken == 0));
  auto taken = port->take(1);
  port->finished(taken.size(), 1us);
  BOOST_TEST(!port->rest(writer)); // It has to be woken.
  BOOST_TEST(port->start());
  submit(batch(3));
  BOOST_TEST((lent == 1 && woken == 0)); // It looks for itself.
  BOOST_TEST(port->take(10).size() == 2u);
  port->finished(2, 1us);
  BOOST_TEST(port->take(10).empty());
  submit(batch(1)); // Two were committed together: another one is about to come.
  BOOST_TEST((lent == 1 && woken == 1));
  submit(batch(2));
  BOOST_TEST((lent == 2 && woken == 1));
  BOOST_TEST(port->take(10).size() == 2u);
  BOOST_TEST(port->rest(writer));
  BOOST_TEST(port->lent() == 2);
}

BOOST_AUTO_TEST_CASE(an_actor_is_lent_the_writer_when_it_is_alone) {
  int woken = 0;
  int lent = 0;
  port->attach([&] { ++woken; }, [&](submitter, std::uint64_t) { ++lent; });
  who = submitter::idle;
  auto commit = [&] {
    auto taken = port->take(10);
    port->finished(taken.size(), 1us);
    port->take(10);
  };
  for (std::uint64_t client : {1, 1}) {
    submit(batch(client));
    commit();
  }
  BOOST_TEST((lent == 0 && woken == 2));
  submit(batch(1)); // Nobody else was here for three requests.
  BOOST_TEST((lent == 1 && woken == 2));
  commit();
  submit(batch(2));
  commit();
  submit(batch(1));
  BOOST_TEST((lent == 1 && woken == 4));
}

BOOST_AUTO_TEST_CASE(functions_of_an_actor_are_left_to_the_writer) {
  int lent = 0;
  port->attach([] {}, [&](submitter, std::uint64_t) { ++lent; });
  for (int i = 0; i < 5; ++i) {
    auto heard = std::make_shared<tests::heard<receipt>>();
    write_call call;
    call.terms.client = 1;
    port->submit(std::make_unique<call_request>(call, durability::normal, heard->promise()),
                 submitter::idle);
    port->take(10);
    port->finished(1, 1us);
    port->take(10);
  }
  BOOST_TEST(lent == 0);
}

BOOST_AUTO_TEST_CASE(what_is_left_over_waits_until_the_writer_is_woken) {
  int woken = 0;
  int lent = 0;
  auto writer = port->attach([&] { ++woken; }, [&](submitter, std::uint64_t) { ++lent; });
  who = submitter::blocked;
  submit(batch(1));
  port->hand_over(writer);
  submit(batch(1)); // He who borrowed it has to wake it.
  BOOST_TEST(woken == 0);
  BOOST_TEST(port->start());
  BOOST_TEST(port->take(10).size() == 2u);
}

// Or the new one would be taken to be at work, and never be woken.
BOOST_AUTO_TEST_CASE(who_was_lent_an_earlier_writer_says_nothing_of_this_one) {
  int woken = 0;
  auto before = port->attach([] {}, [](submitter, std::uint64_t) {});
  who = submitter::blocked;
  submit(batch(1));
  auto now = port->attach([&] { ++woken; });
  BOOST_TEST(woken == 1);
  port->take(10);
  port->take(10); // It sleeps.
  port->hand_over(before);
  BOOST_TEST(port->rest(before));
  submit(batch(1));
  BOOST_TEST(woken == 2);
  BOOST_TEST(now != before);
}

BOOST_AUTO_TEST_CASE(a_writer_that_goes_is_not_lent_any_more) {
  int lent = 0;
  auto number = port->attach([] {}, [&](submitter, std::uint64_t) { ++lent; });
  port->detach(number);
  who = submitter::blocked;
  submit(batch(1));
  BOOST_TEST(lent == 0);
}

BOOST_AUTO_TEST_CASE(the_longest_timeout_is_long) {
  port->attach([] {});
  auto patient = batch(1);
  patient.terms.timeout = std::chrono::milliseconds::max();
  submit(patient);
  clock->time += 24h;
  BOOST_TEST(port->take(10).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/read_port.hpp"

#include "quire/tests/support/heard.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::actors;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct port_fixture {
  using answer = std::shared_ptr<tests::heard<query_result>>;
  using answers = std::vector<answer>;

  port_fixture() {
    limits.requests_max = 20;
    limits.client_requests_max = 15;
    port = std::make_unique<actors::read_port>(limits, clock);
  }

  answer submit(std::uint64_t client, const std::string& sql = "SELECT 1",
                std::uint64_t number = 0) {
    auto result = std::make_shared<tests::heard<query_result>>();
    query content;
    content.statements = {{sql, {}}};
    content.terms.client = client;
    content.terms.request = number;
    port->submit(std::make_unique<query_request>(std::move(content), result->promise()), who);
    return result;
  }

  /// A reader that can be lent, and remembers what it was lent for.
  read_port::slot_pointer lend() {
    return port->attach_lent([this](read_port::request_pointer request, submitter) {
      closed_kept += request ? 0 : 1;
      served.push_back(std::move(request));
    });
  }

  read_limits limits;
  std::shared_ptr<tests::set_clock> clock = std::make_shared<tests::set_clock>();
  std::unique_ptr<actors::read_port> port;
  int woken[3] = {};
  submitter who = submitter::busy;
  std::vector<read_port::request_pointer> served;
  int closed_kept = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(read_port, port_fixture)

// A long query keeps nobody waiting but those that need its reader.
BOOST_AUTO_TEST_CASE(whichever_reader_is_idle_is_woken) {
  auto first = port->attach(reader_kind::slow, [&] { ++woken[0]; });
  auto second = port->attach(reader_kind::slow, [&] { ++woken[1]; });
  submit(1);
  BOOST_TEST((woken[0] == 1 && woken[1] == 0));
  auto long_query = port->take(first, 10);
  BOOST_TEST(long_query.size() == 1u);
  submit(1);
  BOOST_TEST((woken[0] == 1 && woken[1] == 1));
  BOOST_TEST(port->take(second, 10).size() == 1u);
  port->done(second);
  BOOST_TEST(port->take(second, 10).empty());
  submit(1);
  BOOST_TEST((woken[0] == 1 && woken[1] == 2));
}

BOOST_AUTO_TEST_CASE(quick_readers_leave_what_takes_long_to_those_with_a_thread) {
  auto quick = port->attach(reader_kind::quick, [&] { ++woken[0]; });
  auto slow = port->attach(reader_kind::slow, [&] { ++woken[1]; });
  submit(1, "SELECT slow");
  auto taken = port->take(quick, 10);
  BOOST_REQUIRE(taken.size() == 1u);
  BOOST_TEST(port->move(std::move(taken[0]), read_length::long_) == nullptr);
  port->done(quick);
  BOOST_TEST((woken[0] == 1 && woken[1] == 1));
  BOOST_TEST(port->take(slow, 10).size() == 1u);
  port->done(slow);
  BOOST_TEST(port->take(slow, 10).empty());
  port->take(quick, 10);
  submit(1, "SELECT slow"); // Known by now.
  BOOST_TEST((woken[0] == 1 && woken[1] == 2));
  submit(1, "SELECT fast");
  BOOST_TEST((woken[0] == 2 && woken[1] == 2));
  BOOST_TEST(port->moved() == 1);
}

BOOST_AUTO_TEST_CASE(without_readers_with_a_thread_a_request_stays) {
  auto quick = port->attach(reader_kind::quick, [] {});
  submit(1);
  auto taken = port->take(quick, 10);
  BOOST_TEST(port->move(std::move(taken.at(0)), read_length::long_) != nullptr);
}

BOOST_AUTO_TEST_CASE(past_the_limits_requests_are_refused) {
  answers kept;
  for (int i = 0; i < 15; ++i)
    kept.push_back(submit(1));
  BOOST_TEST(submit(1)->failed_with(errc::overloaded));
  for (int i = 0; i < 5; ++i)
    kept.push_back(submit(2));
  BOOST_TEST(submit(2)->failed_with(errc::overloaded));
  BOOST_TEST(port->refused() == 2);
  for (auto& one : kept)
    BOOST_TEST(!one->answered());
}

BOOST_AUTO_TEST_CASE(requests_are_cancelled_and_expire) {
  using stage = request_cancelled::stage;
  auto reader = port->attach(reader_kind::slow, [] {});
  auto waiting = submit(1, "SELECT 1", 5);
  BOOST_TEST((port->cancel(1, 5).found == stage::waiting));
  BOOST_TEST(waiting->failed_with(errc::cancelled));
  auto running = submit(1, "SELECT 1", 5);
  auto taken = port->take(reader, 10);
  BOOST_TEST((port->cancel(1, 5).found == stage::running));
  BOOST_TEST(taken.at(0)->stopped());
  taken.clear();
  port->done(reader);
  auto late = submit(1);
  clock->time += 31s;
  BOOST_TEST(!port->expire());
  BOOST_TEST(late->failed_with(errc::expired));
}

BOOST_AUTO_TEST_CASE(behind_a_closed_gate_no_snapshot_is_begun) {
  int cleared = 0;
  auto first = port->attach(reader_kind::slow, [&] { ++woken[0]; });
  auto second = port->attach(reader_kind::slow, [&] { ++woken[1]; });
  submit(1);
  auto taken = port->take(first, 10);
  port->close_gate([&] { ++cleared; });
  BOOST_TEST(cleared == 0); // It is still open.
  submit(1);
  BOOST_TEST(woken[1] == 0);
  BOOST_TEST(port->take(second, 10).empty());
  BOOST_TEST(!port->hold_snapshot(second, "a stream"));
  port->done(first);
  BOOST_TEST(cleared == 1);
  BOOST_TEST(port->take(first, 10).empty());
  port->open_gate();
  BOOST_TEST((woken[0] + woken[1] == 2));
  BOOST_TEST(port->take(first, 10).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_gate_with_nobody_behind_it_is_clear_at_once) {
  int cleared = 0;
  port->close_gate([&] { ++cleared; });
  BOOST_TEST(cleared == 1);
}

// A reader that dies must not keep the log from being emptied.
BOOST_AUTO_TEST_CASE(the_snapshot_of_a_dead_reader_is_gone) {
  int cleared = 0;
  auto reader = port->attach(reader_kind::slow, [] {});
  submit(1);
  auto taken = port->take(reader, 10);
  port->close_gate([&] { ++cleared; });
  taken.clear();
  port->detach(reader);
  BOOST_TEST(cleared == 1);
}

BOOST_AUTO_TEST_CASE(the_oldest_snapshot_is_known_with_its_sql_and_can_be_ended) {
  auto first = port->attach(reader_kind::slow, [] {});
  auto second = port->attach(reader_kind::slow, [] {});
  BOOST_TEST(!port->oldest().has_value());
  submit(1, "SELECT old");
  auto taken = port->take(first, 10);
  first->current = taken.at(0).get();
  clock->time += 10s;
  BOOST_TEST(port->hold_snapshot(second, "a stream"));
  clock->time += 1s;
  BOOST_TEST(port->oldest()->what == "SELECT old");
  BOOST_TEST(port->oldest()->age.count() == 11'000);
  auto ended = port->expire_older(5s);
  BOOST_REQUIRE(ended.size() == 1u);
  BOOST_TEST(ended[0].what == "SELECT old");
  BOOST_TEST((first->expire && !second->expire));
  BOOST_TEST(port->expire_older(5s).empty()); // Told once.
  taken.clear();
  port->done(first);
  BOOST_TEST(port->oldest()->what == "a stream");
}

BOOST_AUTO_TEST_CASE(what_is_known_as_long_is_tried_again_some_day) {
  auto quick = port->attach(reader_kind::quick, [] {});
  auto slow = port->attach(reader_kind::slow, [] {});
  submit(1, "SELECT slow");
  auto taken = port->take(quick, 1);
  port->move(std::move(taken.at(0)), read_length::long_);
  port->done(quick);
  int asked = 0;
  for (auto found = port->take(slow, 1); !found.empty(); found = port->take(slow, 1)) {
    port->done(slow);
    submit(1, "SELECT slow");
    ++asked;
  }
  BOOST_TEST(asked == 1001);
  BOOST_TEST(port->take(quick, 1).size() == 1u);
}

// Nobody need be woken for what its own thread can do.
BOOST_AUTO_TEST_CASE(a_reader_is_lent_to_who_can_use_it) {
  auto quick = port->attach(reader_kind::quick, [&] { ++woken[0]; });
  auto lent = lend();
  submit(1);
  BOOST_TEST((served.empty() && woken[0] == 1)); // He has other things to do.
  who = submitter::idle;
  submit(1);
  BOOST_REQUIRE(served.size() == 1u);
  who = submitter::blocked;
  submit(1); // It is in use.
  BOOST_TEST(served.size() == 1u);
  BOOST_TEST(port->give_back(lent, false));
  submit(1);
  BOOST_TEST(served.size() == 2u);
  BOOST_TEST(port->lent() == 2);
}

BOOST_AUTO_TEST_CASE(an_actor_is_lent_a_reader_for_a_moment_only) {
  auto quick = port->attach(reader_kind::quick, [&] { ++woken[0]; });
  auto lent = lend();
  who = submitter::idle;
  auto heard = std::make_shared<tests::heard<read_done>>();
  read_call call;
  call.quick = true;
  port->submit(std::make_unique<read_call_request>(std::move(call), heard->promise()), who);
  BOOST_TEST((served.empty() && woken[0] == 1)); // He may hold what the function waits for.
  submit(1, "SELECT some");
  BOOST_REQUIRE(served.size() == 1u);
  BOOST_TEST(!port->move(std::move(served[0]), read_length::brief));
  port->give_back(lent, false);
  submit(1, "SELECT some");
  BOOST_TEST(served.size() == 1u);
  who = submitter::blocked; // Who waits in any case has the time.
  submit(1, "SELECT some");
  BOOST_TEST(served.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_kept_snapshot_is_closed_when_nobody_uses_it_or_somebody_needs_it) {
  int armed = 0;
  int cleared = 0;
  port->watch_kept([&] { ++armed; });
  auto lent = lend();
  who = submitter::blocked;
  submit(1);
  BOOST_TEST(port->give_back(lent, true));
  BOOST_TEST(armed == 1);
  BOOST_TEST(!port->oldest().has_value());          // It is in nobody's way.
  BOOST_TEST(port->close_kept(clock->time - 10ms)); // It has just been used.
  BOOST_TEST(closed_kept == 0);
  clock->time += 20ms;
  BOOST_TEST(!port->close_kept(clock->time - 10ms));
  BOOST_TEST(closed_kept == 1);
  BOOST_TEST(port->give_back(lent, false));
  submit(1);
  BOOST_TEST(port->give_back(lent, true));
  BOOST_TEST(armed == 2);
  port->close_gate([&] { ++cleared; });
  BOOST_TEST((closed_kept == 2 && cleared == 0));
  BOOST_TEST(port->give_back(lent, false));
  BOOST_TEST(cleared == 1);
  submit(1); // Not now.
  BOOST_TEST(served.size() == 4u);
}

// Or each checkpoint would begin another watch beside the one there is.
BOOST_AUTO_TEST_CASE(only_who_watches_ends_the_watch) {
  int armed = 0;
  port->watch_kept([&] { ++armed; });
  auto lent = lend();
  who = submitter::blocked;
  submit(1);
  port->give_back(lent, true);
  BOOST_TEST(armed == 1);
  port->close_kept(); // For a checkpoint.
  port->give_back(lent, false);
  submit(1);
  port->give_back(lent, true);
  BOOST_TEST(armed == 1);
}

BOOST_AUTO_TEST_CASE(behind_a_closed_gate_nobody_keeps_a_snapshot) {
  auto lent = lend();
  who = submitter::blocked;
  submit(1);
  port->close_gate([] {});
  BOOST_TEST(!port->give_back(lent, true));
  BOOST_TEST(port->give_back(lent, false));
}

// The next snapshot of a batch is a new one: it is neither as old as the first, nor may it be
// begun behind a closed gate.
BOOST_AUTO_TEST_CASE(each_snapshot_of_a_batch_counts_for_itself) {
  auto first = port->attach(reader_kind::slow, [&] { ++woken[0]; });
  auto one = submit(1);
  auto two = submit(2);
  auto taken = port->take(first, 2);
  clock->time += 10s;
  BOOST_TEST(port->expire_older(5s).size() == 1u);
  BOOST_TEST(port->renew(first));
  BOOST_TEST(!first->expire);
  BOOST_TEST(port->oldest()->age.count() == 0);
  int cleared = 0;
  port->close_gate([&] { ++cleared; });
  BOOST_TEST(!port->renew(first));
  port->put_back(first, std::move(taken));
  BOOST_TEST(cleared == 1);
  BOOST_TEST((!one->answered() && !two->answered()));
  BOOST_TEST(port->take(first, 2).empty());
  port->open_gate();
  BOOST_TEST(port->take(first, 2).size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_comes_back_to_a_closed_port_is_answered) {
  auto first = port->attach(reader_kind::slow, [] {});
  auto one = submit(1);
  auto taken = port->take(first, 2);
  port->close("closed");
  port->put_back(first, std::move(taken));
  BOOST_TEST(one->failed_with(errc::unavailable));
}

// Otherwise what it was woken for would wait until the next request comes.
BOOST_AUTO_TEST_CASE(who_goes_passes_on_that_it_was_woken) {
  auto first = port->attach(reader_kind::slow, [&] { ++woken[0]; });
  auto second = port->attach(reader_kind::slow, [&] { ++woken[1]; });
  submit(1);
  BOOST_TEST((woken[0] == 1 && woken[1] == 0));
  port->detach(first);
  BOOST_TEST(woken[1] == 1);
}

BOOST_AUTO_TEST_CASE(a_guest_is_told_that_its_snapshot_must_go) {
  auto guest = port->attach(reader_kind::guest, [&] { ++woken[0]; });
  BOOST_TEST(port->hold_snapshot(guest, "a stream"));
  clock->time += 10s;
  BOOST_TEST(port->expire_older(5s).size() == 1u);
  BOOST_TEST(woken[0] == 1);
}

BOOST_AUTO_TEST_CASE(the_longest_timeout_is_long) {
  auto reader = port->attach(reader_kind::slow, [] {});
  query content;
  content.statements = {{"SELECT 1", {}}};
  content.terms.timeout = std::chrono::milliseconds::max();
  auto heard = std::make_shared<tests::heard<query_result>>();
  port->submit(std::make_unique<query_request>(content, heard->promise()));
  clock->time += 24h;
  BOOST_TEST(port->take(reader, 1).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

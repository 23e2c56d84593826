#include "quire/messages/caf_replies.hpp"

#include "quire/messages/query.hpp"
#include "quire/tests/support/actor_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <limits>

using namespace quire;
using namespace quire::messages;

namespace {

using asked_actor = caf::typed_actor<caf::replies_to<query>::with<query_result>>;

/// Handles a query itself, at once: with an answer.
struct answers_at_once {
  template <class Content, class MakeReply>
  bool operator()(Content& content, const front_sender&, MakeReply reply) const {
    if (!content_as<query>(content))
      return false;
    auto address = reply();
    address.deliver(query_result{});
    return true;
  }
};

/// Lets actors have whole turns, as the scheduler of a program does; that of tests gives each
/// but one message.
class whole_turns final : public caf::execution_unit {
public:
  explicit whole_turns(caf::scheduler::test_coordinator& scheduler)
    : caf::execution_unit(&scheduler.system()), scheduler_(scheduler) {}

  void exec_later(caf::resumable* job) override { scheduler_.jobs.push_back(job); }

  /// Returns false if nobody has anything to do.
  bool run_once() {
    if (scheduler_.jobs.empty())
      return false;
    auto* job = scheduler_.jobs.front();
    scheduler_.jobs.pop_front();
    if (job->resume(this, std::numeric_limits<std::size_t>::max()) == caf::resumable::resume_later)
      exec_later(job);
    else
      job->intrusive_ptr_release_impl();
    return true;
  }

private:
  caf::scheduler::test_coordinator& scheduler_;
};

struct front_fixture : tests::actor_fixture {
  front_fixture() {
    asked_actor behind = system.spawn(
      []() -> asked_actor::behavior_type { return {[](const query&) { return query_result{}; }}; });
    front = in_front_of(system, behind, answers_at_once{});
    settle();
  }

  /// An actor that asks again whenever it is answered, until it was answered `count` times.
  void spawn_asker(int count) {
    system.spawn([this, count](caf::event_based_actor* asker) { ask(asker, count); });
  }

  void ask(caf::event_based_actor* asker, int left) {
    if (left == 0)
      return;
    ask_without_limit(asker, front, query{})
      .then(
        [this, asker, left](const query_result&) {
          ++answered;
          ask(asker, left - 1);
        },
        [](const caf::error&) { BOOST_ERROR("it was not answered"); });
  }

  whole_turns turns{scheduler};
  asked_actor front;
  int answered = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(front, front_fixture)

// Otherwise whoever is answered at once would keep all others from its thread.
BOOST_AUTO_TEST_CASE(an_actor_that_is_always_answered_at_once_lets_others_have_a_turn) {
  spawn_asker(100);
  int most = 0;
  for (int before = 0; turns.run_once(); before = answered)
    most = std::max(most, answered - before);
  BOOST_TEST(answered == 100);
  BOOST_TEST(most == static_cast<int>(own_turn::cycles_max));
}

// They were not sent because of an answer: the next turn would change nothing.
BOOST_AUTO_TEST_CASE(what_is_sent_in_one_go_is_answered_in_one_go) {
  system.spawn([this](caf::event_based_actor* asker) {
    for (int i = 0; i < 100; ++i)
      ask(asker, 1);
  });
  BOOST_TEST(turns.run_once());
  BOOST_TEST(answered == 100);
  settle();
}

BOOST_AUTO_TEST_SUITE_END()

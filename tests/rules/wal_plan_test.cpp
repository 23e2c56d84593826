#include "quire/actors/wal_plan.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::actors;
using namespace std::chrono_literals;

namespace {

using step = actors::wal_plan::step;
constexpr actors::wal_plan::time_point start{1000s};

wal_limits small() {
  wal_limits limits;
  limits.gate_bytes = 16'000;
  limits.expire_bytes = 64'000;
  limits.end_bytes = 80'000;
  limits.refuse_bytes = 100'000;
  return limits;
}

} // namespace

BOOST_AUTO_TEST_SUITE(wal_plan)

BOOST_AUTO_TEST_CASE(the_log_is_moved_in_a_quiet_moment_but_not_at_any_price) {
  actors::wal_plan plan;
  BOOST_TEST((plan.due(999, 1, false, start) == step::none));
  BOOST_TEST((plan.due(1000, 1, false, start) == step::move));
  BOOST_TEST((plan.due(3999, 1, true, start) == step::none));
  BOOST_TEST((plan.due(4000, 1, true, start) == step::move));
}

BOOST_AUTO_TEST_CASE(after_a_move_the_log_must_grow_again) {
  actors::wal_plan plan;
  plan.moved(1200);
  BOOST_TEST(
    (plan.due(2199, 1, false, start) == step::none)); // A reader kept it from starting over.
  BOOST_TEST((plan.due(2200, 1, false, start) == step::move));
  BOOST_TEST((plan.due(100, 1, false, start) == step::none)); // It started over.
  BOOST_TEST((plan.due(1000, 1, false, start) == step::move));
}

// Otherwise readers that overlap would let it grow without an end.
BOOST_AUTO_TEST_CASE(a_log_that_is_too_long_is_emptied_behind_a_gate) {
  actors::wal_plan plan{small()};
  BOOST_TEST((plan.due(15'999, 1, true, start) != step::gate));
  BOOST_TEST((plan.due(16'000, 1, true, start) == step::gate));
  plan.gate_tried(step::gate, true, 16'000, start);
  BOOST_TEST((plan.due(16'000, 1, true, start + 999ms) != step::gate));
  BOOST_TEST((plan.due(16'000, 1, true, start + 1000ms) == step::gate));
}

BOOST_AUTO_TEST_CASE(a_gate_that_was_in_vain_is_tried_less_and_less_often) {
  actors::wal_plan plan{small()};
  auto now = start;
  for (auto pause : {2s, 4s, 8s, 16s, 32s, 32s}) {
    plan.gate_tried(step::gate, false, 16'000, now);
    BOOST_TEST((plan.due(16'000, 1, true, now + pause - 1ms) != step::gate));
    now += pause;
    BOOST_TEST((plan.due(16'000, 1, true, now) == step::gate));
  }
  plan.gate_tried(step::gate, true, 16'000, now);
  BOOST_TEST((plan.due(16'000, 1, true, now + 1s) == step::gate));
}

BOOST_AUTO_TEST_CASE(past_the_second_limit_snapshots_are_ended_without_delay) {
  actors::wal_plan plan{small()};
  for (int i = 0; i < 6; ++i)
    plan.gate_tried(step::gate, false, 16'000, start);
  BOOST_TEST((plan.due(64'000, 1, true, start + 999ms) != step::expire));
  BOOST_TEST((plan.due(64'000, 1, true, start + 1s) == step::expire));
}

// Reads that overlap must never be why writes are refused.
BOOST_AUTO_TEST_CASE(before_writes_are_refused_every_snapshot_is_ended) {
  actors::wal_plan plan{small()};
  BOOST_TEST((plan.due(79'999, 1, true, start) == step::expire));
  BOOST_TEST((plan.due(80'000, 1, true, start) == step::end));
  plan.gate_tried(step::end, true, 80'000, start);
  BOOST_TEST((plan.due(80'000, 1, true, start + 99ms) != step::end));
  BOOST_TEST((plan.due(80'000, 1, true, start + 100ms) == step::end));
}

// Then another process holds the snapshot, and ours would be ended for nothing.
BOOST_AUTO_TEST_CASE(snapshots_ended_in_vain_are_ended_less_often) {
  actors::wal_plan plan{small()};
  auto now = start;
  for (auto pause : {200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    plan.gate_tried(step::end, false, 80'000, now);
    BOOST_TEST((plan.due(80'000, 1, true, now + pause - 1ms) == step::none));
    now += pause;
    BOOST_TEST((plan.due(80'000, 1, true, now) == step::end));
  }
  plan.gate_tried(step::end, true, 80'000, now);
  BOOST_TEST((plan.due(80'000, 1, true, now + 100ms) == step::end));
}

BOOST_AUTO_TEST_CASE(other_gates_in_vain_do_not_put_off_the_end_of_snapshots) {
  actors::wal_plan plan{small()};
  plan.gate_tried(step::gate, false, 16'000, start);
  plan.gate_tried(step::expire, false, 64'000, start);
  BOOST_TEST((plan.due(80'000, 1, true, start) == step::end));
  plan.gate_tried(step::end, false, 80'000, start);
  BOOST_TEST((plan.due(80'000, 1, true, start + 199ms) == step::none));
  plan.gate_tried(step::gate, false, 80'000, start + 199ms);
  BOOST_TEST((plan.due(80'000, 1, true, start + 200ms) == step::end));
}

// On a loaded machine 50 ms are too few for all of them to be scheduled once.
BOOST_AUTO_TEST_CASE(who_was_ended_gets_more_time_to_notice) {
  actors::wal_plan plan{small()};
  BOOST_TEST((plan.patience(step::gate) == 50ms));
  BOOST_TEST((plan.patience(step::expire) == 50ms)); // Younger ones may still be open.
  BOOST_TEST((plan.patience(step::end) == 250ms));
}

BOOST_AUTO_TEST_CASE(past_the_last_limit_bulk_is_refused_first_then_everybody) {
  actors::wal_plan plan{small()};
  BOOST_TEST(!plan.refused(99'999, 1).has_value());
  BOOST_TEST((plan.refused(100'000, 1) == lane::bulk));
  BOOST_TEST((plan.refused(124'999, 1) == lane::bulk));
  BOOST_TEST((plan.refused(125'000, 1) == lane::interactive));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/admission.hpp"
#include "quire/actors/checkpoint_plan.hpp"
#include "quire/actors/reader_slots.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace quire::actors;

BOOST_AUTO_TEST_SUITE(reader_slots)

BOOST_AUTO_TEST_CASE(the_reader_with_the_fewest_requests_gets_the_next) {
  std::vector<reader_load> readers{{true, 3}, {true, 1}, {true, 2}};
  BOOST_TEST(choose_reader(readers, 0, 100).value() == 1u);
}

BOOST_AUTO_TEST_CASE(among_equals_it_goes_round) {
  std::vector<reader_load> readers{{true, 0}, {true, 0}, {true, 0}};
  BOOST_TEST(choose_reader(readers, 0, 100).value() == 1u);
  BOOST_TEST(choose_reader(readers, 1, 100).value() == 2u);
  BOOST_TEST(choose_reader(readers, 2, 100).value() == 0u);
}

BOOST_AUTO_TEST_CASE(the_dead_get_nothing) {
  std::vector<reader_load> readers{{false, 0}, {true, 9}};
  BOOST_TEST(choose_reader(readers, 0, 100).value() == 1u);
  readers[1].alive = false;
  BOOST_TEST(!choose_reader(readers, 0, 100).has_value());
}

BOOST_AUTO_TEST_CASE(past_the_limit_everybody_is_refused) {
  std::vector<reader_load> readers{{true, 5}, {true, 4}};
  BOOST_TEST(choose_reader(readers, 0, 10).has_value());
  BOOST_TEST(!choose_reader(readers, 0, 9).has_value());
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

BOOST_AUTO_TEST_CASE(a_checkpoint_waits_for_a_quiet_moment_but_not_for_ever) {
  checkpoint_plan plan{1000, 4000, 16'000};
  BOOST_TEST((plan.due(999, false) == checkpoint_step::none));
  BOOST_TEST((plan.due(1000, false) == checkpoint_step::move));
  BOOST_TEST((plan.due(3999, true) == checkpoint_step::none));
  BOOST_TEST((plan.due(4000, true) == checkpoint_step::move));
}

BOOST_AUTO_TEST_CASE(after_a_checkpoint_the_log_must_grow_again) {
  checkpoint_plan plan{1000, 4000, 16'000};
  plan.done(1200);
  BOOST_TEST((plan.due(2199, false) == checkpoint_step::none)); // A reader kept it from starting over.
  BOOST_TEST((plan.due(2200, false) == checkpoint_step::move));
  BOOST_TEST((plan.due(100, false) == checkpoint_step::none)); // It started over.
  BOOST_TEST((plan.due(1000, false) == checkpoint_step::move));
}

// Otherwise readers that overlap would let it grow without an end.
BOOST_AUTO_TEST_CASE(a_log_that_is_too_long_is_made_to_start_over) {
  checkpoint_plan plan{1000, 4000, 16'000};
  plan.done(15'999);
  BOOST_TEST((plan.due(16'000, true) == checkpoint_step::restart));
  plan.done(16'000, checkpoint_step::restart);
  BOOST_TEST((plan.due(19'999, true) == checkpoint_step::none)); // In vain: not at every commit.
  BOOST_TEST((plan.due(17'000, false) == checkpoint_step::move));
  BOOST_TEST((plan.due(20'000, true) == checkpoint_step::restart));
  plan.done(20'000, checkpoint_step::restart);
  BOOST_TEST((plan.due(10, true) == checkpoint_step::none)); // It started over.
  BOOST_TEST((plan.due(16'000, true) == checkpoint_step::restart));
}

BOOST_AUTO_TEST_SUITE_END()

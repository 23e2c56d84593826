#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/task.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;

BOOST_AUTO_TEST_SUITE(task_state)

using state = quire::task_state;

BOOST_AUTO_TEST_CASE(every_state_reads_back_from_its_name) {
  BOOST_TEST(all_task_states().size() == 12u);
  for (auto one : all_task_states())
    BOOST_TEST((task_state_from_string(to_string(one)) == one));
  BOOST_TEST(!task_state_from_string("pending").has_value());
}

BOOST_AUTO_TEST_CASE(the_last_five_states_are_terminal) {
  int terminal = 0;
  for (auto one : all_task_states())
    terminal += is_terminal(one);
  BOOST_TEST(terminal == 5);
  BOOST_TEST(is_terminal(state::partial_success));
  BOOST_TEST(!is_terminal(state::suspended));
}

BOOST_AUTO_TEST_CASE(a_success_is_final_and_nothing_is_completed_without_running) {
  for (auto one : all_task_states()) {
    BOOST_TEST(!can_transition(state::completed, one));
    BOOST_TEST(!can_transition(state::skipped, one));
    if (one != state::running)
      BOOST_TEST(!can_transition(one, state::completed));
  }
}

BOOST_AUTO_TEST_CASE(whatever_has_not_ended_can_be_cancelled) {
  for (auto one : all_task_states())
    BOOST_TEST(can_transition(one, state::cancelled) == !is_terminal(one));
}

BOOST_AUTO_TEST_CASE(only_a_ready_task_is_claimed) {
  for (auto one : all_task_states())
    BOOST_TEST(can_transition(one, state::running) == (one == state::ready));
}

BOOST_AUTO_TEST_CASE(an_edge_is_satisfied_by_the_ends_it_names_and_never_by_a_stage_that_goes_on) {
  using enum edge_condition;
  using stage = quire::stage_state;
  for (auto condition : {success, not_failed, failed, any})
    for (auto going_on : {stage::waiting, stage::fanning, stage::running})
      BOOST_TEST(!satisfied(condition, going_on));
  BOOST_TEST(satisfied(success, stage::completed));
  BOOST_TEST(!satisfied(success, stage::partial_success));
  BOOST_TEST(satisfied(not_failed, stage::partial_success));
  BOOST_TEST(!satisfied(not_failed, stage::skipped));
  BOOST_TEST(satisfied(failed, stage::failed));
  BOOST_TEST(!satisfied(failed, stage::partial_success));
  BOOST_TEST(satisfied(any, stage::skipped));
  for (auto condition : {success, not_failed, failed, any})
    BOOST_TEST((edge_condition_from_string(to_string(condition)) == condition));
}

BOOST_AUTO_TEST_CASE(a_failure_always_has_a_reason) {
  BOOST_TEST(!task_outcome::failure("").error.empty());
  BOOST_TEST((task_outcome::failure("x").what == task_outcome::verdict::failed));
}

BOOST_AUTO_TEST_SUITE_END()

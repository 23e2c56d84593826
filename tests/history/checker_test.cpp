// The checker finds each anomaly when it is planted, and nothing in a good history.

#include "quire/tests/history/checker.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>
#include <string>

using namespace quire::tests;

namespace {

/// A good history: three writes of two sessions, one refused, one without an answer,
/// and reads between them. Values are write * 8 + index.
struct good_history {
  good_history() {
    for (int id = 1; id <= 5; ++id) {
      auto& write = all.writes[id];
      write.id = id;
      write.session = id % 2;
      write.life = 1;
      write.invoked = id * 100;
      write.ended = id * 100 + 50;
      write.appends = {10, 20, 10};
      write.sets = {7};
      write.end = write_end::committed;
      write.commit_seq = id;
    }
    all.writes[4].end = write_end::refused;
    all.writes[4].commit_seq = 0;
    all.writes[5].end = write_end::open;
    all.writes[5].ended = 0;
    all.writes[5].commit_seq = 0;
    all.final.writes = {1, 2, 3};
    all.final.lists = {{10, {8, 10, 16, 18, 24, 26}}, {20, {9, 17, 25}}};
    all.final.registers = {{7, 27}};
    all.writes[2].seen = state(1, {8, 10}, {9}, 11);
    for (int number = 0; number <= 3; ++number)
      read(number * 100 + 60, number);
  }

  static seen_state state(std::int64_t writes, std::vector<std::int64_t> of_10,
                          std::vector<std::int64_t> of_20, std::int64_t of_7) {
    return {writes, writes, {{10, std::move(of_10)}, {20, std::move(of_20)}}, {{7, of_7}}};
  }

  /// What is there after `writes` of them.
  seen_state state_after(std::int64_t writes) const {
    auto seen = state(writes, {}, {}, writes ? value_of(writes, 3) : 0);
    for (std::int64_t id = 1; id <= writes; ++id) {
      seen.lists[0].second.insert(seen.lists[0].second.end(), {value_of(id, 0), value_of(id, 2)});
      seen.lists[1].second.push_back(value_of(id, 1));
    }
    return seen;
  }

  /// A read of session 9 from `when` on that sees the first `writes`.
  read_operation& read(moment_ns when, std::int64_t writes, int session = 9) {
    all.reads.push_back({session, 1, when, when + 20, state_after(writes)});
    return all.reads.back();
  }

  std::set<std::string_view> kinds() const {
    std::set<std::string_view> result;
    for (auto& finding : checker(all).run())
      result.insert(to_string(finding.kind));
    return result;
  }

  /// Nothing but `kind` is found.
  void expect(anomaly kind) const {
    std::set<std::string_view> wanted{to_string(kind)};
    auto found = kinds();
    BOOST_TEST(found == wanted, boost::test_tools::per_element());
  }

  history all;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(checker, good_history)

BOOST_AUTO_TEST_CASE(a_good_history_has_no_findings) {
  BOOST_TEST(kinds().empty());
}

BOOST_AUTO_TEST_CASE(a_write_without_an_answer_may_be_there) {
  all.final.writes.push_back(5);
  all.final.lists = {{10, {8, 10, 16, 18, 24, 26, 40, 42}}, {20, {9, 17, 25, 41}}};
  all.final.registers[7] = 43;
  BOOST_TEST(kinds().empty());
}

BOOST_AUTO_TEST_CASE(a_lost_acknowledged_write) {
  all.final.writes = {1, 2};
  all.final.lists = {{10, {8, 10, 16, 18}}, {20, {9, 17}}};
  all.final.registers[7] = 19;
  all.reads.pop_back();
  expect(anomaly::lost_write);
}

BOOST_AUTO_TEST_CASE(a_lost_register) {
  all.final.registers[7] = 19;
  expect(anomaly::lost_write);
}

BOOST_AUTO_TEST_CASE(a_read_of_what_was_refused) {
  read(600, 3).seen.lists[1].second.push_back(value_of(4, 1));
  expect(anomaly::aborted_read);
}

BOOST_AUTO_TEST_CASE(a_read_of_what_vanished_later) {
  read(600, 3).seen.lists[1].second.push_back(value_of(5, 1));
  expect(anomaly::aborted_read);
}

BOOST_AUTO_TEST_CASE(a_read_of_a_register_that_was_refused) {
  read(600, 3).seen.registers[0].second = value_of(4, 3);
  expect(anomaly::aborted_read);
}

BOOST_AUTO_TEST_CASE(a_read_in_the_middle_of_a_write) {
  read(600, 3).seen.lists[0].second.pop_back();
  expect(anomaly::intermediate_read);
}

BOOST_AUTO_TEST_CASE(a_write_that_took_effect_twice) {
  all.final.lists[20].push_back(25);
  all.reads.clear();
  expect(anomaly::duplicate_effect);
}

BOOST_AUTO_TEST_CASE(a_read_of_a_value_twice) {
  read(600, 3).seen.lists[1].second.push_back(25);
  expect(anomaly::duplicate_effect);
}

BOOST_AUTO_TEST_CASE(a_session_that_sees_less_than_before) {
  // While write 3 is on its way, it may be seen or not, but not first seen and then not.
  all.reads.clear();
  all.writes[3].ended = 500;
  read(350, 3);
  read(380, 2);
  expect(anomaly::non_monotonic_read);
}

BOOST_AUTO_TEST_CASE(a_session_that_does_not_see_its_own_write) {
  all.reads.clear();
  read(360, 2, 1);
  expect(anomaly::unseen_own_write);
}

BOOST_AUTO_TEST_CASE(a_write_that_is_there_in_part) {
  all.final.lists[20] = {9, 17};
  all.reads.clear();
  expect(anomaly::torn_write);
}

BOOST_AUTO_TEST_CASE(a_write_without_an_answer_that_is_there_in_part) {
  all.final.lists[20].push_back(41);
  all.reads.clear();
  expect(anomaly::torn_write);
}

BOOST_AUTO_TEST_CASE(two_statements_of_a_read_that_see_two_states) {
  all.writes[3].ended = 500;
  all.reads.clear();
  read(350, 3).seen.writes_first = 2;
  expect(anomaly::fractured_read);
}

BOOST_AUTO_TEST_CASE(two_lists_of_a_read_of_two_states) {
  read(600, 3).seen.lists[1].second.pop_back();
  expect(anomaly::fractured_read);
}

BOOST_AUTO_TEST_CASE(a_register_of_another_state_than_the_lists) {
  read(600, 3).seen.registers[0].second = 19;
  expect(anomaly::fractured_read);
}

// The write was acknowledged to another session.
BOOST_AUTO_TEST_CASE(a_read_that_misses_an_acknowledged_write) {
  read(260, 1, 8);
  expect(anomaly::stale_read);
}

// Nobody acknowledged the write yet, but another session has seen it.
BOOST_AUTO_TEST_CASE(a_read_that_misses_what_another_saw) {
  all.reads.clear();
  all.writes[3].ended = 500;
  read(350, 3);
  read(380, 2, 8);
  expect(anomaly::stale_read);
}

BOOST_AUTO_TEST_CASE(a_read_after_a_restart_that_misses_what_was_before) {
  read(600, 2, 8).life = 2;
  expect(anomaly::stale_after_restart);
}

BOOST_AUTO_TEST_CASE(a_refused_write_that_happened) {
  all.final.writes.push_back(4);
  all.final.lists = {{10, {8, 10, 16, 18, 24, 26, 32, 34}}, {20, {9, 17, 25, 33}}};
  all.final.registers[7] = 35;
  expect(anomaly::refused_but_applied);
}

BOOST_AUTO_TEST_CASE(a_value_that_nobody_wrote) {
  all.final.lists[20].push_back(801);
  all.reads.clear();
  expect(anomaly::unknown_value);
}

BOOST_AUTO_TEST_CASE(a_value_in_the_wrong_list) {
  read(600, 3).seen.lists[1].second.push_back(26);
  expect(anomaly::unknown_value);
}

BOOST_AUTO_TEST_CASE(a_write_that_did_not_see_the_one_before_it) {
  all.writes[2].seen = state(0, {}, {}, 0);
  expect(anomaly::lost_update);
}

BOOST_AUTO_TEST_CASE(receipts_in_another_order_than_the_commits) {
  all.writes[2].commit_seq = 3;
  all.writes[3].commit_seq = 2;
  expect(anomaly::wrong_sequence);
}

// Each was acknowledged before the next was requested.
BOOST_AUTO_TEST_CASE(commits_in_another_order_than_their_answers) {
  all.writes[2].invoked = 400;
  all.writes[2].ended = 450;
  all.reads.clear();
  expect(anomaly::wrong_sequence);
}

BOOST_AUTO_TEST_CASE(the_lines_of_a_history_are_read_back) {
  std::istringstream file("i 1 0 2 100 a10 a20 a10 s7\no 1 150 4 0 0 l10= g7=0\n"
                          "i 2 1 2 200 a20\nf 2 250 constraint\ni 3 1 2 300 a20\nu 3 350 timeout\n"
                          "r 9 2 400 420 1 1 l10=8,10 l20=9 g7=11\nW 1\nL10 8 10\nL20 9\nR7 11\n"
                          "r 9 2 500 5");
  history_reader reader;
  reader.read(file);
  all = reader.take();
  BOOST_TEST(kinds().empty());
  BOOST_TEST(all.writes.at(1).life == 2);
  BOOST_TEST(all.writes.at(1).commit_seq == 4);
  BOOST_TEST(all.writes.at(1).seen->lists.at(0).second.empty());
  BOOST_CHECK(all.writes.at(2).end == write_end::refused);
  BOOST_CHECK(all.writes.at(3).end == write_end::open);
  BOOST_REQUIRE(all.reads.size() == 1u); // The last line is cut off.
  BOOST_TEST(to_words(all.reads[0].seen) == "1 1 l10=8,10 l20=9 g7=11");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_none_is_an_error) {
  for (std::string text : {"x 1\n", "o 1 100 1\n", "r 9 2\n", "r 9 2 400 420 1 1 nonsense\n",
                           "i 1 0 1 100 a1\ni 1 0 1 100 a1\n"}) {
    std::istringstream file(text);
    history_reader reader;
    BOOST_CHECK_THROW(reader.read(file), std::exception);
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/storage/tenant_shares.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <string>
#include <vector>

using shares_of_all = quire::storage::tenant_shares;

namespace {

struct tenant {
  std::string name;
  std::int64_t weight = 1;
};

/// Serves the one that stands first, and returns its name.
std::string serve_next(shares_of_all& shares, const std::vector<tenant>& waiting) {
  auto next = std::ranges::min_element(waiting, {}, [&](auto& x) { return shares.standing(x.name); });
  shares.serve(next->name, next->weight);
  return next->name;
}

std::string turns(shares_of_all& shares, const std::vector<tenant>& waiting, int count) {
  std::string served;
  for (int i = 0; i < count; ++i)
    served += serve_next(shares, waiting);
  return served;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tenant_shares)

BOOST_AUTO_TEST_CASE(equal_tenants_take_turns) {
  shares_of_all shares;
  BOOST_TEST(turns(shares, {{"a"}, {"b"}, {"c"}}, 7) == "abcabca");
}

BOOST_AUTO_TEST_CASE(weights_are_kept_to) {
  shares_of_all shares;
  auto served = turns(shares, {{"a", 3}, {"b", 1}}, 40);
  BOOST_TEST(std::ranges::count(served, 'a') == 30);
}

BOOST_AUTO_TEST_CASE(who_waited_for_nothing_has_saved_up_no_turns) {
  shares_of_all shares;
  turns(shares, {{"a"}, {"b"}}, 1000);
  BOOST_TEST(turns(shares, {{"a"}, {"b"}, {"new"}}, 3).find("newnew") == std::string::npos);
  auto served = turns(shares, {{"a"}, {"b"}, {"c"}}, 30);
  BOOST_TEST(std::ranges::count(served, 'c') == 10);
}

BOOST_AUTO_TEST_CASE(who_was_alone_owes_nothing) {
  shares_of_all shares;
  turns(shares, {{"a"}}, 1000);
  BOOST_TEST(std::ranges::count(turns(shares, {{"a"}, {"b"}}, 10), 'a') == 5);
}

BOOST_AUTO_TEST_CASE(only_who_is_ahead_is_remembered) {
  shares_of_all shares;
  for (int i = 0; i < 1000; ++i)
    shares.serve("once " + std::to_string(i), 1);
  turns(shares, {{"a"}, {"b"}}, 10);
  shares.tidy();
  BOOST_TEST(shares.size() <= 1002u);
  // All turns of those who came once are over when the others had as many.
  turns(shares, {{"a"}, {"b"}}, 4);
  shares.tidy();
  BOOST_TEST(shares.size() <= 2u);
}

// Whoever waits, while he waits, is never behind his share by more than one turn of each.
BOOST_AUTO_TEST_CASE(no_tenant_that_waits_falls_behind_its_share) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    shares_of_all shares;
    std::vector<tenant> waiting;
    std::int64_t weights = 0;
    for (int i = 0; i < 2 + static_cast<int>(random() % 6); ++i) {
      waiting.push_back({std::string(1, static_cast<char>('a' + i)),
                         1 + static_cast<std::int64_t>(random() % 9)});
      weights += waiting.back().weight;
    }
    std::map<std::string, std::int64_t> served;
    for (std::int64_t turn = 1; turn <= 500; ++turn) {
      ++served[serve_next(shares, waiting)];
      for (auto& [name, weight] : waiting)
        BOOST_REQUIRE(
          served[name] * weights + weights * 2 + weight * std::ssize(waiting) >= turn * weight);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_copy_goes_its_own_way) {
  shares_of_all shares;
  shares.serve("a", 1);
  auto undone = shares;
  undone.serve("b", 1);
  BOOST_TEST(shares.standing("b") < shares.standing("a"));
  BOOST_TEST(undone.standing("b") == undone.standing("a"));
}

BOOST_AUTO_TEST_SUITE_END()

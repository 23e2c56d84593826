#include "quire/storage/public_ids.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>

using namespace quire::storage;

namespace {

const quire::storage::public_ids ids{0x1234'5678'9ABC'DEF0U};
constexpr std::int64_t now_ms = 1'790'000'000'000;

} // namespace

BOOST_AUTO_TEST_SUITE(public_ids)

BOOST_AUTO_TEST_CASE(one_gives_back_the_row_it_was_made_of) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    public_row row{static_cast<std::int64_t>(random() >> (2 + random() % 62)),
                   static_cast<std::int64_t>(random() >> 16)};
    auto found = ids.parse(ids.of(row));
    BOOST_REQUIRE(found.has_value());
    BOOST_REQUIRE((*found == row));
  }
  for (auto id : {std::int64_t{0}, std::int64_t{1}, (std::int64_t{1} << 62) - 1})
    BOOST_TEST((ids.parse(ids.of({id, now_ms})) == public_row{id, now_ms}));
}

BOOST_AUTO_TEST_CASE(it_is_a_uuid_of_version_7_of_its_time) {
  auto text = ids.of({17, now_ms});
  BOOST_TEST(is_uuid(text), text);
  BOOST_TEST(text.substr(0, 13) == "01a0c450-6c00", text);
  BOOST_TEST(text[14] == '7');
  BOOST_TEST(std::string{"89ab"}.find(text[19]) != std::string::npos);
  BOOST_TEST(ids.of({17, now_ms}) == text);
  BOOST_TEST(ids.of({17, now_ms + 1}) > text);
}

BOOST_AUTO_TEST_CASE(neighbours_have_nothing_in_common_but_the_time) {
  std::set<std::string> ends;
  for (int id = 1; id <= 1000; ++id)
    ends.insert(ids.of({id, now_ms}).substr(24, 3));
  // Of 4096 there are 888 different ones on average among 1000 drawn at random.
  BOOST_TEST(ends.size() > 800u);
}

BOOST_AUTO_TEST_CASE(what_another_database_made_is_nearly_always_refused) {
  quire::storage::public_ids others{42};
  int taken = 0;
  for (int id = 1; id <= 10'000; ++id)
    taken += ids.parse(others.of({id, now_ms})).has_value();
  BOOST_TEST(taken < 20); // 2 or 3 on average.
}

BOOST_AUTO_TEST_CASE(what_is_no_uuid_or_of_another_version_is_refused) {
  auto text = ids.of({17, now_ms});
  BOOST_TEST(!ids.parse(""));
  BOOST_TEST(!ids.parse("17"));
  BOOST_TEST(!ids.parse(text.substr(1)));
  BOOST_TEST(!ids.parse(text + " "));
  for (std::size_t at :
       {std::size_t{0}, std::size_t{8}, std::size_t{14}, std::size_t{19}, std::size_t{35}}) {
    auto wrong = text;
    wrong[at] = at == 14 ? '4' : at == 19 ? '1' : 'g';
    BOOST_TEST(!ids.parse(wrong), wrong);
  }
  std::string upper = text;
  for (auto& c : upper)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  BOOST_TEST(ids.parse(upper)->id == 17);
}

BOOST_AUTO_TEST_CASE(times_outside_of_48_bits_count_as_the_nearest) {
  BOOST_TEST(ids.parse(ids.of({17, -5}))->created_at_ms == 0);
  BOOST_TEST(ids.parse(ids.of({17, std::int64_t{1} << 60}))->created_at_ms
             == (std::int64_t{1} << 48) - 1);
}

BOOST_AUTO_TEST_SUITE_END()

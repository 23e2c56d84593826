#include "quire/messages/types/typed_rows.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <memory>

using namespace quire;

namespace {

enum class colour : std::uint8_t { red = 1, green = 2 };
enum class toggle : bool { off, on };

struct person {
  task_id id;
  std::string name;
  std::optional<double> weight;
  colour favourite = colour::red;

  friend bool operator==(const person&, const person&) = default;
};

struct single {
  std::string text;
};

// Without a default constructor and without assignment.
struct fixed {
  const int first;
  value second;
};

struct sixteen {
  int a, b, c, d, e, f, g, h;
  std::optional<std::string> i, j, k, l, m, n;
  blob o;
  value p;
};

struct seventeen {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};

struct nested {
  int a;
  single b;
};

struct with_view {
  int a;
  std::string_view b;
};

struct with_constructor {
  explicit with_constructor(int) {}
};

struct empty {};

union either {
  int a;
  float b;
};

// What a row can be read as, and what is refused before anything runs.
static_assert(readable_scalar<bool> && readable_scalar<char> && readable_scalar<std::uint64_t>);
static_assert(
  readable_scalar<std::optional<task_id>> && readable_scalar<value> && readable_scalar<colour>);
static_assert(!readable_scalar<
                const int> && !readable_scalar<long double> && !readable_scalar<std::string_view>);
static_assert(!readable_scalar<const char*> && !readable_scalar<std::optional<std::optional<int>>>);
static_assert(
  readable_row<int> && readable_row<person> && readable_row<single> && readable_row<fixed>);
static_assert(readable_row<sixteen> && !readable_row<seventeen>);
static_assert(readable_row<std::pair<int, std::string>> && readable_row<std::tuple<value>>);
static_assert(!readable_row<std::tuple<>> && !readable_row<std::tuple<int, person>>);
static_assert(!readable_row<nested> && !readable_row<with_view> && !readable_row<with_constructor>);
static_assert(!readable_row<empty> && !readable_row<either> && !readable_row<int[2]>);
static_assert(!readable_row<std::optional<person>> && !readable_row<std::unique_ptr<int>>);
static_assert(!readable_row<std::map<int, int>> && !readable_row<void> && !readable_row<int&>);
static_assert(!readable_row<with_view&> && !readable_row<const person&>);

static_assert(quire::detail::count_fields<person>() == 4);
static_assert(quire::detail::count_fields<sixteen>() == 16);
static_assert(quire::detail::count_fields<seventeen>() == 17);

using columns = std::vector<std::string>;
using rows = std::vector<std::vector<value>>;

row_set one(value x) {
  return {{"x"}, {{std::move(x)}}};
}

/// What reading threw: its text; its code goes to `code`.
template <class Work>
std::string failure_of(Work work, errc code = errc::invalid_argument) {
  try {
    work();
  } catch (const row_error& failure) {
    BOOST_TEST((failure.code() == code), failure.what());
    return failure.what();
  }
  return "nothing was thrown";
}

/// Whether `x` is refused as a `T` for being of another kind, or for not fitting.
template <class T>
bool refuses(const value& x) {
  return failure_of([&] { scalar_as<T>(one(x)); }).starts_with("column 1 ('x'): ");
}

template <class T>
void holds_exactly_its_range() {
  using limits = std::numeric_limits<T>;
  for (T x : {limits::min(), limits::max(), T{1}})
    BOOST_TEST((scalar_as<T>(one(x)) == x));
  if constexpr (sizeof(T) < 8) {
    auto most = (std::int64_t{1} << (8 * sizeof(T) - (std::is_signed_v<T> ? 1 : 0))) - 1;
    auto least = std::is_signed_v<T> ? -most - 1 : 0;
    BOOST_TEST(refuses<T>(most + 1));
    BOOST_TEST(refuses<T>(least - 1));
    BOOST_TEST(refuses<T>(std::numeric_limits<std::int64_t>::max()));
    BOOST_TEST(refuses<T>(std::numeric_limits<std::int64_t>::min()));
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(typed_rows)

BOOST_AUTO_TEST_CASE(a_struct_takes_the_columns_in_their_order) {
  row_set set{{"id", "name", "weight", "colour"}, {{7, "ann", 61.5, 2}, {8, "bob", nullptr, 1}}};
  const std::vector<person> expected{{task_id{7}, "ann", 61.5, colour::green},
                                     {task_id{8}, "bob", std::nullopt, colour::red}};
  BOOST_TEST((rows_as<person>(set) == expected));
  BOOST_TEST((rows_as<person>(set) == expected)); // The first time took nothing away.
  BOOST_TEST((row_as<person>(set.rows[0], set.columns) == expected[0]));
  auto moved = rows_as<person>(std::move(set));
  BOOST_TEST((moved == expected));
}

BOOST_AUTO_TEST_CASE(a_struct_may_have_one_field_or_sixteen_or_no_default) {
  BOOST_TEST(only_row_as<single>(one("a")).text == "a");
  std::vector<value> row{
    1, 2, 3, 4, 5, 6, 7, 8, "9", nullptr, "11", nullptr, "13", nullptr, blob{std::byte{15}}, 0.5};
  auto all = row_as<sixteen>(row);
  BOOST_TEST(all.a == 1);
  BOOST_TEST(all.h == 8);
  BOOST_TEST(all.i.value() == "9");
  BOOST_TEST(!all.n.has_value());
  BOOST_TEST((all.o == blob{std::byte{15}}));
  BOOST_TEST((all.p == value{0.5}));
  auto constant = row_as<fixed>(std::vector<value>{1, nullptr});
  BOOST_TEST(constant.first == 1);
  BOOST_TEST(constant.second.is_null());
}

BOOST_AUTO_TEST_CASE(tuples_and_pairs_are_rows) {
  row_set set{{"a", "b"}, {{1, "x"}, {2, "y"}}};
  BOOST_TEST((rows_as<std::pair<int, std::string>>(set)
              == std::vector<std::pair<int, std::string>>{{1, "x"}, {2, "y"}}));
  auto [a, b] = rows_as<std::tuple<value, std::optional<std::string>>>(set).at(1);
  BOOST_TEST((a == value{2}));
  BOOST_TEST(b.value() == "y");
}

BOOST_AUTO_TEST_CASE(integers_are_refused_outside_of_their_range) {
  holds_exactly_its_range<std::int8_t>();
  holds_exactly_its_range<std::uint8_t>();
  holds_exactly_its_range<std::int16_t>();
  holds_exactly_its_range<std::uint16_t>();
  holds_exactly_its_range<std::int32_t>();
  holds_exactly_its_range<std::uint32_t>();
  holds_exactly_its_range<std::int64_t>();
  holds_exactly_its_range<char>();
  holds_exactly_its_range<char32_t>();
  BOOST_TEST(scalar_as<std::uint64_t>(one(std::numeric_limits<std::int64_t>::max()))
             == 9223372036854775807u);
  BOOST_TEST(refuses<std::uint64_t>(-1));
}

BOOST_AUTO_TEST_CASE(a_bool_is_zero_or_one) {
  BOOST_TEST(!scalar_as<bool>(one(0)));
  BOOST_TEST(scalar_as<bool>(one(1)));
  for (std::int64_t x : {-1, 2, 256})
    BOOST_TEST(refuses<bool>(x));
  BOOST_TEST((scalar_as<toggle>(one(1)) == toggle::on));
  BOOST_TEST(refuses<toggle>(2));
  BOOST_TEST((rows_as<bool>(row_set{{"x"}, {{1}, {0}}}) == std::vector<bool>{true, false}));
}

BOOST_AUTO_TEST_CASE(numbers_become_real_only_if_that_is_exact) {
  BOOST_TEST(scalar_as<double>(one(0.1)) == 0.1);
  BOOST_TEST(scalar_as<double>(one(std::int64_t{1} << 53)) == 9007199254740992.0);
  BOOST_TEST(refuses<double>((std::int64_t{1} << 53) + 1));
  BOOST_TEST(refuses<double>(std::numeric_limits<std::int64_t>::max()));
  BOOST_TEST(scalar_as<double>(one(std::numeric_limits<std::int64_t>::min()))
             == -9223372036854775808.0);
  BOOST_TEST(scalar_as<float>(one(0.5)) == 0.5f);
  BOOST_TEST(scalar_as<float>(one(double{0.1f})) == 0.1f);
  BOOST_TEST(refuses<float>(0.1));
  BOOST_TEST(refuses<float>(1e300));
  BOOST_TEST(refuses<float>(-1e300));
  BOOST_TEST(refuses<float>((1 << 24) + 1));
  BOOST_TEST(refuses<float>(std::numeric_limits<std::int64_t>::max()));
  BOOST_TEST(std::isinf(scalar_as<float>(one(std::numeric_limits<double>::infinity()))));
}

// Each kind of value against each type: what is not listed as allowed is refused.
BOOST_AUTO_TEST_CASE(nothing_is_converted_silently) {
  const std::array<value, 5> kinds{nullptr, 1, 0.5, "1", blob{std::byte{49}}};
  auto allowed = [&]<class T>(std::type_identity<T>) {
    std::string result;
    for (auto& x : kinds)
      result += refuses<T>(x) ? '-' : 'x';
    return result;
  };
  BOOST_TEST(allowed(std::type_identity<bool>{}) == "-x---");
  BOOST_TEST(allowed(std::type_identity<int>{}) == "-x---");
  BOOST_TEST(allowed(std::type_identity<colour>{}) == "-x---");
  BOOST_TEST(allowed(std::type_identity<task_id>{}) == "-x---");
  BOOST_TEST(allowed(std::type_identity<double>{}) == "-xx--");
  BOOST_TEST(allowed(std::type_identity<float>{}) == "-xx--");
  BOOST_TEST(allowed(std::type_identity<std::string>{}) == "---x-");
  BOOST_TEST(allowed(std::type_identity<blob>{}) == "----x");
  BOOST_TEST(allowed(std::type_identity<value>{}) == "xxxxx");
  BOOST_TEST(allowed(std::type_identity<std::optional<int>>{}) == "xx---");
  BOOST_TEST(allowed(std::type_identity<std::optional<std::string>>{}) == "x--x-");
  BOOST_TEST(refuses<int>(2.0)); // Not even a whole one.
  BOOST_TEST(!scalar_as<std::optional<blob>>(one(nullptr)).has_value());
}

BOOST_AUTO_TEST_CASE(an_error_says_where_it_is_what_was_expected_and_what_was_there) {
  row_set set{{"id", "name"}, {{1, "ann"}, {2, nullptr}}};
  using named = std::pair<int, std::string>;
  BOOST_TEST(failure_of([&] { rows_as<named>(set); })
             == "row 2, column 2 ('name'): text was expected, but there is null");
  BOOST_TEST(failure_of([&] { row_as<named>(set.rows[1]); })
             == "column 2: text was expected, but there is null");
  BOOST_TEST(failure_of([&] { scalar_as<std::uint8_t>(one(256)); })
             == "column 1 ('x'): an integer from 0 to 255 was expected, but there is an integer "
                "that does not fit");
  BOOST_TEST(
    failure_of([&] { scalar_as<double>(one("1.5")); })
    == "column 1 ('x'): a real number, or an integer that a double holds exactly was expected, but "
       "there is text");
}

BOOST_AUTO_TEST_CASE(each_column_has_a_field_and_each_field_a_column) {
  row_set set{{"a", "b"}, {{1, 2}}};
  BOOST_TEST(failure_of([&] { rows_as<int>(set); })
             == "row 1: 1 column was expected, but there are 2");
  BOOST_TEST(failure_of([&] { only_row_as<person>(set); })
             == "4 columns were expected, but there are 2");
  BOOST_TEST(failure_of([&] { row_as<int>(std::vector<value>{}); })
             == "1 column was expected, but there are 0");
  // Found out although there is no row.
  set.rows.clear();
  BOOST_TEST(failure_of([&] { rows_as<int>(set); }) == "1 column was expected, but there are 2");
  BOOST_TEST(failure_of([&] { optional_row_as<int>(set); })
             == "1 column was expected, but there are 2");
  BOOST_TEST(rows_as<int>(row_set{}).empty()); // A statement that returns nothing.
}

BOOST_AUTO_TEST_CASE(the_number_of_rows_is_checked) {
  row_set none{{"x"}, {}};
  row_set two{{"x"}, {{1}, {2}}};
  BOOST_TEST(!optional_row_as<int>(none).has_value());
  BOOST_TEST(optional_row_as<int>(one(5)).value() == 5);
  BOOST_TEST(failure_of([&] { only_row_as<int>(none); }, errc::not_found)
             == "one row was expected, but there is none");
  BOOST_TEST(failure_of([&] { scalar_as<std::optional<int>>(none); }, errc::not_found)
             == "one row was expected, but there is none");
  BOOST_TEST(failure_of([&] { only_row_as<int>(two); }, errc::conflict)
             == "one row was expected, but there are 2");
  BOOST_TEST(failure_of([&] { optional_row_as<int>(two); }, errc::conflict)
             == "one row was expected, but there are 2");
}

// Seen by the address of the characters: a moved text keeps it.
BOOST_AUTO_TEST_CASE(texts_and_blobs_are_moved_out_of_an_rvalue) {
  row_set set{{"t", "b"}, {{std::string(1000, 't'), blob(1000)}}};
  auto* text = set.rows[0][0].text().data();
  auto* bytes = set.rows[0][1].bytes().data();
  using both = std::tuple<std::string, std::optional<blob>>;
  auto copied = rows_as<both>(set);
  BOOST_TEST((std::get<0>(copied[0]).data() != text));
  BOOST_TEST(set.rows[0][0].text().size() == 1000u);
  auto moved = rows_as<both>(std::move(set));
  BOOST_TEST((std::get<0>(moved[0]).data() == text));
  BOOST_TEST((std::get<1>(moved[0])->data() == bytes));
  std::vector<value> row;
  row.emplace_back(std::get<0>(std::move(moved[0])));
  auto whole = row_as<value>(std::move(row));
  BOOST_TEST((whole.text().data() == text));
}

BOOST_AUTO_TEST_SUITE_END()

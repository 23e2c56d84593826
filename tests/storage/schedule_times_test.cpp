#include "quire/storage/schedule_times.hpp"

#include "quire/storage/error.hpp"
#include "quire/tests/storage/storage_support.hpp"
#include "quire/tests/support/civil_text.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <ctime>
#include <random>
#include <set>
#include <vector>

using namespace quire;
using namespace std::chrono_literals;
using due_times = storage::schedule_times;
using tests::utc_ms;
using texts = std::vector<std::string>;

namespace {

/// What clocks in `tz` show, and how far they are ahead of Universal Time: `2026-03-29 03:30 +120`.
std::string shown(std::int64_t unix_ms, const std::string& tz) {
  std::chrono::sys_seconds at{std::chrono::seconds{unix_ms / 1000}};
  auto local = storage::time_zone{tz}.local_time(at);
  auto offset = local.time_since_epoch() - at.time_since_epoch();
  auto minutes = std::chrono::duration_cast<std::chrono::minutes>(offset).count();
  return tests::text_of(local) + (minutes < 0 ? " " : " +") + std::to_string(minutes);
}

/// The first `count` times after `after`, which is Universal Time.
texts times(const std::string& spec, const std::string& tz, const std::string& after, std::size_t count) {
  texts found;
  due_times schedule{spec, tz, utc_ms(after)};
  auto at = schedule.next_after(utc_ms(after));
  for (; at && found.size() < count; at = schedule.next_after(*at))
    found.push_back(shown(*at, tz));
  return found;
}

struct row {
  const char* spec;
  const char* tz;
  const char* after;
  texts expected;
};

void check(const std::vector<row>& table) {
  for (auto& [spec, tz, after, expected] : table)
    BOOST_TEST_CONTEXT(spec << " in " << tz << " after " << after)
    BOOST_TEST(times(spec, tz, after, expected.size()) == expected, boost::test_tools::per_element());
}

/// The clocks of the C library: they know nothing of ours.
class system_clocks {
public:
  explicit system_clocks(const char* tz) {
    if (auto* before = std::getenv("TZ"))
      before_ = before;
    ::setenv("TZ", tz, 1);
    ::tzset();
  }
  system_clocks(const system_clocks&) = delete;
  system_clocks& operator=(const system_clocks&) = delete;
  ~system_clocks() {
    before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
  }

  static std::tm at(std::int64_t unix_s) {
    std::time_t time = unix_s;
    std::tm result{};
    ::localtime_r(&time, &result);
    return result;
  }

private:
  std::optional<std::string> before_;
};

bool names(const cron_expression& cron, const std::tm& time) {
  bool in_days = cron.days[static_cast<std::size_t>(time.tm_mday)];
  bool in_weekdays = cron.weekdays[static_cast<std::size_t>(time.tm_wday)];
  return cron.minutes[static_cast<std::size_t>(time.tm_min)]
         && cron.hours[static_cast<std::size_t>(time.tm_hour)]
         && cron.months[static_cast<std::size_t>(time.tm_mon + 1)]
         && (cron.days_and_weekdays ? in_days && in_weekdays : in_days || in_weekdays);
}

/// All times of `cron` from `begin` to before `end`, found minute by minute.
std::set<std::int64_t> walk(const cron_expression& cron, std::int64_t begin, std::int64_t end) {
  std::set<std::int64_t> found;
  constexpr std::int64_t day = 86'400;
  // A minute that was shown before, and until when it is no new one.
  std::int64_t repeated_until = 0;
  for (auto at = begin - 2 * day; at < end; at += 60) {
    auto now = system_clocks::at(at);
    auto change = now.tm_gmtoff - system_clocks::at(at - 60).tm_gmtoff;
    if (change < 0)
      repeated_until = at - change;
    if (names(cron, now) && (cron.goes_on || at >= repeated_until))
      found.insert(at);
    // What was skipped has the time it would have had without the change.
    if (change > 0 && !cron.hours.all())
      for (auto skipped = at; skipped < at + change; skipped += 60) {
        std::time_t shown = skipped + now.tm_gmtoff - change;
        std::tm civil{};
        ::gmtime_r(&shown, &civil);
        if (names(cron, civil))
          found.insert(skipped);
      }
  }
  std::erase_if(found, [&](auto at) { return at < begin || at >= end; });
  return found;
}

std::string random_field(std::mt19937_64& random, int least, int most, int rare) {
  auto any = [&](int from, int to) { return std::uniform_int_distribution{from, to}(random); };
  auto one = any(least, most);
  switch (any(0, rare)) {
    case 0: return std::to_string(one);
    case 1: return std::to_string(one) + "-" + std::to_string(any(one, most));
    case 2: return "*/" + std::to_string(any(1, std::min(most, 6)));
    case 3: return std::to_string(one) + "," + std::to_string(any(least, most));
    default: return "*";
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(schedule_times)

BOOST_AUTO_TEST_CASE(a_time_that_clocks_skip_is_due_once_at_the_shifted_instant) {
  check({
    {"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", {"2026-03-29 03:30 +120", "2026-03-30 02:30 +120"}},
    {"0 2 * * *", "America/New_York", "2026-03-07 12:00", {"2026-03-08 03:00 -240", "2026-03-09 02:00 -240"}},
    // Due itself at that instant.
    {"30 2,3 * * *", "Europe/Berlin", "2026-03-28 12:00", {"2026-03-29 03:30 +120", "2026-03-30 02:30 +120"}},
    {"*/20 2 * * *", "Europe/Berlin", "2026-03-28 12:00",
     {"2026-03-29 03:00 +120", "2026-03-29 03:20 +120", "2026-03-29 03:40 +120", "2026-03-30 02:00 +120"}},
    {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00", {"2026-10-04 02:45 +660", "2026-10-05 02:15 +660"}},
    {"45 2 * * *", "Australia/Lord_Howe", "2026-10-02 12:00", {"2026-10-03 02:45 +630", "2026-10-04 02:45 +660"}},
    // Midnight does not exist.
    {"@daily", "America/Sao_Paulo", "2018-11-03 12:00", {"2018-11-04 01:00 -120", "2018-11-05 00:00 -120"}},
  });
}

BOOST_AUTO_TEST_CASE(a_schedule_of_all_hours_misses_nothing_where_clocks_skip) {
  check({
    {"30 * * * *", "Europe/Berlin", "2026-03-29 00:00", {"2026-03-29 01:30 +60", "2026-03-29 03:30 +120"}},
    {"*/20 * * * *", "Australia/Lord_Howe", "2026-10-03 15:20",
     {"2026-10-04 02:40 +660", "2026-10-04 03:00 +660"}},
  });
}

BOOST_AUTO_TEST_CASE(a_time_that_comes_twice_is_due_once_if_it_is_named) {
  check({
    {"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", {"2026-10-25 02:30 +120", "2026-10-26 02:30 +60"}},
    {"30 1 * * *", "America/New_York", "2026-10-31 12:00", {"2026-11-01 01:30 -240", "2026-11-02 01:30 -300"}},
    {"0,45 1-2 * * *", "Australia/Lord_Howe", "2026-04-04 13:00",
     {"2026-04-05 01:00 +660", "2026-04-05 01:45 +660", "2026-04-05 02:00 +630", "2026-04-05 02:45 +630"}},
    // Not again after the first one has passed.
    {"30 2 * * *", "Europe/Berlin", "2026-10-25 00:30", {"2026-10-26 02:30 +60"}},
    {"30 2 * * *", "Europe/Berlin", "2026-10-25 01:10", {"2026-10-26 02:30 +60"}},
  });
}

BOOST_AUTO_TEST_CASE(a_schedule_with_wildcards_or_steps_goes_on_where_clocks_are_set_back) {
  check({
    {"30 * * * *", "Europe/Berlin", "2026-10-24 23:45",
     {"2026-10-25 02:30 +120", "2026-10-25 02:30 +60", "2026-10-25 03:30 +60"}},
    {"*/30 1 * * *", "America/New_York", "2026-11-01 00:00",
     {"2026-11-01 01:00 -240", "2026-11-01 01:30 -240", "2026-11-01 01:00 -300", "2026-11-01 01:30 -300",
      "2026-11-02 01:00 -300"}},
    {"*/20 * * * *", "Australia/Lord_Howe", "2026-04-04 14:30",
     {"2026-04-05 01:40 +660", "2026-04-05 01:40 +630", "2026-04-05 02:00 +630"}},
  });
}

// Samoa had no 30 December 2011.
BOOST_AUTO_TEST_CASE(a_day_that_is_skipped_is_made_up_for_a_day_later) {
  check({
    {"0 12 * * *", "Pacific/Apia", "2011-12-29 12:00",
     {"2011-12-29 12:00 -600", "2011-12-31 12:00 +840", "2012-01-01 12:00 +840"}},
    {"0 12 30 12 *", "Pacific/Apia", "2011-12-01 00:00", {"2011-12-31 12:00 +840", "2012-12-30 12:00 +840"}},
    {"0 * * * *", "Pacific/Apia", "2011-12-30 08:30", {"2011-12-29 23:00 -600", "2011-12-31 00:00 +840"}},
  });
}

BOOST_AUTO_TEST_CASE(zones_without_changes_and_years_behind_the_tables_are_right) {
  check({
    {"0 0 29 2 *", "UTC", "2096-03-01 00:00", {"2104-02-29 00:00 +0"}},
    {"15 5 * * *", "Asia/Kolkata", "2026-01-01 00:00", {"2026-01-02 05:15 +330"}},
    {"0 12 1 7 *", "Europe/Berlin", "2060-01-01 00:00", {"2060-07-01 12:00 +120"}},
    {"30 2 25-31 3 *", "Europe/Berlin", "2060-03-27 12:00", {"2060-03-28 03:30 +120"}},
  });
}

BOOST_AUTO_TEST_CASE(milliseconds_are_not_lost) {
  due_times each_minute{"* * * * *", "UTC", 0};
  BOOST_TEST(each_minute.next_after(59'999).value() == 60'000);
  BOOST_TEST(each_minute.next_after(60'000).value() == 120'000);
  BOOST_TEST(each_minute.next_after(60'001).value() == 120'000);
}

BOOST_AUTO_TEST_CASE(intervals_are_counted_from_their_anchor_and_know_no_clocks) {
  due_times interval{"every 90s", "Europe/Berlin", 1'000'500};
  BOOST_TEST(interval.next_after(1'000'500).value() == 1'090'500);
  BOOST_TEST(interval.next_after(1'090'499).value() == 1'090'500);
  BOOST_TEST(interval.next_after(1'090'500).value() == 1'180'500);
  BOOST_TEST(interval.next_after(1'000'499).value() == 1'000'500);
  BOOST_TEST(interval.next_after(910'500).value() == 1'000'500);
  BOOST_TEST(interval.next_after(910'499).value() == 910'500);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  auto refused = [](const char* spec, const char* tz, const char* why) {
    try {
      due_times{spec, tz, 0};
      BOOST_FAIL("accepted");
    } catch (const storage::error& wrong) {
      BOOST_TEST((wrong.code() == errc::invalid_argument));
      BOOST_TEST(tests::contains(wrong.what(), why), wrong.what());
    }
  };
  refused("61 * * * *", "UTC", "'minute'");
  for (auto zone : {"Europe/Bonn", "", "/etc/localtime", "../zoneinfo/UTC", "localtime", "file:UTC", "Europe"})
    refused("@daily", zone, "the time zone '");
}

BOOST_AUTO_TEST_CASE(what_is_due_can_be_counted_and_cut_to_the_last) {
  due_times bursts{"*/10 3 * * *", "Europe/Berlin", 0};
  auto due = bursts.next_after(utc_ms("2026-01-01 12:00")).value();
  auto until = utc_ms("2026-04-01 12:00");
  std::vector<std::int64_t> all;
  for (auto at = due; at <= until; at = bursts.next_after(at).value())
    all.push_back(at);
  BOOST_TEST(bursts.last_until(until, due) == all.back());
  BOOST_TEST(bursts.last_until(due, due) == due);
  BOOST_TEST(bursts.last_until(due + 599'999, due) == due);
  BOOST_TEST(bursts.last_until(due + 600'000, due) == all[1]);
  BOOST_TEST(bursts.count(due, until, 10'000) == static_cast<std::int64_t>(all.size()));
  BOOST_TEST(bursts.count(due, until, 5) == 5);
  BOOST_TEST(bursts.count(due, due - 1, 5) == 0);
  for (std::size_t count : {std::size_t{1}, std::size_t{7}, all.size() - 1})
    BOOST_TEST(bursts.first_of_last(static_cast<std::int64_t>(count), due, until) == all[all.size() - count]);
}

// Against the clocks of the C library, over all changes of four years.
BOOST_AUTO_TEST_CASE(times_are_those_that_a_walk_through_all_minutes_finds) {
  std::mt19937_64 random{20260329};
  const std::vector<std::pair<const char*, const char*>> places{
    {"UTC", "2026-02-20 00:00"},           {"Europe/Berlin", "2026-03-20 00:00"},
    {"Europe/Berlin", "2026-10-20 00:00"}, {"America/New_York", "2027-03-01 00:00"},
    {"America/New_York", "2027-11-01 00:00"}, {"Australia/Lord_Howe", "2028-03-25 00:00"},
    {"Australia/Lord_Howe", "2028-09-25 00:00"}, {"Pacific/Apia", "2011-12-20 00:00"},
    {"America/Sao_Paulo", "2018-10-28 00:00"}, {"Asia/Kathmandu", "2026-05-25 00:00"}};
  for (auto [tz, from] : places) {
    system_clocks clocks{tz};
    auto begin = utc_ms(from) / 1000;
    auto end = begin + 15 * 86'400;
    for (int i = 0; i < 15; ++i) {
      // Hours and minutes are mostly few, so that there are gaps to be found.
      auto spec = random_field(random, 0, 59, 4) + " " + random_field(random, 0, 4, 4) + " "
                  + random_field(random, 1, 31, 8) + " " + random_field(random, 1, 12, 16) + " "
                  + random_field(random, 0, 7, 8);
      BOOST_TEST_CONTEXT(spec << " in " << tz) {
        due_times schedule{spec, tz, 0};
        std::set<std::int64_t> found;
        for (auto at = schedule.next_after(begin * 1000 - 1); at && *at < end * 1000;
             at = schedule.next_after(*at))
          BOOST_REQUIRE(found.insert(*at / 1000).second);
        auto expected = walk(std::get<cron_expression>(parse_schedule(spec)), begin, end);
        BOOST_TEST(found == expected, boost::test_tools::per_element());
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

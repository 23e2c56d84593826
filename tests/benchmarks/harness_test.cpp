#include "quire/benchmarks/harness.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace quire::benchmarks;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

sample section_of(std::uint64_t items, double seconds) {
  sample result;
  result.items = items;
  result.seconds = seconds;
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(harness)

BOOST_AUTO_TEST_CASE(a_percentile_is_at_most_one_32nd_above_the_exact_one) {
  histogram counted;
  // Over six orders of magnitude, in an order that is not sorted.
  std::vector<std::int64_t> exact;
  for (std::int64_t i = 0; i < 10'000; ++i)
    exact.push_back((i * 7919 % 10'000 + 1) * (i * 7919 % 10'000 + 1));
  for (auto duration : exact)
    counted.add(nanoseconds{duration});
  std::sort(exact.begin(), exact.end());
  for (double q : {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    auto wanted = exact[static_cast<std::size_t>(q * 10'000) - 1];
    auto found = counted.percentile(q).count();
    BOOST_TEST(found >= wanted);
    BOOST_TEST(found <= wanted + wanted / 32 + 1);
  }
}

BOOST_AUTO_TEST_CASE(small_durations_and_the_longest_one_are_exact) {
  histogram counted;
  for (int i = 0; i <= 31; ++i)
    counted.add(nanoseconds{i});
  counted.add(123'456'789ns);
  BOOST_TEST(counted.percentile(1.0 / 33).count() == 0);
  BOOST_TEST(counted.percentile(16.0 / 33).count() == 15);
  BOOST_TEST(counted.percentile(1).count() == 123'456'789);
  BOOST_TEST(counted.max().count() == 123'456'789);
}

BOOST_AUTO_TEST_CASE(the_longest_possible_duration_has_a_bucket_and_a_negative_one_counts_as_zero) {
  histogram counted;
  counted.add(nanoseconds::max());
  counted.add(-5ns);
  BOOST_TEST(counted.count() == 2u);
  BOOST_TEST(counted.percentile(0.5).count() == 0);
  BOOST_TEST(counted.percentile(1).count() == std::numeric_limits<std::int64_t>::max());
}

BOOST_AUTO_TEST_CASE(a_histogram_of_nothing_says_zero) {
  histogram counted;
  BOOST_TEST(counted.count() == 0u);
  BOOST_TEST(counted.percentile(0.99).count() == 0);
  BOOST_TEST(counted.max().count() == 0);
}

BOOST_AUTO_TEST_CASE(merged_histograms_say_what_one_would_have_said) {
  histogram all;
  histogram even;
  histogram odd;
  for (int i = 0; i < 5'000; ++i) {
    nanoseconds duration{i * 37};
    all.add(duration);
    (i % 2 == 0 ? even : odd).add(duration);
  }
  even.merge(odd);
  BOOST_TEST(even.count() == all.count());
  BOOST_TEST((even.max() == all.max()));
  for (double q : {0.1, 0.5, 0.99})
    BOOST_TEST((even.percentile(q) == all.percentile(q)));
}

BOOST_AUTO_TEST_CASE(the_median_ignores_one_wild_value) {
  BOOST_TEST(median({}) == 0);
  BOOST_TEST(median({7}) == 7);
  BOOST_TEST(median({5, 1}) == 3);
  BOOST_TEST(median({3, 1'000'000, 1, 2, 4}) == 3);
}

// A machine that becomes slower halves both rates, and must not change the ratio.
BOOST_AUTO_TEST_CASE(ratios_are_of_neighbours_not_of_medians) {
  std::vector<sample> ours{section_of(50, 1), section_of(25, 1), section_of(10, 1)};
  std::vector<sample> floor{section_of(100, 1), section_of(50, 1), section_of(20, 1)};
  auto result = summarize(ours, floor);
  BOOST_REQUIRE(result.floor.has_value());
  BOOST_TEST(result.ours.rate_per_s == 25);
  BOOST_TEST(result.floor->rate_per_s == 50);
  BOOST_TEST(result.ratio == 0.5);
  BOOST_TEST(result.ours.merged.items == 85u);
}

// Three pairs: ours waits 1, 2 and 4 at worst, the floor 10, 40 and 4. Of a hundred each, the
// 99th waits half as long, and half of them wait a quarter.
BOOST_AUTO_TEST_CASE(the_ratios_of_latencies_are_of_neighbours_and_more_is_better) {
  auto waited = [](nanoseconds longest) {
    auto result = section_of(1, 1);
    result.latency.add(longest);
    for (int i = 0; i < 49; ++i)
      result.latency.add(longest / 2);
    for (int i = 0; i < 50; ++i)
      result.latency.add(longest / 4);
    return result;
  };
  auto result =
    summarize({waited(1us), waited(2us), waited(4us)}, {waited(10us), waited(40us), waited(4us)});
  BOOST_TEST(result.max_ratio == 10);
  // Of buckets, each of which is at most 1/32 wide.
  BOOST_TEST(result.p50_ratio == 10, boost::test_tools::tolerance(0.04));
  BOOST_TEST(result.p99_ratio == 10, boost::test_tools::tolerance(0.04));
  auto untimed = summarize({waited(1us)}, {section_of(1, 1)});
  for (auto ratio : {untimed.p50_ratio, untimed.p99_ratio, untimed.max_ratio})
    BOOST_TEST(ratio == 0);
}

BOOST_AUTO_TEST_CASE(what_an_item_costs_is_the_median_over_the_sections_that_had_any) {
  auto busy = [](std::uint64_t items, double cpu_seconds) {
    auto result = section_of(items, 1);
    result.cpu_seconds = cpu_seconds;
    return result;
  };
  auto result =
    summarize({busy(1000, 0.001), busy(1000, 0.009), busy(1000, 0.002), busy(0, 1)}, {});
  BOOST_TEST(result.ours.cpu_us == 2, boost::test_tools::tolerance(1e-9));

  std::vector<sample> both{section_of(300, 1), section_of(100, 1)};
  share_cpu(4, both);
  BOOST_TEST(both[0].cpu_seconds == 3, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(both[1].cpu_seconds == 1, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(both[0].cpu_us() == both[1].cpu_us(), boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(a_stopwatch_sees_the_work_of_other_threads) {
  stopwatch watch;
  std::thread([] {
    for (auto end = steady::now() + 50ms; steady::now() < end;)
      ;
  }).join();
  auto seen = watch.stop();
  BOOST_TEST(seen.seconds >= 0.05);
  BOOST_TEST(seen.cpu_seconds > 0);
}

BOOST_AUTO_TEST_CASE(a_result_is_one_line_of_json_with_all_figures) {
  auto ours = section_of(1000, 2);
  ours.latency.add(1500ns);
  ours.latency.add(2500ns);
  ours.locked_errors = 3;
  ours.refused = 7;
  ours.cpu_seconds = 0.004;
  ours.rss_growth_mib = 12.34;
  auto floor = section_of(1000, 1);
  floor.latency.add(5us);
  floor.cpu_seconds = 0.001;
  floor.locked_errors = 2;
  auto text = to_json("write_bench", {"w16x64_full", 16, 64, "full"}, summarize({ours}, {floor}));
  BOOST_TEST(text.find('\n') == std::string::npos);
  auto line = nlohmann::json::parse(text);
  BOOST_TEST(line.size() == 23u);
  BOOST_TEST(line.at("bench") == "write_bench");
  BOOST_TEST(line.at("case") == "w16x64_full");
  BOOST_TEST(line.at("clients") == 16);
  BOOST_TEST(line.at("window") == 64);
  BOOST_TEST(line.at("sync") == "full");
  BOOST_TEST(line.at("rate_per_s") == 500);
  BOOST_TEST(line.at("p50_us") == 1.5);
  BOOST_TEST(line.at("p99_us") == 2.5);
  BOOST_TEST(line.at("max_us") == 2.5);
  BOOST_TEST(line.at("cpu_us") == 4);
  BOOST_TEST(line.at("locked_errors") == 3);
  BOOST_TEST(line.at("floor_rate_per_s") == 1000);
  for (auto key : {"floor_p50_us", "floor_p99_us", "floor_max_us"})
    BOOST_TEST(line.at(key) == 5);
  BOOST_TEST(line.at("floor_cpu_us") == 1);
  BOOST_TEST(line.at("floor_locked_errors") == 2);
  BOOST_TEST(line.at("ratio") == 0.5);
  BOOST_TEST(line.at("p50_ratio").get<double>() == 3.33, boost::test_tools::tolerance(0.04));
  BOOST_TEST(line.at("p99_ratio") == 2);
  BOOST_TEST(line.at("max_ratio") == 2);
  BOOST_TEST(line.at("refused") == 7);
  BOOST_TEST(line.at("rss_growth_mib") == 12.3);
}

BOOST_AUTO_TEST_CASE(figures_that_there_are_none_of_are_null) {
  auto line = nlohmann::json::parse(to_json("b", {"c"}, summarize({section_of(10, 1)}, {})));
  for (auto key : {"p50_us", "p99_us", "max_us", "floor_rate_per_s", "floor_p50_us", "floor_p99_us",
                   "floor_max_us", "floor_cpu_us", "floor_locked_errors", "ratio", "max_ratio",
                   "rss_growth_mib"})
    BOOST_TEST(line.at(key).is_null());
}

BOOST_AUTO_TEST_CASE(clients_of_a_section_are_summed_and_only_counted_between_warm_up_and_end) {
  settings how;
  how.duration = 40ms;
  auto total = run_threads(how, 3, [](const referee& whistle, sample& seen, int index) {
    bool warm = !whistle.counting();
    while (!whistle.counting() && !whistle.over())
      std::this_thread::yield();
    seen.items = warm ? 1 : 0;
    seen.latency.add(nanoseconds{index});
    while (!whistle.over())
      std::this_thread::yield();
  });
  BOOST_TEST(total.items == 3u);
  BOOST_TEST(total.latency.count() == 3u);
  BOOST_TEST(total.seconds >= 0.04);
  BOOST_TEST(total.cpu_seconds > 0); // They spin all the time.
  BOOST_TEST(total.failures == 0u);
}

BOOST_AUTO_TEST_CASE(an_exception_of_a_client_is_a_failure_with_its_text) {
  settings how;
  how.duration = 1ms;
  auto total = run_threads(how, 2, [](const referee&, sample&, int index) {
    if (index == 1)
      throw std::runtime_error("disk full");
  });
  BOOST_TEST(total.failures == 1u);
  BOOST_TEST(total.first_failure == "disk full");
}

BOOST_AUTO_TEST_CASE(a_failed_request_makes_the_program_fail_but_a_locked_floor_does_not) {
  settings how;
  how.alternations = 1;
  auto good = section_of(10, 1);
  auto locked = good;
  locked.locked_errors = 1;
  auto failed = good;
  failed.fail("constraint");

  std::ostringstream lines;
  program fine("b", how, lines);
  fine.compare(
    {"c"}, [&] { return good; }, [&] { return locked; });
  fine.measure({"d"}, [&] { return locked; });
  BOOST_TEST(fine.succeeded());

  for (auto& bad : {locked, failed, section_of(0, 1)}) {
    program self("b", how, lines);
    self.compare(
      {"c"}, [&] { return bad; }, [&] { return good; });
    BOOST_TEST(!self.succeeded());
    program strict("b", how, lines);
    strict.prove({"c"}, [&] { return bad; });
    BOOST_TEST(!strict.succeeded());
  }
}

BOOST_AUTO_TEST_CASE(only_the_chosen_cases_run_and_sides_take_turns_to_go_first) {
  settings how;
  how.alternations = 3;
  how.cases = {"wanted"};
  std::ostringstream lines;
  program self("b", how, lines);
  std::string order;
  auto side = [&order](char mark) {
    return [&order, mark] {
      order += mark;
      return section_of(1, 1);
    };
  };
  self.compare({"unwanted"}, side('x'), side('y'));
  self.compare({"wanted"}, side('o'), side('f'));
  BOOST_TEST(order == "fooffo");
  BOOST_TEST(lines.str().find("\"unwanted\"") == std::string::npos);
  BOOST_TEST(lines.str().find("\"wanted\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_scratch_folder_is_gone_with_its_database_at_the_end) {
  std::filesystem::path database;
  {
    scratch_folder folder(std::filesystem::temp_directory_path());
    database = folder.database();
    std::ofstream(database) << "x";
    BOOST_TEST(std::filesystem::exists(database));
  }
  BOOST_TEST(!std::filesystem::exists(database.parent_path()));
  BOOST_CHECK_THROW(scratch_folder("/nonexistent/folder"), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(the_command_line_is_read_and_mistakes_are_named) {
  auto how = parse_settings({"--seconds", "1.5", "--alternations", "7", "--case", "a", "--case",
                             "b", "--dir", "/somewhere"});
  BOOST_TEST((how.duration == 1500ms));
  BOOST_TEST(how.alternations == 7);
  BOOST_TEST((how.cases == std::vector<std::string>{"a", "b"}));
  BOOST_TEST(how.folder == "/somewhere");
  BOOST_TEST(!how.quick);
  BOOST_TEST(parse_settings({"--quick"}).quick);

  for (std::vector<std::string> wrong : {std::vector<std::string>{"--fast"},
                                         {"--seconds"},
                                         {"--seconds", "long"},
                                         {"--seconds", "1x"},
                                         {"--seconds", "0"},
                                         {"--seconds", "nan"},
                                         {"--alternations", "0"}})
    BOOST_CHECK_THROW(parse_settings(wrong), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/attempt_report.hpp"

#include "quire/actors/task_handler.hpp"

#include <boost/test/unit_test.hpp>

#include <thread>
#include <vector>

using namespace quire;
using namespace quire::actors;

BOOST_AUTO_TEST_SUITE(attempt_report)

BOOST_AUTO_TEST_CASE(the_last_word_counts_and_wakes_once) {
  int wakes = 0;
  actors::attempt_report report(
    std::make_shared<const std::function<void()>>([&wakes] { ++wakes; }));
  report.progress(10, "reading");
  report.progress(20, std::nullopt);
  report.log("one", 5);
  report.progress(120, std::nullopt);
  BOOST_TEST(wakes == 1);
  auto news = report.take();
  BOOST_TEST(news.percent.value() == 100);
  BOOST_TEST(news.step.value() == "reading");
  BOOST_REQUIRE(news.lines.size() == 1u);
  BOOST_TEST(news.lines.front().at_ms == 5);
  BOOST_TEST(report.take().empty());
  report.progress(-3, std::nullopt);
  BOOST_TEST(wakes == 2);
  BOOST_TEST(report.take().percent.value() == 0);
}

BOOST_AUTO_TEST_CASE(it_is_bounded) {
  actors::attempt_report report;
  for (int i = 0; i < 5000; ++i)
    report.log("line " + std::to_string(i), i);
  report.progress(1, std::string(5000, 's'));
  report.log(std::string(4095, 'x') + "\u00e4", 1); // Not cut within a character.
  auto news = report.take();
  BOOST_TEST(news.lines.size() == 1000u);
  BOOST_TEST(news.lines.front().text == "line 4001");
  BOOST_TEST(news.lines.back().text == std::string(4095, 'x'));
  BOOST_TEST(news.step->size() == 4096u);
}

BOOST_AUTO_TEST_CASE(later_words_are_added_to_earlier_ones) {
  attempt_news news{10, "a", {{1, "x"}}};
  append(news, {std::nullopt, "b", {{2, "y"}}});
  BOOST_TEST(news.percent.value() == 10);
  BOOST_TEST(news.step.value() == "b");
  BOOST_TEST(news.lines.size() == 2u);
}

BOOST_AUTO_TEST_CASE(signs_of_life_have_a_time) {
  actors::attempt_report report;
  BOOST_TEST(!report.last_sign());
  auto now = std::chrono::steady_clock::now();
  report.sign_of_life(now);
  BOOST_TEST((report.last_sign().value() == now));
}

BOOST_AUTO_TEST_CASE(threads_may_speak_at_once) {
  actors::attempt_report report;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&report] {
      for (int i = 0; i < 200; ++i)
        report.log("x", i);
    });
  std::size_t taken = 0;
  for (int i = 0; i < 50; ++i)
    taken += report.take().lines.size();
  for (auto& thread : threads)
    thread.join();
  BOOST_TEST(taken + report.take().lines.size() == 800u);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/storage/sqlite/task_progress.hpp"

#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;

namespace {

struct progress_fixture : tests::store_fixture {
  bool say(const task_assignment& task, const attempt_news& news) {
    return write([&](auto& tx) { return storage::write_news(tx, task.id, task.epoch, news); });
  }

  static attempt_news lines(int count) {
    attempt_news news;
    for (int i = 0; i < count; ++i)
      news.lines.push_back({i, "line " + std::to_string(i)});
    return news;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_progress, progress_fixture)

BOOST_AUTO_TEST_CASE(progress_step_and_lines_are_kept_with_the_task) {
  auto id = enqueue(work());
  auto task = claim_one();
  BOOST_TEST(say(task, {30, "reading", {{7, "page 1"}, {8, "page 2"}}}));
  BOOST_TEST(record(id).progress == 30);
  BOOST_TEST(record(id).step == "reading");
  BOOST_TEST(say(task, {60, {}, {}}));
  BOOST_TEST(record(id).progress == 60);
  BOOST_TEST(record(id).step == "reading");
  auto log = details(id).log;
  BOOST_REQUIRE(log.size() == 2u);
  BOOST_TEST(log[0].text == "page 1");
  BOOST_TEST(log[1].at_ms == 8);
  BOOST_TEST(log[1].epoch == task.epoch);
  finish(task, task_outcome::success());
  BOOST_TEST(record(id).progress == 100);
  BOOST_TEST(details(id).log.size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_said_without_a_claim_is_dropped) {
  auto id = enqueue(work());
  auto stale = claim_one();
  say(stale, {80, "almost", {}});
  reboot();
  auto task = claim_one();
  BOOST_TEST(record(id).progress == 0); // Of the new attempt.
  BOOST_TEST(record(id).step.empty());
  BOOST_TEST(!say(stale, {90, "late", {{1, "late"}}}));
  BOOST_TEST(say(task, {10, {}, {}}));
  BOOST_TEST(record(id).progress == 10);
  BOOST_TEST(record(id).step.empty());
  BOOST_TEST(details(id).log.empty());
  finish(task, task_outcome::failure("no", error_class::permanent));
  BOOST_TEST(!say(task, {95, {}, {}}));
  BOOST_TEST(record(id).progress == 10);
}

BOOST_AUTO_TEST_CASE(the_last_lines_are_kept) {
  auto id = enqueue(work());
  auto task = claim_one();
  say(task, lines(700));
  say(task, lines(700));
  auto log = details(id).log;
  BOOST_REQUIRE(log.size() == 1000u);
  BOOST_TEST(log.front().text == "line 400");
  BOOST_TEST(log.back().text == "line 699");
}

BOOST_AUTO_TEST_CASE(it_goes_with_the_task) {
  enqueue(work());
  auto task = claim_one();
  say(task, {1, "x", {{1, "x"}}});
  finish(task, task_outcome::success());
  write([&](auto& tx) { storage::prune_tasks(tx, now + 1); });
  BOOST_TEST(number("SELECT (SELECT count(*) FROM quire_task_log) "
                    "+ (SELECT count(*) FROM quire_task_progress)")
             == 0);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/tests/support/program_json.hpp"

using namespace quire::tests;

namespace {

/// A folder whose database has a task of no handler in the queue mail.
struct queue_fixture : command_fixture {
  queue_fixture() {
    write("p.json", pipeline_of(script_stage("one", "true")));
    BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
    BOOST_REQUIRE(quire({"task", "submit", "letter", "{}", "--queue", "mail"}).status == 0);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(program_queue, queue_fixture)

BOOST_AUTO_TEST_CASE(queues_are_listed_paused_limited_and_resumed) {
  auto paused = quire({"queue", "pause", "mail"});
  BOOST_TEST_CONTEXT(paused) {
    BOOST_TEST(paused.status == 0);
    BOOST_TEST(paused.out_has("queue mail: paused; 1 task ready, 0 running\n"));
    BOOST_TEST(paused.err == "");
  }
  auto limited = only_object({"queue", "limit", "mail", "3"});
  BOOST_TEST((limited["paused"] == true && limited["limit"] == 3 && limited["ready"] == 1));
  auto list = quire({"queue", "list"});
  BOOST_TEST_CONTEXT(list) {
    BOOST_TEST(list.out_has("mail"));
    BOOST_TEST(list.out_has("default"));
    BOOST_TEST(list.out_has("2 queues; database: "));
  }
  auto resumed = only_object({"queue", "resume", "mail"});
  BOOST_TEST(
    (resumed["paused"] == false && resumed["paused_at_ms"].is_null() && resumed["limit"] == 3));
  BOOST_TEST(only_object({"queue", "limit", "mail", "none"})["limit"].is_null());
}

BOOST_AUTO_TEST_CASE(tasks_of_a_paused_queue_do_not_run_and_others_do) {
  BOOST_REQUIRE(quire({"queue", "pause", "mail"}).status == 0);
  for (auto queue : {"mail", "other"})
    BOOST_REQUIRE(
      quire({"task", "submit", "command", R"({"argv": ["true"]})", "--queue", queue}).status == 0);
  BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  BOOST_TEST(quire({"task", "list", "--state", "ready"}).out_has("2 tasks"));
  BOOST_REQUIRE(quire({"queue", "resume", "mail"}).status == 0);
  BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  BOOST_TEST(quire({"task", "list", "--state", "ready"}).out_has("1 task"));
}

BOOST_AUTO_TEST_CASE(a_queue_nobody_used_is_said_to_be_one) {
  auto result = quire({"queue", "pause", "mial"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.err_has("no task was ever put into the queue 'mial'; did you mean mail?"));
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  refused({"queue", "pause"}, 2, "quire queue pause: the argument NAME is missing");
  refused({"queue", "limit", "mail"}, 2, "quire queue limit: the argument N is missing");
  refused({"queue", "limit", "mail", "0"}, 2, "quire queue limit");
  refused({"queue", "limit", "mail", "many"}, 2, "quire queue limit");
  refused({"queue", "limit", "mail", "1", "2"}, 2, "one argument too many");
  refused({"queue", "puase", "mail"}, 2, "did you mean pause?");
  refused({"queue", "pause", ""}, 1, "the name of a queue must be 1 to 100 bytes long");
  refused({"queue", "list", "--db", "missing.db"}, 1, "missing.db");
}

BOOST_AUTO_TEST_SUITE_END()

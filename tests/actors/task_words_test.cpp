#include "quire/tests/support/task_fixture.hpp"

#include "quire/actors/attempt_report.hpp"
#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/kind_store.hpp"

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct words_fixture : tests::task_fixture {
  task_details details(task_id id) {
    return *look([&](storage::snapshot& db) { return storage::find_task(db, id); });
  }

  /// A breaker of the kind `fail` that opens after two failures.
  void guard(breaker_mode mode = breaker_mode::hold) {
    breaker_policy policy;
    policy.failures = 2;
    policy.open_for = 10s;
    policy.mode = mode;
    write([=](storage::transaction& tx) {
      storage::put_breaker(tx, "api", policy, 1);
      storage::set_kind_policy(tx, "fail", {{}, {}, "api"}, 1);
    });
  }

  static task_spec once(const std::string& kind) {
    auto one = spec(kind);
    one.retry.attempts_max = 1;
    return one;
  }
};

} // namespace

/// What handlers say while they run, and what decides whether they are run at all.
BOOST_FIXTURE_TEST_SUITE(task_words, words_fixture)

BOOST_AUTO_TEST_CASE(what_a_running_handler_says_is_written_soon) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  attempt.attempt.report->progress(30, "reading");
  attempt.attempt.report->log("page 1", 7);
  settle();
  BOOST_TEST(task(id).progress == 30);
  attempt.attempt.report->progress(40, std::nullopt);
  settle();
  BOOST_TEST(task(id).progress == 30); // Not with each word.
  advance(250ms, 50ms);
  BOOST_TEST(task(id).progress == 40);
  BOOST_TEST(task(id).step == "reading");
  attempt.attempt.report->log("the last", 8);
  attempt.end(task_outcome::failure("no", error_class::permanent));
  settle();
  BOOST_TEST(is(id, task_state::failed));
  BOOST_REQUIRE(details(id).log.size() == 2u);
  BOOST_TEST(details(id).log[1].text == "the last");
}

BOOST_AUTO_TEST_CASE(handlers_speak_through_their_context) {
  handlers["talk"] = [](task_context& context) {
    context.progress(50, "half");
    context.log("hello");
    return task_outcome::failure("no", error_class::permanent);
  };
  start();
  auto id = enqueue(spec("talk"));
  settle();
  BOOST_TEST(task(id).progress == 50);
  BOOST_TEST(task(id).step == "half");
  BOOST_REQUIRE(details(id).log.size() == 1u);
  BOOST_TEST(details(id).log[0].text == "hello");
}

// Words are not worth a result.
BOOST_AUTO_TEST_CASE(what_was_said_waits_while_nothing_can_be_written) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  faults->refused = 2;
  attempt.attempt.report->progress(30, std::nullopt);
  settle();
  attempt.attempt.report->progress(60, std::nullopt);
  advance(300ms, 50ms);
  BOOST_TEST(task(id).progress == 0);
  advance(10s, 100ms);
  BOOST_TEST(task(id).progress == 60);
  attempt.end(task_outcome::success());
  settle();
  BOOST_TEST(is(id, task_state::completed));
}

BOOST_AUTO_TEST_CASE(the_last_words_come_with_a_result_that_had_to_wait_and_in_a_drain) {
  start_manual(2);
  auto ids = enqueue({spec("hold"), spec("hold")});
  settle();
  auto first = manual->take();
  first.attempt.report->log("the last", 8);
  faults->refused = 1;
  first.end(task_outcome::success());
  advance(2s, 100ms);
  BOOST_TEST(details(ids[0]).log.size() == 1u);
  auto second = manual->take();
  auto done = send(tasks, drain{});
  second.attempt.report->log("the last", 9);
  second.end(task_outcome::success());
  BOOST_TEST(bool(receive<drained>(std::move(done))));
  BOOST_TEST(details(ids[1]).log.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_handler_without_a_sign_of_life_is_asked_to_stop) {
  start_manual();
  auto silent = once("hold");
  silent.heartbeat = 2s;
  auto id = enqueue(silent);
  settle();
  auto attempt = manual->take();
  for (int i = 0; i < 5; ++i) {
    advance(1900ms, 100ms);
    attempt.attempt.report->sign_of_life(env.clock->now());
  }
  BOOST_TEST(!attempt.cancel().cancelled());
  advance(2100ms, 100ms);
  BOOST_TEST(attempt.cancel().cancelled());
  attempt.end(task_outcome::failure("stopped"));
  settle();
  BOOST_TEST(task(id).error == "its handler gave no sign of life for its 2 s");
  BOOST_TEST((task(id).error_kind == error_class::timeout));
}

BOOST_AUTO_TEST_CASE(a_snoozed_task_runs_again_after_its_delay) {
  handlers["later"] = [this](task_context& context) {
    ran.push_back(std::to_string(context.task.attempt));
    return ran.size() < 3 ? task_outcome::snoozed(5s) : task_outcome::success();
  };
  start();
  auto id = enqueue(once("later"));
  advance(4900ms, 100ms);
  BOOST_TEST(ran.size() == 1u);
  advance(200ms, 100ms);
  BOOST_TEST(ran.size() == 2u);
  advance(5100ms, 100ms);
  BOOST_TEST(is(id, task_state::completed));
  BOOST_TEST(ran.back() == "1"); // Its only attempt.
  BOOST_TEST(count("snoozed") == 2);
  BOOST_TEST(task(id).snoozes == 2);
}

BOOST_AUTO_TEST_CASE(what_a_handler_writes_is_committed_with_its_success) {
  direct([](storage::transaction& tx) { tx.execute("CREATE TABLE paid(task)"); });
  handlers["pay"] = [](task_context& context) {
    auto outcome = task_outcome::success();
    outcome.effects = [id = context.task.id](storage::transaction& tx) {
      tx.execute("INSERT INTO paid VALUES(?1)", id.value);
      storage::enqueue_task(tx, spec("echo"), 1);
    };
    return outcome;
  };
  start();
  enqueue(spec("pay"));
  settle();
  BOOST_TEST(number("SELECT count(*) FROM paid") == 1);
  BOOST_TEST(ran.size() == 1u); // Its child.
}

BOOST_AUTO_TEST_CASE(an_effect_that_throws_fails_its_task_and_no_other) {
  handlers["pay"] = [](task_context&) {
    auto outcome = task_outcome::success();
    outcome.effects = [](storage::transaction&) { throw std::runtime_error("no money"); };
    return outcome;
  };
  start();
  auto ids = enqueue({once("pay"), spec("echo"), spec("echo")});
  advance(5s, 100ms);
  BOOST_TEST(is(ids[0], task_state::failed));
  BOOST_TEST(task(ids[0]).error.find("no money") != std::string::npos);
  BOOST_TEST(is(ids[1], task_state::completed));
  BOOST_TEST(is(ids[2], task_state::completed));
}

// As with all that may be refused: a unique key that is taken, a task that is gone.
BOOST_AUTO_TEST_CASE(an_effect_that_is_refused_fails_its_task_and_no_other) {
  handlers["pay"] = [](task_context&) {
    auto outcome = task_outcome::success();
    outcome.effects = [](storage::transaction& tx) {
      storage::cancel_task(tx, task_id{99}, "gone", 1);
    };
    return outcome;
  };
  start();
  auto ids = enqueue({once("pay"), spec("echo")});
  advance(5s, 100ms);
  BOOST_TEST(is(ids[0], task_state::failed));
  BOOST_TEST(is(ids[1], task_state::completed));
  BOOST_TEST(status(tasks).state == "running");
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_says_nothing_to_its_breaker) {
  guard();
  handlers.erase("fail");
  handlers["fail"] = handlers["hold"];
  start_manual(3);
  auto ids = enqueue({once("fail"), once("fail"), once("fail")});
  settle();
  for (auto id : ids)
    BOOST_REQUIRE(bool(call<task_changed>(tasks, cancel_task{id, "not needed"})));
  while (!manual->running.empty())
    manual->take().end(task_outcome::failure("stopped"));
  settle();
  BOOST_TEST(number("SELECT failures FROM quire_breaker") == 0);
}

BOOST_AUTO_TEST_CASE(an_open_breaker_holds_its_tasks_and_probes_by_itself) {
  guard();
  start();
  enqueue({once("fail"), once("fail"), once("fail"), once("fail")});
  auto other = enqueue(spec("echo", "2"));
  settle();
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 12") == 2);
  BOOST_TEST(is(other, task_state::completed));
  advance(9900ms, 100ms);
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 12") == 2);
  advance(200ms, 100ms);
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 12") == 3); // One probe.
  write([](storage::transaction& tx) { storage::remove_breaker(tx, "api"); });
  settle();
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 12") == 4);
}

BOOST_AUTO_TEST_CASE(a_breaker_that_skips_ends_all_that_waits_without_time_passing) {
  guard(breaker_mode::skip);
  start();
  enqueue(std::vector<task_spec>(500, once("fail")));
  settle();
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 12") == 2);
  advance(10ms, 1ms); // In portions of 200.
  BOOST_TEST(number("SELECT count(*) FROM quire_task WHERE state = 14") == 498);
}

BOOST_AUTO_TEST_CASE(a_rate_spreads_tasks_over_time) {
  write([](storage::transaction& tx) {
    storage::set_kind_policy(tx, "echo", {{}, rate_limit{1, 2s, 2}, {}}, 1);
  });
  options.workers = 4;
  start();
  enqueue(std::vector<task_spec>(5, spec("echo")));
  settle();
  BOOST_TEST(ran.size() == 2u);
  advance(1900ms, 100ms);
  BOOST_TEST(ran.size() == 2u);
  advance(200ms, 100ms);
  BOOST_TEST(ran.size() == 3u);
  advance(4s, 100ms);
  BOOST_TEST(ran.size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_task_that_no_worker_took_in_time_fails_by_itself) {
  start_manual();
  enqueue(spec("hold"));
  auto late = spec("hold");
  late.start_within = 3s;
  auto id = enqueue(late);
  advance(2900ms, 100ms);
  BOOST_TEST(is(id, task_state::ready));
  advance(200ms, 100ms);
  BOOST_TEST(is(id, task_state::failed));
}

BOOST_AUTO_TEST_CASE(an_attempt_ends_with_the_time_of_its_task) {
  start_manual();
  auto limited = spec("hold");
  limited.end_within = 2s;
  auto id = enqueue(limited);
  advance(1900ms, 100ms);
  auto attempt = manual->take();
  BOOST_TEST(!attempt.cancel().cancelled());
  advance(200ms, 100ms);
  BOOST_TEST(attempt.cancel().cancelled());
  attempt.end(task_outcome::failure("stopped"));
  settle();
  BOOST_TEST(is(id, task_state::failed));
  BOOST_TEST(task(id).error.find("it had not ended when its time was up") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/app/test_queue.hpp"

#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/kind_store.hpp"
#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;

namespace {

task_spec spec(std::string kind, std::string payload = "{}") {
  task_spec result;
  result.kind = std::move(kind);
  result.payload = std::move(payload);
  return result;
}

struct queue_fixture {
  queue_fixture() {
    queue.handle("echo", [this](task_context& context) {
      ran.push_back(context.task.payload);
      return task_outcome::success(context.task.payload);
    });
    queue.handle("fail", [this](task_context& context) {
      ran.push_back(std::to_string(context.clock->unix_ms() - begin));
      return task_outcome::failure("no luck");
    });
  }

  test_queue queue;
  std::int64_t begin = queue.now_ms();
  std::vector<std::string> ran;
};

using texts = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(test_queue, queue_fixture)

BOOST_AUTO_TEST_CASE(tasks_run_in_the_order_of_the_queue) {
  auto first = queue.enqueue(spec("echo", "1"));
  auto urgent = spec("echo", "2");
  urgent.priority = task_priority::urgent;
  queue.enqueue(urgent);
  BOOST_TEST(queue.waiting("echo").size() == 2u);
  BOOST_TEST(queue.drain() == 2u);
  BOOST_TEST(ran == (texts{"2", "1"}), boost::test_tools::per_element());
  BOOST_TEST((queue.find(first)->task.state == task_state::completed));
  BOOST_TEST(queue.find(first)->output == "1");
  BOOST_TEST(queue.waiting("echo").empty());
  BOOST_TEST(queue.drain() == 0u);
}

BOOST_AUTO_TEST_CASE(failed_attempts_are_repeated_when_time_passes) {
  auto id = queue.enqueue(spec("fail"));
  BOOST_TEST(queue.drain() == 1u);
  BOOST_TEST((queue.find(id)->task.state == task_state::retryable));
  BOOST_TEST(queue.advance(999ms) == 0u);
  BOOST_TEST(queue.advance(60s) == 2u);
  BOOST_TEST(ran == (texts{"0", "1000", "3000"}), boost::test_tools::per_element());
  BOOST_TEST((queue.find(id)->task.state == task_state::failed));
  BOOST_TEST(queue.now_ms() == begin + 60'999);
}

BOOST_AUTO_TEST_CASE(what_a_task_enqueues_is_run_too) {
  queue.handle("parent", [](task_context& context) {
    auto outcome = task_outcome::success();
    outcome.effects = [now = context.clock->unix_ms()](storage::transaction& tx) {
      for (auto payload : {"1", "2"})
        storage::enqueue_task(tx, spec("echo", payload), now);
    };
    return outcome;
  });
  queue.enqueue(spec("parent"));
  BOOST_TEST(queue.drain(1) == 1u);
  BOOST_REQUIRE(queue.waiting("echo").size() == 2u);
  BOOST_TEST(queue.waiting("echo")[1].payload == "2");
  BOOST_TEST(queue.drain() == 2u);
}

BOOST_AUTO_TEST_CASE(a_handler_is_called_without_the_queue) {
  auto outcome = queue.perform(spec("fail"));
  BOOST_TEST((outcome.what == task_outcome::verdict::failed));
  BOOST_TEST(queue.tasks().empty());
  BOOST_TEST((queue.perform(spec("strange")).error_kind == error_class::permanent));
}

BOOST_AUTO_TEST_CASE(the_rules_of_the_queue_hold) {
  queue.write([&](storage::transaction& tx) {
    breaker_policy policy;
    policy.failures = 1;
    policy.open_for = 10s;
    storage::put_breaker(tx, "api", policy, queue.now_ms());
    storage::set_kind_policy(tx, "fail", {{}, {}, "api"}, queue.now_ms());
    schedule_spec beat;
    beat.name = "beat";
    beat.spec = "every 30s";
    beat.task = spec("echo", "beat");
    storage::put_schedule(tx, beat, queue.now_ms());
  });
  auto once = spec("fail");
  once.retry.attempts_max = 1;
  queue.enqueue(once);
  queue.enqueue(once);
  queue.advance(25s);
  BOOST_TEST(ran == (texts{"0", "10000"}), boost::test_tools::per_element());
  queue.advance(40s);
  BOOST_TEST(ran == (texts{"0", "10000", "beat", "beat"}), boost::test_tools::per_element());
  BOOST_TEST(queue.violations().empty());
}

BOOST_AUTO_TEST_CASE(words_snoozes_and_exceptions_count_as_in_a_runtime) {
  queue.handle("later", [](task_context& context) -> task_outcome {
    context.progress(40, "waiting");
    context.log("not yet");
    if (context.task.epoch == 1)
      return task_outcome::snoozed(1h);
    throw std::runtime_error("broken");
  });
  auto one = spec("later");
  one.retry.attempts_max = 1;
  auto id = queue.enqueue(one);
  BOOST_TEST(queue.drain() == 1u);
  BOOST_TEST((queue.find(id)->task.state == task_state::scheduled));
  BOOST_TEST(queue.advance(1h) == 1u);
  auto details = *queue.find(id);
  BOOST_TEST(details.task.error == "broken");
  BOOST_TEST(details.task.progress == 40);
  BOOST_TEST(details.log.size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_an_application_keeps_beside_it_is_in_the_same_file) {
  queue.write([](storage::transaction& tx) { tx.execute("CREATE TABLE paid(task)"); });
  queue.handle("pay", [](task_context& context) {
    auto outcome = task_outcome::success();
    outcome.effects = [id = context.task.id](storage::transaction& tx) {
      tx.execute("INSERT INTO paid VALUES(?1)", id.value);
    };
    return outcome;
  });
  auto id = queue.enqueue(spec("pay"));
  queue.drain();
  BOOST_TEST(queue.write([](storage::transaction& tx) {
    return tx.query_scalar<std::int64_t>("SELECT task FROM paid");
  }) == id.value);
}

BOOST_AUTO_TEST_CASE(an_effect_that_throws_fails_its_task) {
  queue.handle("pay", [](task_context&) {
    auto outcome = task_outcome::success();
    outcome.effects = [](storage::transaction&) { throw std::runtime_error("no money"); };
    return outcome;
  });
  auto id = queue.enqueue(spec("pay"));
  queue.enqueue(spec("echo"));
  BOOST_TEST(queue.drain() == 2u);
  BOOST_TEST((queue.find(id)->task.state == task_state::failed));
  BOOST_TEST(queue.find(id)->task.error == "its result could not be written: no money");
}

BOOST_AUTO_TEST_CASE(violations_are_found) {
  queue.enqueue(spec("echo"));
  queue.write([](storage::transaction& tx) { tx.execute("DELETE FROM quire_task_body"); });
  BOOST_REQUIRE(!queue.violations().empty());
  BOOST_TEST(queue.violations().front() == "waiting_payloads: task 1");
}

BOOST_AUTO_TEST_CASE(a_repeated_attempt_goes_on_behind_the_steps_that_are_done) {
  queue.write([](storage::transaction& tx) { tx.execute("CREATE TABLE sent(page)"); });
  queue.handle("import", [this](task_context& context) {
    auto pages = context.step("list", [&] {
      ran.push_back("list");
      return "2";
    });
    for (int page = 1; page <= std::stoi(pages); ++page)
      context.transact("page " + std::to_string(page), [=](storage::transaction& tx) {
        tx.execute("INSERT INTO sent VALUES(?1)", page);
      });
    if (context.task.attempt == 1)
      return task_outcome::failure("no luck");
    return task_outcome::success(pages);
  });
  auto id = queue.enqueue(spec("import"));
  queue.advance(1h);
  auto found = queue.find(id);
  BOOST_TEST((found->task.state == task_state::completed));
  BOOST_TEST(found->task.attempt == 2);
  BOOST_TEST(found->steps.size() == 3u);
  BOOST_TEST(ran == (texts{"list"}), boost::test_tools::per_element());
  auto sent = queue.write([](storage::transaction& tx) {
    return tx.query_scalar<std::int64_t>("SELECT count(*) FROM sent");
  });
  BOOST_TEST(sent == 2);
  BOOST_TEST(queue.violations().empty());
}

BOOST_AUTO_TEST_CASE(no_step_begins_inside_of_one_that_writes) {
  queue.handle("nested", [](task_context& context) {
    context.transact("outer", [&](storage::transaction&) { context.step("inner", [] {}); });
    return task_outcome::success();
  });
  auto ended = queue.perform(spec("nested"));
  BOOST_TEST(ended.error.find("the step 'inner' is inside of one that writes") == 0u, ended.error);
  auto id = queue.enqueue(spec("nested"));
  queue.drain();
  BOOST_TEST(queue.find(id)->steps.empty());
}

BOOST_AUTO_TEST_CASE(tenants_take_turns_and_subtasks_come_first) {
  auto whole = spec("echo", "whole");
  whole.subtasks = {spec("echo", "part"), spec("fail")};
  whole.subtasks[1].retry.attempts_max = 1;
  whole.priority = task_priority::urgent;
  queue.enqueue(whole);
  for (auto payload : {"a1", "a2", "a3"}) {
    auto one = spec("echo", payload);
    one.tenant = "a";
    queue.enqueue(one);
  }
  queue.drain();
  BOOST_TEST(ran == (texts{"part", "a1", "0", "a2", "whole", "a3"}), boost::test_tools::per_element());
  BOOST_TEST(queue.violations().empty());
}

BOOST_AUTO_TEST_CASE(an_output_that_is_too_large_fails_here_too) {
  queue.handle("large", [](task_context&) {
    return task_outcome::success(std::string(output_bytes_max + 1, 'x'));
  });
  auto id = queue.enqueue(spec("large"));
  queue.drain();
  BOOST_TEST((queue.find(id)->task.state == task_state::failed));
}

BOOST_AUTO_TEST_SUITE_END()

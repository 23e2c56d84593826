#include "quire/actors/task_service.hpp"

#include "quire/storage/sqlite/queue_store.hpp"
#include "quire/tests/support/task_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct task_fixture : tests::task_fixture {
  static std::vector<task_spec> narrow(std::size_t count, const std::string& kind) {
    auto one = spec(kind);
    one.queue = "narrow";
    return std::vector<task_spec>(count, one);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_service, task_fixture)

BOOST_AUTO_TEST_CASE(an_enqueued_task_is_run_and_completed) {
  start();
  auto id = enqueue(spec("echo", "\"hello\""));
  settle();
  BOOST_TEST(is(id, task_state::completed));
  BOOST_TEST(count("completed") == 1);
  auto details = *look([&](storage::snapshot& db) { return storage::find_task(db, id); });
  BOOST_TEST(details.output == "\"hello\"");
}

// Nobody waits for a poll: time stands still in this test.
BOOST_AUTO_TEST_CASE(more_tasks_than_workers_are_all_run_without_time_passing) {
  options.workers = 3;
  start();
  auto ids = enqueue(std::vector<task_spec>(50, spec("echo")));
  settle();
  BOOST_TEST(count("completed") == 50);
  BOOST_TEST(count("running") == 0);
  BOOST_TEST(ran.size() == 50u);
}

// A place in a queue that becomes free is taken in the same round.
BOOST_AUTO_TEST_CASE(a_queue_with_a_limit_goes_on_without_time_passing) {
  options.workers = 3;
  start();
  write([](storage::transaction& tx) { storage::limit_queue(tx, "narrow", 1); });
  enqueue(narrow(20, "echo"));
  settle();
  BOOST_TEST(count("completed") == 20);
}

BOOST_AUTO_TEST_CASE(no_more_tasks_of_a_queue_run_than_its_limit_and_others_do) {
  start_manual(3);
  write([](storage::transaction& tx) { storage::limit_queue(tx, "narrow", 1); });
  enqueue(narrow(3, "hold"));
  enqueue(spec("hold"));
  settle();
  BOOST_TEST(manual->running.size() == 2u);
  for (std::size_t left = 3; left > 0; --left) {
    manual->take().end(task_outcome::success());
    settle();
    BOOST_TEST(manual->running.size() <= 2u);
  }
  BOOST_TEST(count("completed") == 3);
  BOOST_TEST(manual->running.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_queue_that_is_resumed_goes_on_at_once) {
  start();
  write([](storage::transaction& tx) { storage::pause_queue(tx, "narrow", 1); });
  enqueue(narrow(2, "echo"));
  advance(20s, 1s);
  BOOST_TEST(ran.empty());
  write([](storage::transaction& tx) { storage::resume_queue(tx, "narrow"); });
  settle();
  BOOST_TEST(count("completed") == 2);
}

BOOST_AUTO_TEST_CASE(tasks_that_were_there_before_the_service_are_run) {
  auto id =
    direct([&](storage::transaction& tx) { return storage::enqueue_task(tx, spec("echo"), 1); });
  start();
  BOOST_TEST(is(id, task_state::completed));
}

BOOST_AUTO_TEST_CASE(kinds_without_a_handler_are_left_alone) {
  start();
  auto id = enqueue(spec("strange"));
  advance(20s, 1s);
  BOOST_TEST(is(id, task_state::ready));
}

BOOST_AUTO_TEST_CASE(urgent_tasks_go_first) {
  start();
  auto low = spec("echo", "1");
  low.priority = task_priority::low;
  auto urgent = spec("echo", "3");
  urgent.priority = task_priority::urgent;
  enqueue({low, spec("echo", "2"), urgent});
  settle();
  BOOST_TEST(ran == (std::vector<std::string>{"3", "2", "1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_failed_attempt_is_repeated_after_its_delay) {
  start();
  auto id = enqueue(spec("fail"));
  advance(900ms);
  BOOST_TEST(ran.size() == 1u);
  BOOST_TEST(is(id, task_state::retryable));
  advance(200ms);
  BOOST_TEST(ran.size() == 2u);
  advance(1800ms);
  BOOST_TEST(ran.size() == 2u);
  advance(200ms);
  BOOST_TEST(ran.size() == 3u);
  BOOST_TEST(is(id, task_state::failed));
  BOOST_TEST(task(id).error == "no luck");
  advance(60s, 1s);
  BOOST_TEST(ran.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_delay_that_the_handler_names_wins) {
  handlers["busy"] = [this](task_context&) {
    ran.push_back("");
    auto outcome = task_outcome::failure("come back later");
    outcome.retry_after = 30s;
    return outcome;
  };
  start();
  enqueue(spec("busy"));
  advance(29s, 500ms);
  BOOST_TEST(ran.size() == 1u);
  advance(2s, 500ms);
  BOOST_TEST(ran.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_task_for_later_waits_for_its_time) {
  start();
  auto later = spec("echo");
  later.run_at_ms = env.clock->unix_ms() + 7'000;
  auto id = enqueue(later);
  advance(6'900ms, 100ms);
  BOOST_TEST(is(id, task_state::scheduled));
  advance(200ms);
  BOOST_TEST(is(id, task_state::completed));
}

BOOST_AUTO_TEST_CASE(a_waiting_task_is_cancelled_at_once) {
  start();
  auto id = enqueue(spec("strange"));
  auto answer = call<task_changed>(tasks, cancel_task{id, "not needed"});
  BOOST_REQUIRE(answer);
  BOOST_TEST((answer->state == task_state::cancelled));
  BOOST_TEST(is(id, task_state::cancelled));
  auto again = call<task_changed>(tasks, cancel_task{id, "twice"});
  BOOST_TEST(again.failed_with(errc::conflict));
}

BOOST_AUTO_TEST_CASE(a_running_task_is_told_to_stop_and_why) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  auto answer = call<task_changed>(tasks, cancel_task{id, "not needed"});
  BOOST_TEST((answer->state == task_state::running));
  BOOST_TEST(attempt.cancel().cancelled());
  BOOST_TEST(!attempt.cancel().releasing());
  BOOST_TEST(attempt.cancel().reason() == "not needed");
  attempt.end(task_outcome::failure("stopped"));
  settle();
  BOOST_TEST(is(id, task_state::cancelled));
}

BOOST_AUTO_TEST_CASE(a_cancel_of_another_process_is_found_by_the_safety_net) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  direct([&](storage::transaction& tx) { storage::cancel_task(tx, id, "from outside", 1); });
  settle();
  BOOST_TEST(!attempt.cancel().cancelled());
  advance(6s, 500ms);
  BOOST_TEST(attempt.cancel().cancelled());
}

BOOST_AUTO_TEST_CASE(an_attempt_that_takes_too_long_fails_as_timed_out) {
  start_manual();
  auto slow = spec("hold");
  slow.timeout = 2'500ms;
  slow.retry.attempts_max = 1;
  auto id = enqueue(slow);
  advance(2'400ms);
  auto attempt = manual->take();
  BOOST_TEST(!attempt.cancel().cancelled());
  advance(200ms);
  BOOST_TEST(attempt.cancel().cancelled());
  attempt.end(task_outcome::failure("something else"));
  settle();
  BOOST_TEST(is(id, task_state::failed));
  BOOST_TEST((task(id).error_kind == error_class::timeout));
  BOOST_TEST(task(id).error == "it took longer than its 2.5 s");
}

// Its thread is lost, the service is not.
BOOST_AUTO_TEST_CASE(a_handler_that_does_not_stop_is_given_up_with_its_worker) {
  start_manual();
  auto slow = spec("hold");
  slow.timeout = 1s;
  slow.retry.attempts_max = 1;
  auto id = enqueue(slow);
  advance(1'100ms);
  auto attempt = manual->take();
  BOOST_TEST(attempt.cancel().cancelled());
  advance(4'800ms);
  BOOST_TEST(is(id, task_state::running));
  advance(300ms);
  BOOST_TEST(is(id, task_state::failed));
  BOOST_TEST(count("workers") == 1);
  BOOST_TEST(count("workers_lost") == 1);
  auto next = enqueue(spec("hold"));
  settle();
  manual->take().end(task_outcome::success("2"));
  attempt.end(task_outcome::success("1"));
  settle();
  BOOST_TEST(is(next, task_state::completed));
  BOOST_TEST(is(id, task_state::failed));
}

BOOST_AUTO_TEST_CASE(a_dead_worker_is_replaced_and_its_task_runs_again) {
  start_manual(2);
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  for (auto worker : manual->workers)
    kill(worker);
  settle();
  BOOST_TEST(count("workers") == 2);
  BOOST_TEST(count("workers_lost") == 2);
  BOOST_REQUIRE(manual->running.size() == 1u);
  auto repeated = manual->take();
  BOOST_TEST((repeated.task().id == id));
  BOOST_TEST(repeated.task().attempt == attempt.task().attempt);
  BOOST_TEST(repeated.task().epoch > attempt.task().epoch);
  repeated.end(task_outcome::success());
  settle();
  BOOST_TEST(is(id, task_state::completed));
  BOOST_TEST(task(id).crashes == 1);
}

BOOST_AUTO_TEST_CASE(an_outcome_that_cannot_be_written_is_kept_and_nothing_is_claimed) {
  start_manual(2);
  auto ids = enqueue({spec("hold"), spec("hold"), spec("hold")});
  settle();
  BOOST_REQUIRE(manual->running.size() == 2u);
  faults->refused = 3;
  manual->take().end(task_outcome::success("7"));
  settle();
  BOOST_TEST(status(tasks).state == "degraded");
  BOOST_TEST(count("waiting_outcomes") == 1);
  BOOST_TEST(!status(tasks).note.empty());
  advance(100ms);
  BOOST_TEST(manual->running.size() == 1u);
  advance(10s, 100ms);
  BOOST_TEST(status(tasks).state == "running");
  BOOST_TEST(is(ids[0], task_state::completed));
  BOOST_TEST(manual->running.size() == 2u);
}

// The answer was lost, so nobody knows that the task was claimed.
BOOST_AUTO_TEST_CASE(a_claim_without_an_answer_is_given_back_and_claimed_again) {
  start_manual();
  faults->unanswered = 1;
  auto id =
    direct([&](storage::transaction& tx) { return storage::enqueue_task(tx, spec("hold"), 1); });
  advance(5'100ms, 100ms);
  BOOST_TEST(is(id, task_state::running));
  BOOST_TEST(manual->running.empty());
  advance(1s, 100ms);
  BOOST_REQUIRE(manual->running.size() == 1u);
  BOOST_TEST(manual->running.front().task().attempt == 1);
  BOOST_TEST(task(id).crashes == 0);
}

BOOST_AUTO_TEST_CASE(a_result_that_was_written_without_an_answer_counts_once) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  faults->unanswered = 1;
  manual->take().end(task_outcome::success("5"));
  advance(1s);
  BOOST_TEST(is(id, task_state::completed));
  BOOST_TEST(count("stale") == 1);
  BOOST_TEST(look([&](auto& db) { return storage::attempts_of(db, id); }).size() == 1u);
}

// As when a retry in another process starts the stages over that come after it.
BOOST_AUTO_TEST_CASE(a_running_task_that_another_process_deleted_is_stopped) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  direct([&](storage::transaction& tx) {
    tx.execute("DELETE FROM quire_task WHERE id = ?1", id.value);
  });
  advance(6s, 500ms);
  BOOST_TEST(attempt.cancel().cancelled());
  attempt.end(task_outcome::failure("stopped"));
  settle();
  BOOST_TEST(count("running") == 0);
}

// The news of the commit come before the answer that says what was claimed in it.
BOOST_AUTO_TEST_CASE(a_task_that_is_gone_before_it_is_given_to_a_worker_is_stopped) {
  start_manual();
  auto pending = send(writer, enqueue_tasks{{spec("hold")}});
  for (int i = 0; i < 10'000 && number("SELECT count(*) FROM quire_task WHERE state = 3") == 0; ++i)
    scheduler.run_once();
  BOOST_REQUIRE(manual->running.empty());
  task_id id{number("SELECT id FROM quire_task WHERE state = 3")};
  direct([&](storage::transaction& tx) {
    tx.execute("DELETE FROM quire_task WHERE id = ?1", id.value);
  });
  caf::anon_send(caf::actor_cast<caf::actor>(tasks),
                 committed{1, {{event::topic::task_cancel, id.value}}});
  settle(); // No time passes.
  BOOST_REQUIRE(manual->running.size() == 1u);
  BOOST_TEST(manual->take().cancel().cancelled());
  BOOST_TEST(bool(receive<tasks_enqueued>(std::move(pending))));
}

BOOST_AUTO_TEST_CASE(a_cancel_of_an_older_claim_does_not_stop_the_present_one) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  direct([&](storage::transaction& tx) {
    tx.execute("UPDATE quire_task SET cancel_req = 1, epoch = epoch + 1 WHERE id = ?1", id.value);
  });
  advance(6s, 500ms);
  BOOST_TEST(attempt.cancel().reason() == "its claim was taken away");
}

BOOST_AUTO_TEST_CASE(a_drain_lets_running_tasks_finish_and_takes_nothing_new) {
  start_manual();
  auto ids = enqueue({spec("hold"), spec("hold")});
  settle();
  auto done = send(tasks, drain{});
  advance(5s, 500ms);
  BOOST_TEST(status(tasks).state == "draining");
  manual->take().end(task_outcome::success());
  BOOST_TEST(bool(receive<drained>(std::move(done))));
  BOOST_TEST(is(ids[0], task_state::completed));
  BOOST_TEST(is(ids[1], task_state::ready));
}

BOOST_AUTO_TEST_CASE(a_drain_gives_back_what_does_not_finish) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  auto done = send(tasks, drain{});
  advance(9s, 500ms);
  BOOST_TEST(!attempt.cancel().cancelled());
  advance(1500ms);
  BOOST_TEST(attempt.cancel().releasing());
  attempt.end(task_outcome::failure("interrupted"));
  BOOST_TEST(bool(receive<drained>(std::move(done))));
  BOOST_TEST(is(id, task_state::ready));
  BOOST_TEST(task(id).attempt == 0);
}

// It is no command, so it is not waited for longer than the grace of handlers.
BOOST_AUTO_TEST_CASE(a_drain_ends_although_a_handler_does_not) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  auto done = send(tasks, drain{});
  advance(16s, 500ms);
  BOOST_TEST(bool(receive<drained>(std::move(done))));
  BOOST_TEST(is(id, task_state::ready));
}

BOOST_AUTO_TEST_CASE(a_service_that_is_started_again_takes_back_what_the_dead_one_ran) {
  start_manual();
  auto id = enqueue(spec("hold"));
  settle();
  auto attempt = manual->take();
  kill(tasks);
  BOOST_TEST(attempt.cancel().releasing());
  BOOST_TEST(is(id, task_state::running));
  start();
  BOOST_REQUIRE(manual->running.size() == 1u);
  manual->take().end(task_outcome::success());
  settle();
  BOOST_TEST(is(id, task_state::completed));
  BOOST_TEST(task(id).crashes == 1);
}

BOOST_AUTO_TEST_CASE(waiting_answers_before_and_after_the_end) {
  start_manual();
  auto id = enqueue(spec("hold"));
  auto before = send(tasks, await_task{id});
  settle();
  manual->take().end(task_outcome::success());
  auto told = receive<task_record>(std::move(before));
  BOOST_REQUIRE(told);
  BOOST_TEST((told->state == task_state::completed));
  BOOST_TEST(bool(call<task_record>(tasks, await_task{id})));
  BOOST_TEST(call<task_record>(tasks, await_task{task_id{999}}).failed_with(errc::not_found));
  BOOST_TEST(count("awaited") == 0);
}

BOOST_AUTO_TEST_CASE(who_waits_is_told_of_an_end_that_another_process_wrote) {
  start();
  auto id = enqueue(spec("strange"));
  auto waiting = send(tasks, await_task{id});
  settle();
  direct([&](storage::transaction& tx) { storage::cancel_task(tx, id, "from outside", 1); });
  advance(6s, 500ms);
  auto told = receive<task_record>(std::move(waiting));
  BOOST_REQUIRE(told);
  BOOST_TEST((told->state == task_state::cancelled));
}

BOOST_AUTO_TEST_CASE(a_failed_task_can_be_retried) {
  start();
  auto once = spec("fail");
  once.retry.attempts_max = 1;
  auto id = enqueue(once);
  settle();
  BOOST_TEST(is(id, task_state::failed));
  BOOST_TEST(bool(call<task_changed>(tasks, retry_task{id})));
  settle();
  BOOST_TEST(ran.size() == 2u);
  BOOST_TEST(call<task_changed>(tasks, retry_task{task_id{99}}).failed_with(errc::not_found));
}

BOOST_AUTO_TEST_CASE(all_of_a_request_is_enqueued_or_nothing) {
  start();
  auto broken = spec("");
  auto answer = call<tasks_enqueued>(writer, enqueue_tasks{{spec("echo"), broken}});
  BOOST_TEST(answer.failed_with(errc::invalid_argument));
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 0);
}

BOOST_AUTO_TEST_SUITE_END()

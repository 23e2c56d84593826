// The runtime as its users have it: real files, real threads.

#include "quire/app/runtime.hpp"

#include "quire/actors/pipeline_parser.hpp"
#include "quire/app/actors.hpp"
#include "quire/app/bridge.hpp"
#include "quire/tests/support/failure_code.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <caf/scoped_actor.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace quire;
using namespace std::chrono_literals;
using tests::code_of;

namespace {

constexpr auto limit = 60s;
constexpr auto for_ever = std::chrono::milliseconds::max();

struct fixture {
  options chosen() const {
    options result;
    result.database = dir / "runtime.db";
    result.drain_timeout = 1s;
    return result;
  }

  tests::temp_dir dir;
};

/// Something that happens once; whoever waits for it in vain goes on after the
/// limit, and the checks that follow fail.
class moment {
public:
  void happen() { promise_.set_value(); }

  bool await() const { return future_.wait_for(limit) == std::future_status::ready; }

private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

/// Returns the code of the failure that `f` ended with.
task_spec task_of(std::string kind) {
  task_spec task;
  task.kind = std::move(kind);
  return task;
}

/// Runs until it is told to stop.
task_outcome run_until_told(task_context& context, moment& started) {
  moment told;
  auto registered = context.cancel.on_cancel([&] { told.happen(); });
  started.happen();
  told.await();
  return task_outcome::released("told to stop");
}

/// Until so many requests for the end of a task or a run have arrived.
void await_waiters(runtime& running, std::int64_t count) {
  for (std::int64_t seen = 0; seen != count;) {
    seen = 0;
    for (auto& service : running.status().services)
      seen += counter_of(service, "awaited");
  }
}

void await_refusal(runtime& running) {
  while (code_of([&] { running.query("SELECT 1"); }) != errc::unavailable) {
  }
}

/// Waits without `runtime::wait`, for requests that were there before.
template <class Record, class Request>
bool has_ended(runtime& running, Request request) {
  caf::scoped_actor self{system_of(running)};
  bool ended = false;
  ask(self.ptr(), gateway_of(running), limit, request)
    .receive([&](const Record&) { ended = true; }, [](const caf::error&) {});
  return ended;
}

/// Fails when it is let go the first time, and succeeds from then on.
struct flaky_handler {
  moment go;
  std::atomic<int> calls{0};

  task_outcome operator()() {
    if (calls++ > 0)
      return task_outcome::success("1");
    go.await();
    return task_outcome::failure("not yet", error_class::permanent);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(runtime, fixture)

using running_runtime = quire::runtime;

BOOST_AUTO_TEST_CASE(requests_are_served_as_soon_as_the_runtime_is_there) {
  for (int i = 0; i < 10; ++i) {
    running_runtime running{chosen()};
    BOOST_TEST(running.query("SELECT 1").rows.size() == 1u);
  }
}

// CAF gives each thread that calls a share of the logger, for which the end of the
// actor system waits.
BOOST_AUTO_TEST_CASE(close_does_not_wait_for_the_end_of_threads_that_called) {
  running_runtime running{chosen()};
  moment called, closed;
  std::thread caller([&] {
    running.query("SELECT 1");
    code_of([&] { running.query("no SQL"); });
    code_of([&] { running.wait(task_id{1}, 0ms); });
    called.happen();
    closed.await();
  });
  BOOST_TEST(called.await());
  running.close();
  closed.happen();
  caller.join();
}

BOOST_AUTO_TEST_CASE(close_does_not_wait_for_the_end_of_the_thread_that_opened) {
  std::unique_ptr<running_runtime> running;
  moment opened, closed;
  std::thread opener([&] {
    running = std::make_unique<running_runtime>(chosen());
    opened.happen();
    closed.await();
  });
  BOOST_TEST(opened.await());
  running->close();
  closed.happen();
  opener.join();
}

BOOST_AUTO_TEST_CASE(close_does_not_wait_for_the_end_of_the_thread_whose_close_was_first) {
  running_runtime running{chosen()};
  moment closed, over;
  std::thread closer([&] {
    running.close();
    closed.happen();
    over.await();
  });
  BOOST_TEST(closed.await());
  running.close();
  over.happen();
  closer.join();
}

BOOST_AUTO_TEST_CASE(a_handler_that_calls_keeps_the_logger_of_its_actor_system) {
  running_runtime* there = nullptr;
  std::atomic<bool> kept{false};
  auto with = chosen();
  with.handle("calls", [&](task_context&) {
    auto* before = caf::logger::current_logger();
    there->query("SELECT 1");
    kept = before && caf::logger::current_logger() == before;
    return task_outcome::success();
  });
  running_runtime running{with};
  there = &running;
  BOOST_TEST(
    (running.wait(running.enqueue(task_of("calls")), limit).state == task_state::completed));
  BOOST_TEST(kept);
}

BOOST_AUTO_TEST_CASE(a_task_that_started_again_is_waited_for_anew) {
  flaky_handler flaky;
  auto with = chosen();
  with.handle("flaky", [&](task_context&) { return flaky(); });
  running_runtime running{with};
  auto task = running.enqueue(task_of("flaky"));
  BOOST_TEST((code_of([&] { running.wait(task, 0ms); }) == errc::timeout));
  await_waiters(running, 1);
  flaky.go.happen();
  BOOST_TEST(has_ended<task_record>(running, messages::await_task{task}));
  BOOST_TEST((running.find(task)->task.state == task_state::failed));
  running.retry(task);
  BOOST_TEST((running.wait(task, limit).state == task_state::completed));
}

BOOST_AUTO_TEST_CASE(a_run_that_started_again_is_waited_for_anew) {
  flaky_handler flaky;
  auto with = chosen();
  with.handle("flaky", [&](task_context&) { return flaky(); });
  running_runtime running{with};
  auto run = running.start(actors::parse_pipeline(
    R"({"name": "once", "stages": [{"name": "only", "task": {"kind": "flaky", "payload": 1}}]})"));
  BOOST_TEST((code_of([&] { running.wait(run, 0ms); }) == errc::timeout));
  await_waiters(running, 1);
  flaky.go.happen();
  BOOST_TEST(has_ended<run_record>(running, messages::await_run{run}));
  BOOST_TEST((running.find(run)->state == run_state::failed));
  task_filter all;
  all.run = run;
  running.retry(running.tasks(all).at(0).id);
  BOOST_TEST((running.wait(run, limit).state == run_state::completed));
}

BOOST_AUTO_TEST_CASE(waiting_in_portions_shares_one_request) {
  pending_answers<int, int> answers;
  std::promise<int> first;
  int sent = 0;
  auto send = [&] {
    ++sent;
    return first.get_future();
  };
  for (int i = 0; i < 3; ++i)
    BOOST_TEST((code_of([&] { answers.wait(7, 0ms, send, [](auto) {}); }) == errc::timeout));
  BOOST_TEST(sent == 1);
}

BOOST_AUTO_TEST_CASE(an_answer_from_before_the_wait_is_not_used) {
  for (bool on_its_way : {false, true}) {
    pending_answers<int, int> answers;
    std::promise<int> first, second;
    auto send_first = [&] { return first.get_future(); };
    BOOST_TEST((code_of([&] { answers.wait(7, 0ms, send_first, [](auto) {}); }) == errc::timeout));
    if (!on_its_way)
      first.set_value(1);
    second.set_value(2);
    auto settle_first = [&](auto) {
      if (on_its_way)
        first.set_value(1);
    };
    BOOST_TEST(answers.wait(
                 7, limit, [&] { return second.get_future(); }, settle_first)
               == 2);
  }
}

BOOST_AUTO_TEST_CASE(waiting_for_ever_is_long) {
  moment go;
  auto with = chosen();
  with.handle("held", [&](task_context&) {
    go.await();
    return task_outcome::success();
  });
  running_runtime running{with};
  auto task = running.enqueue(task_of("held"));
  std::thread helper([&] {
    await_waiters(running, 1);
    go.happen();
  });
  std::optional<task_record> ended;
  auto failed = code_of([&] { ended = running.wait(task, for_ever); });
  helper.join();
  BOOST_TEST(!failed.has_value());
  BOOST_TEST((ended && ended->state == task_state::completed));
}

BOOST_AUTO_TEST_CASE(a_deadline_is_never_out_of_the_range_of_the_clock) {
  auto now = std::chrono::steady_clock::now();
  BOOST_TEST((deadline_after(for_ever) >= now + longest_wait));
  BOOST_TEST((deadline_after(std::chrono::milliseconds::min()) >= now));
  BOOST_TEST((deadline_after(5s) >= now + 5s));
  BOOST_TEST((deadline_after(5s) < now + 1h));
}

BOOST_AUTO_TEST_CASE(a_sooner_deadline_is_looked_at_sooner) {
  struct nobody final : pending_answer {
    void expire() override { ++expired; }
    int expired = 0;
  };
  auto first = std::make_shared<nobody>();
  auto second = std::make_shared<nobody>();
  auto third = std::make_shared<nobody>();
  answer_limits limits;
  const std::chrono::steady_clock::time_point now{1000s};
  BOOST_TEST(limits.add(now + 10s, first));
  BOOST_TEST(limits.add(now + 1s, second)); // A timer is set for the first.
  BOOST_TEST(!limits.add(now + 5s, third));
  BOOST_TEST((limits.look(now + 1s) == now + 5s));
  BOOST_TEST((second->expired == 1 && first->expired == 0));
  BOOST_TEST(!limits.look(now + 10s).has_value());
  BOOST_TEST((third->expired == 1 && first->expired == 1));
  BOOST_TEST(limits.add(now + 20s, first));
}

BOOST_AUTO_TEST_CASE(options_have_durations_that_clocks_can_add) {
  std::vector<std::pair<std::string_view, std::function<void(options&)>>> too_long = {
    {"patience", [](options& x) { x.patience = for_ever; }},
    {"request_timeout", [](options& x) { x.request_timeout = for_ever; }},
    {"drain_timeout", [](options& x) { x.drain_timeout = for_ever; }},
    {"stop_deadline", [](options& x) { x.stop_deadline = for_ever; }},
    {"maintenance_interval", [](options& x) { x.maintenance_interval = for_ever; }},
    {"retention", [](options& x) { x.retention = std::chrono::hours::max(); }},
    {"stuck_after", [](options& x) { x.stuck_after = for_ever; }},
  };
  for (auto& [name, spoil] : too_long) {
    auto with = chosen();
    spoil(with);
    std::string text;
    try {
      running_runtime running{with};
    } catch (const failure& failed) {
      BOOST_TEST((failed.code() == errc::invalid_argument));
      text = failed.what();
    }
    BOOST_TEST(text.find(name) != std::string::npos, name << " is not named: " << text);
  }
}

BOOST_AUTO_TEST_CASE(the_longest_durations_are_fine) {
  auto with = chosen();
  with.patience = with.request_timeout = with.drain_timeout = with.stop_deadline = longest_wait;
  with.maintenance_interval = with.stuck_after = longest_wait;
  with.retention = std::chrono::hours{24 * 36'500};
  running_runtime running{with};
  BOOST_TEST(running.query("SELECT 1").rows.size() == 1u);
  running.maintain();
  running.close();
}

BOOST_AUTO_TEST_CASE(every_close_ends_when_the_database_is_free) {
  moment started;
  auto with = chosen();
  with.handle("held", [&](task_context& context) { return run_until_told(context, started); });
  running_runtime running{with};
  running.enqueue(task_of("held"));
  BOOST_TEST(started.await());
  std::thread first([&] { running.close(); });
  await_refusal(running);
  running.close();
  BOOST_TEST(!code_of([&] { running_runtime again{chosen()}; }).has_value());
  first.join();
}

BOOST_AUTO_TEST_CASE(destroying_waits_for_a_close_that_is_under_way) {
  moment started;
  auto with = chosen();
  with.handle("held", [&](task_context& context) { return run_until_told(context, started); });
  auto running = std::make_unique<running_runtime>(with);
  running->enqueue(task_of("held"));
  BOOST_TEST(started.await());
  std::thread first([there = running.get()] { there->close(); });
  await_refusal(*running);
  running.reset();
  BOOST_TEST(!code_of([&] { running_runtime again{chosen()}; }).has_value());
  first.join();
}

BOOST_AUTO_TEST_CASE(whoever_waits_is_told_that_the_runtime_closes) {
  moment started;
  auto with = chosen();
  with.handle("held", [&](task_context& context) { return run_until_told(context, started); });
  running_runtime running{with};
  auto task = running.enqueue(task_of("held"));
  std::optional<errc> told;
  std::thread waiter([&] { told = code_of([&] { running.wait(task, for_ever); }); });
  await_waiters(running, 1);
  BOOST_TEST(started.await());
  running.close();
  waiter.join();
  BOOST_TEST((told == errc::unavailable));
}

BOOST_AUTO_TEST_CASE(calls_of_all_kinds_may_meet_close) {
  constexpr int rounds = 5;
  for (int round = 0; round < rounds; ++round) {
    running_runtime running{chosen()};
    running.write("CREATE TABLE IF NOT EXISTS t (x INTEGER) STRICT");
    std::vector<std::function<void()>> kinds = {
      [&] { running.query("SELECT 1"); },
      [&] { running.write("DELETE FROM t"); },
      [&] {
        running.query_async({{{"SELECT 1", {}}}}).get();
      },
      [&] {
        running.write_async({{{"DELETE FROM t", {}}}, std::nullopt}).get();
      },
    };
    std::vector<std::optional<errc>> ends(kinds.size());
    std::atomic<std::size_t> busy{0};
    moment all_busy;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kinds.size(); ++i)
      threads.emplace_back([&, i] {
        for (bool first = true; !ends[i]; first = false) {
          ends[i] = code_of(kinds[i]);
          if (first && ++busy == kinds.size())
            all_busy.happen();
        }
      });
    BOOST_TEST(all_busy.await());
    std::thread closer([&] { running.close(); });
    running.close();
    closer.join();
    for (auto& thread : threads)
      thread.join();
    for (auto& end : ends)
      BOOST_TEST((end == errc::unavailable));
  }
}

BOOST_AUTO_TEST_CASE(a_closed_runtime_refuses_everything) {
  running_runtime running{chosen()};
  running.close();
  std::vector<std::function<void()>> calls = {
    [&] { running.query("SELECT 1"); },     [&] { running.query_async({}).get(); },
    [&] { running.write_async({}).get(); }, [&] { running.wait(task_id{1}, 1ms); },
    [&] { running.wait(run_id{1}, 1ms); },  [&] { gateway_of(running); },
  };
  for (auto& call : calls)
    BOOST_TEST((code_of(call) == errc::unavailable));
}

// It would wait for its own thread.
BOOST_AUTO_TEST_CASE(close_refuses_threads_of_the_runtime) {
  running_runtime* there = nullptr;
  std::optional<errc> handler, write, actor;
  auto with = chosen();
  with.handle("closes", [&](task_context&) {
    handler = code_of([&] { there->close(); });
    return task_outcome::success();
  });
  running_runtime running{with};
  there = &running;
  BOOST_TEST(
    (running.wait(running.enqueue(task_of("closes")), limit).state == task_state::completed));
  running.write([&](storage::transaction&) { write = code_of([&] { running.close(); }); });
  moment tried;
  system_of(running).spawn([&](caf::event_based_actor*) {
    actor = code_of([&] { running.close(); });
    tried.happen();
  });
  BOOST_TEST(tried.await());
  for (auto& refused : {handler, write, actor})
    BOOST_TEST((refused == errc::conflict));
  BOOST_TEST(running.query("SELECT 1").rows.size() == 1u);
}

// Two runtimes in one process: a handler of one uses, and closes, the other.
BOOST_AUTO_TEST_CASE(a_thread_of_one_runtime_may_close_another) {
  std::atomic<bool> kept{false};
  auto with = chosen();
  with.handle("opens", [&](task_context&) {
    auto* before = caf::logger::current_logger();
    auto other = chosen();
    other.database = dir / "other.db";
    running_runtime inner{other};
    inner.query("SELECT 1");
    inner.close();
    kept = before && caf::logger::current_logger() == before;
    return task_outcome::success();
  });
  running_runtime running{with};
  BOOST_TEST(
    (running.wait(running.enqueue(task_of("opens")), limit).state == task_state::completed));
  BOOST_TEST(kept);
}

BOOST_AUTO_TEST_SUITE_END()

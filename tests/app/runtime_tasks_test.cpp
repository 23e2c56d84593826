// What the runtime does to many tasks, on real files and threads.

#include "quire/app/runtime.hpp"

#include "quire/tests/support/failure_code.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

using namespace quire;
using namespace std::chrono_literals;
using tests::code_of;

namespace {

constexpr auto limit = 60s;

struct tasks_fixture {
  options chosen(access_mode mode = access_mode::own) const {
    options result;
    result.database = dir / "tasks.db";
    result.mode = mode;
    return result;
  }

  static task_spec task_of(std::string kind) {
    task_spec spec;
    spec.kind = std::move(kind);
    return spec;
  }

  /// So many tasks that nobody runs.
  static void enqueue_many(quire::runtime& running, std::size_t count) {
    running.enqueue(std::vector<task_spec>(count, task_of("nobody")));
  }

  static std::int64_t commits(quire::runtime& running) {
    return running.query_scalar<std::int64_t>("SELECT seq FROM quire_commit");
  }

  static task_filter of_kind(std::string kind) {
    task_filter filter;
    filter.kind = std::move(kind);
    return filter;
  }

  tests::temp_dir dir;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(runtime_tasks, tasks_fixture)

BOOST_AUTO_TEST_CASE(many_tasks_are_changed_in_several_writes) {
  quire::runtime running{chosen()};
  enqueue_many(running, 1200);
  auto other = running.enqueue(task_of("other"));
  auto before = commits(running);
  auto cancelled = running.cancel_tasks(of_kind("nobody"), "not needed");
  BOOST_TEST(cancelled.changed == 1200);
  BOOST_TEST(cancelled.asked == 0);
  BOOST_TEST(commits(running) - before >= 3);
  BOOST_TEST(running.find(task_id{1})->task.error == "not needed");
  auto counts = running.count_tasks();
  BOOST_TEST(counts.matching == 1201);
  BOOST_TEST(counts.cancellable == 1);
  BOOST_TEST(counts.retryable == 1200);
  before = commits(running);
  BOOST_TEST(running.retry_tasks({}).changed == 1200);
  BOOST_TEST(commits(running) - before >= 3);
  BOOST_TEST(running.count_tasks().cancellable == 1201);
  BOOST_TEST((running.find(other)->task.state == task_state::ready));
}

BOOST_AUTO_TEST_CASE(no_more_are_changed_than_the_limit_says) {
  quire::runtime running{chosen()};
  enqueue_many(running, 700);
  task_filter filter;
  filter.limit = 600;
  BOOST_TEST(running.cancel_tasks(filter, "").changed == 600);
  filter.limit = 0;
  BOOST_TEST(running.cancel_tasks(filter, "").changed == 0);
  task_filter left;
  left.state = task_state::ready;
  BOOST_TEST(running.tasks(left).front().id.value == 601);
}

BOOST_AUTO_TEST_CASE(what_runs_is_told_to_stop) {
  auto with = chosen();
  std::promise<void> started;
  with.handle("endless", [&](task_context& context) {
    std::promise<void> told;
    auto registered = context.cancel.on_cancel([&] { told.set_value(); });
    started.set_value();
    bool stopped = told.get_future().wait_for(limit) == std::future_status::ready;
    return stopped ? task_outcome::released("told to stop") : task_outcome::success();
  });
  quire::runtime running{std::move(with)};
  auto task = running.enqueue(task_of("endless"));
  BOOST_REQUIRE((started.get_future().wait_for(limit) == std::future_status::ready));
  auto done = running.cancel_tasks(of_kind("endless"), "not needed");
  BOOST_TEST(done.changed == 1);
  BOOST_TEST(done.asked == 1);
  BOOST_TEST((running.wait(task, limit).state == task_state::cancelled));
}

BOOST_AUTO_TEST_CASE(what_starts_again_is_run_at_once) {
  auto with = chosen();
  std::atomic<int> runs{0};
  with.handle("second", [&](task_context&) {
    return ++runs > 3 ? task_outcome::success()
                      : task_outcome::failure("not yet", error_class::permanent);
  });
  quire::runtime running{std::move(with)};
  auto tasks = running.enqueue(std::vector<task_spec>(3, task_of("second")));
  for (auto task : tasks)
    BOOST_TEST((running.wait(task, limit).state == task_state::failed));
  BOOST_TEST(running.retry_tasks(of_kind("second")).changed == 3);
  for (auto task : tasks)
    BOOST_TEST((running.wait(task, limit).state == task_state::completed));
}

BOOST_AUTO_TEST_CASE(whoever_stops_in_between_says_what_was_changed) {
  quire::runtime running{chosen()};
  enqueue_many(running, 700);
  running.write([](storage::transaction& tx) {
    tx.execute("CREATE TRIGGER broken BEFORE UPDATE OF state ON quire_task WHEN new.id = 600"
               " BEGIN SELECT RAISE(ABORT, 'broken'); END");
  });
  std::string said;
  try {
    running.cancel_tasks({}, "not needed");
  } catch (const failure& stopped) {
    said = stopped.what();
  }
  BOOST_TEST(said.find("500 tasks were changed and stay so") != std::string::npos, said);
  BOOST_TEST(running.count_tasks().cancellable == 200);
}

BOOST_AUTO_TEST_CASE(whoever_only_looks_counts_and_changes_nothing) {
  {
    quire::runtime owner{chosen()};
    enqueue_many(owner, 3);
  }
  quire::runtime looking{chosen(access_mode::look)};
  BOOST_TEST(looking.count_tasks().cancellable == 3);
  BOOST_TEST((code_of([&] { looking.cancel_tasks({}, ""); }) == errc::unavailable));
  BOOST_TEST((code_of([&] { looking.retry_tasks({}); }) == errc::unavailable));
  BOOST_TEST(looking.count_tasks().cancellable == 3);
}

BOOST_AUTO_TEST_CASE(a_step_is_done_once_and_what_it_writes_with_it) {
  std::atomic<int> listed{0};
  std::atomic<int> attempts{0};
  auto own = chosen();
  own.handle("import", [&](task_context& context) {
    ++attempts;
    auto pages = context.step("list", [&] {
      ++listed;
      return "3";
    });
    for (int page = 1; page <= std::stoi(pages); ++page) {
      context.transact("page " + std::to_string(page), [page](storage::transaction& tx) {
        tx.execute("INSERT INTO page VALUES(?1)", page);
      });
      if (page == context.task.attempt && page < 3)
        return task_outcome::failure("the page after " + std::to_string(page) + " is missing");
    }
    return task_outcome::success(pages);
  });
  quire::runtime running{own};
  running.write("CREATE TABLE page(number)");
  auto spec = task_of("import");
  spec.retry.base = 1ms;
  auto id = running.enqueue(spec);
  BOOST_TEST((running.wait(id, limit).state == task_state::completed));
  BOOST_TEST(attempts == 3);
  BOOST_TEST(listed == 1);
  BOOST_TEST(running.query_scalar<std::string>("SELECT group_concat(number) FROM page") == "1,2,3");
  auto found = running.find(id);
  BOOST_REQUIRE(found->steps.size() == 4u);
  BOOST_TEST(found->steps[0].name == "list");
  BOOST_TEST(found->steps[0].epoch == 1);
  BOOST_TEST(found->steps[3].name == "page 3");
  BOOST_TEST(found->steps[3].epoch == 3);
}

BOOST_AUTO_TEST_CASE(a_step_that_is_refused_fails_its_attempt_and_says_why) {
  auto own = chosen();
  own.handle("careless", [](task_context& context) {
    context.step("page", [] { return "1"; });
    context.step("page", [] { return "2"; });
    return task_outcome::success();
  });
  own.handle("broken", [](task_context& context) {
    context.transact("write",
                     [](storage::transaction& tx) { tx.execute("INSERT INTO nowhere VALUES(1)"); });
    return task_outcome::success();
  });
  quire::runtime running{own};
  auto careless = task_of("careless");
  auto broken = task_of("broken");
  careless.retry.attempts_max = broken.retry.attempts_max = 1;
  auto one = running.enqueue(careless);
  auto other = running.enqueue(broken);
  auto refused = running.wait(one, limit);
  BOOST_TEST((refused.state == task_state::failed));
  BOOST_TEST(refused.error.find("two steps of this attempt have the name 'page'") == 0u,
             refused.error);
  auto failed = running.wait(other, limit);
  BOOST_TEST((failed.state == task_state::failed));
  BOOST_TEST(failed.error.find("nowhere") != std::string::npos, failed.error);
  BOOST_TEST(running.find(other)->steps.empty());
}

BOOST_AUTO_TEST_CASE(a_drain_ends_an_attempt_between_two_steps_and_the_next_life_goes_on) {
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  std::promise<void> begun;
  auto own = chosen();
  own.drain_timeout = 10ms;
  own.handle("long", [&](task_context& context) {
    context.step("first", [&] {
      ++first;
      begun.set_value();
    });
    while (!context.cancel.cancelled())
      std::this_thread::yield();
    context.step("second", [&] { ++second; });
    return task_outcome::success();
  });
  task_id id;
  {
    quire::runtime running{own};
    id = running.enqueue(task_of("long"));
    BOOST_REQUIRE((begun.get_future().wait_for(limit) == std::future_status::ready));
  }
  BOOST_TEST(second == 0);
  own.handle("long", [&](task_context& context) {
    context.step("first", [&] { ++first; });
    context.step("second", [&] { ++second; });
    return task_outcome::success();
  });
  quire::runtime running{own};
  auto ended = running.wait(id, limit);
  BOOST_TEST((ended.state == task_state::completed));
  BOOST_TEST(ended.attempt == 1); // The first one was given back.
  BOOST_TEST(first == 1);
  BOOST_TEST(second == 1);
}

// Clients are refused from the beginning of the end, handlers have time.
BOOST_AUTO_TEST_CASE(steps_are_done_and_found_while_the_runtime_is_closing) {
  std::promise<void> begun;
  quire::runtime* running = nullptr;
  std::atomic<bool> first{true};
  auto own = chosen();
  own.drain_timeout = limit;
  own.handle("long", [&](task_context& context) {
    context.step("begin", [] {});
    if (first.exchange(false))
      return task_outcome::failure("the first attempt fails");
    begun.set_value();
    while (code_of([&] { running->query("SELECT 1"); }) != errc::unavailable)
      std::this_thread::yield();
    for (int i = 0; i < 20; ++i)
      context.transact("page " + std::to_string(i),
                       [](storage::transaction& tx) { tx.execute("INSERT INTO page VALUES(1)"); });
    return task_outcome::success();
  });
  auto one = std::make_unique<quire::runtime>(own);
  running = one.get();
  running->write("CREATE TABLE page(x)");
  auto task = task_of("long");
  task.retry.base = 1ms;
  auto id = running->enqueue(task);
  BOOST_REQUIRE((begun.get_future().wait_for(limit) == std::future_status::ready));
  running->close();
  one.reset();
  quire::runtime after{chosen(access_mode::look)};
  auto found = after.find(id);
  BOOST_TEST((found->task.state == task_state::completed), found->task.error);
  BOOST_TEST(found->task.attempt == 2);
  BOOST_TEST(found->steps.size() == 21u);
  BOOST_TEST(after.query_scalar<std::int64_t>("SELECT count(*) FROM page") == 20);
}

BOOST_AUTO_TEST_CASE(what_a_step_that_writes_throws_reaches_its_handler) {
  struct out_of_stock : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  auto own = chosen();
  own.handle("order", [](task_context& context) {
    try {
      context.transact("take", [](storage::transaction& tx) {
        tx.execute("INSERT INTO taken VALUES(1)");
        throw out_of_stock("none is left");
      });
    } catch (const out_of_stock& why) {
      return task_outcome::success(why.what());
    }
    return task_outcome::failure("nothing was thrown");
  });
  quire::runtime running{own};
  running.write("CREATE TABLE taken(x)");
  auto id = running.enqueue(task_of("order"));
  BOOST_TEST((running.wait(id, limit).state == task_state::completed));
  BOOST_TEST(running.find(id)->output == "none is left");
  BOOST_TEST(running.query_scalar<std::int64_t>("SELECT count(*) FROM taken") == 0);
}

BOOST_AUTO_TEST_CASE(a_task_gets_what_its_subtasks_returned) {
  auto with = chosen();
  quire::runtime* running = nullptr;
  with.handle("part", [](task_context& context) {
    return context.task.payload == "2" ? task_outcome::failure("no", error_class::permanent)
                                       : task_outcome::success(context.task.payload);
  });
  with.handle("whole", [&](task_context& context) {
    std::string sum;
    for (auto& part : running->subtask_results(context.task.id))
      sum += part.output.empty() ? "(" + part.error + ")" : part.output;
    auto& ended = context.task.subtasks;
    return ended.failed == 1 && ended.completed == 2 ? task_outcome::partial('"' + sum + '"', "one is missing")
                                                     : task_outcome::failure("others");
  });
  quire::runtime own{with};
  running = &own;
  auto whole = task_of("whole");
  for (auto payload : {"1", "2", "3"}) {
    whole.subtasks.push_back(task_of("part"));
    whole.subtasks.back().payload = payload;
  }
  auto ended = own.wait(own.enqueue(whole), limit);
  BOOST_TEST((ended.state == task_state::partial_success));
  BOOST_TEST(own.find(ended.id)->output == "\"1(no)3\"");
}

BOOST_AUTO_TEST_CASE(what_is_decided_about_a_tenant_counts_from_the_next_claim_on) {
  auto with = chosen();
  with.handle("work", [](task_context&) { return task_outcome::success(); });
  quire::runtime own{with};
  own.set_tenant_policy("acme", {.paused = true});
  auto spec = task_of("work");
  auto other = own.enqueue(spec);
  spec.tenant = "acme";
  auto held = own.enqueue(spec);
  own.wait(other, limit);
  BOOST_TEST((own.find(held)->task.state == task_state::ready));
  BOOST_TEST(own.tenants().size() == 2u);
  own.set_tenant_policy("acme", {.weight = 2});
  BOOST_TEST((own.wait(held, limit).state == task_state::completed));
  BOOST_TEST((code_of([&] { own.set_tenant_policy("acme", {.weight = 0}); })
              == errc::invalid_argument));
}

BOOST_AUTO_TEST_CASE(a_large_output_is_in_a_file_for_as_long_as_its_task) {
  auto with = chosen();
  with.output_bytes_inline = 1000;
  with.retention = 1h;
  with.handle("large", [](task_context&) {
    return task_outcome::success('"' + std::string(5000, 'x') + '"');
  });
  auto folder = with.database + "-results";
  std::filesystem::create_directories(folder);
  std::ofstream{folder + "/99-1"} << "of a process that died";
  quire::runtime own{with};
  auto task = own.wait(own.enqueue(task_of("large")), limit).id;
  auto found = own.find(task).value();
  BOOST_TEST(found.output.size() == 5002u);
  BOOST_TEST(found.output_file == folder + "/" + std::to_string(task.value) + "-1");
  own.maintain();
  BOOST_TEST(!std::filesystem::exists(folder + "/99-1"));
  BOOST_TEST(std::filesystem::exists(found.output_file));
  own.write([](storage::transaction& tx) { tx.execute("UPDATE quire_task SET finished_at = 1"); });
  own.maintain();
  BOOST_TEST(!own.find(task).has_value());
  BOOST_TEST(!std::filesystem::exists(folder));
}

BOOST_AUTO_TEST_SUITE_END()

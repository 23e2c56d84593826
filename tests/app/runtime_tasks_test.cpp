// What the runtime does to many tasks, on real files and threads.

#include "quire/app/runtime.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <optional>

using namespace quire;
using namespace std::chrono_literals;

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

std::optional<errc> code_of(const std::function<void()>& f) {
  try {
    f();
    return std::nullopt;
  } catch (const failure& failed) {
    return failed.code();
  }
}

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

BOOST_AUTO_TEST_SUITE_END()

// Tasks with a handler that does nothing, compared with plain SQLite that claims and
// completes by 100 and runs nothing at all; how fast they are enqueued, and how long they wait.

#include "quire/actors/pipeline_parser.hpp"
#include "quire/benchmarks/clients.hpp"
#include "quire/benchmarks/plain_tasks.hpp"
#include "quire/benchmarks/task_latency.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace quire::benchmarks;

namespace {

/// A runtime whose handler of `noop` only counts.
class task_runtime {
public:
  static constexpr int workers = 4;

  task_runtime(const settings& how, const std::string& sync)
    : folder_(how.folder), running_(make_options(sync)) {}

  quire::runtime& operator*() noexcept { return running_; }

  std::uint64_t started() const noexcept { return started_.load(); }

  /// Returns when `count` handlers have begun.
  void wait_until_started(std::uint64_t count) {
    auto limit = steady::now() + std::chrono::minutes{2};
    for (auto seen = started_.load(); seen < count; seen = started_.load()) {
      if (steady::now() > limit)
        throw std::runtime_error("tasks do not run");
      std::this_thread::sleep_for(std::chrono::microseconds{100});
    }
  }

  /// Returns when every task has ended and that is committed.
  void wait_until_idle() {
    // By partial indexes: whether any is ready or running.
    constexpr auto unfinished = "SELECT EXISTS(SELECT 1 FROM quire_task WHERE state = 3) "
                                "OR EXISTS(SELECT 1 FROM quire_task WHERE state = 1)";
    auto limit = steady::now() + std::chrono::minutes{2};
    while (running_.query(unfinished).rows.at(0).at(0).integer() != 0) {
      if (steady::now() > limit)
        throw std::runtime_error("tasks do not end");
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }

  /// Keeps all workers from other tasks until `release`; returns when they are held.
  void hold_workers() {
    for (int i = 0; i < workers; ++i) {
      auto task = quire::task_spec{};
      task.kind = "hold";
      task.priority = quire::task_priority::urgent;
      running_.enqueue(task);
    }
    while (holding_.load() < workers)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }

  /// Returns how many tasks held a worker.
  std::uint64_t held() const noexcept { return static_cast<std::uint64_t>(holding_.load()); }

  void release() {
    released_.store(true);
    released_.notify_all();
  }

  /// Returns how many tasks have ended as completed.
  std::uint64_t completed() {
    auto rows = running_.query("SELECT count(*) FROM quire_task WHERE state = 10").rows;
    return static_cast<std::uint64_t>(rows.at(0).at(0).integer());
  }

private:
  quire::options make_options(const std::string& sync) {
    auto result = event_options(folder_.database(), sync);
    result.workers = workers;
    result.handle("hold", [this](quire::task_context&) {
      holding_.fetch_add(1);
      released_.wait(false);
      return quire::task_outcome::success();
    });
    result.handle("noop", [this](quire::task_context&) {
      started_.fetch_add(1);
      return quire::task_outcome::success();
    });
    return result;
  }

  scratch_folder folder_;
  std::atomic<std::uint64_t> started_{0};
  std::atomic<int> holding_{0};
  std::atomic<bool> released_{false};
  quire::runtime running_;
};

quire::task_spec noop_task(std::string kind = "noop") {
  quire::task_spec task;
  task.kind = std::move(kind);
  task.payload = "{}";
  return task;
}

/// From the first claim to the last durable completion, of tasks that are there: what the
/// floor does, too.
sample run_tasks(const settings& how, const std::string& sync, int count, int tenants = 1) {
  task_runtime tasks(how, sync);
  tasks.hold_workers();
  std::vector<quire::task_spec> all(static_cast<std::size_t>(count), noop_task());
  for (int i = 0; tenants > 1 && i < count; ++i)
    all[static_cast<std::size_t>(i)].tenant = std::to_string(i % tenants);
  (*tasks).enqueue(std::move(all));
  stopwatch watch;
  tasks.release();
  tasks.wait_until_started(static_cast<std::uint64_t>(count));
  tasks.wait_until_idle();
  auto seen = watch.stop();
  seen.items = tasks.completed() - tasks.held();
  if (seen.items != static_cast<std::uint64_t>(count))
    seen.fail("not every task was completed");
  if (tasks.started() != static_cast<std::uint64_t>(count))
    seen.fail("a task was run twice");
  return seen;
}

/// A run with one stage of so many tasks, from its start to its end.
sample run_stage(const settings& how, int count) {
  task_runtime tasks(how, "normal");
  std::string items;
  for (int i = 0; i < count; ++i)
    items += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\"";
  auto pipeline = quire::actors::parse_pipeline(
    R"({"name": "stage", "stages": [{"name": "all", "for_each": [)" + items
    + R"(], "task": {"kind": "noop", "payload": {}}}]})");
  stopwatch watch;
  auto run = (*tasks).wait((*tasks).start(pipeline), std::chrono::minutes{2});
  auto seen = watch.stop();
  seen.items = static_cast<std::uint64_t>(run.stages.at(0).completed);
  if (seen.items != static_cast<std::uint64_t>(count) || tasks.started() != seen.items)
    seen.fail("not every task was completed once");
  return seen;
}

/// Nobody has a handler for them: what is measured is the enqueue alone.
sample enqueue_blocking(const settings& how, int clients) {
  task_runtime tasks(how, "normal");
  return run_blocking(how, clients,
                      [&](int, std::uint64_t) { (*tasks).enqueue(noop_task("later")); });
}

/// The same by actors, each of which waits for one request at a time.
sample enqueue_as_actors(const settings& how, int clients, int tasks_each) {
  task_runtime tasks(how, "normal");
  enqueue_plan plan;
  plan.clients = clients;
  plan.items_each = static_cast<std::uint64_t>(tasks_each);
  plan.make = [tasks_each](int, std::uint64_t) {
    return quire::messages::enqueue_tasks{
      std::vector<quire::task_spec>(static_cast<std::size_t>(tasks_each), noop_task("later"))};
  };
  return run_clients(how, *tasks, plan);
}

/// The same task with many others in the database and with few.
void run_waits(program& self) {
  auto& how = self.how();
  auto names = [](const std::string& name) {
    return std::vector<case_name>{{name, 1, 1, "normal"}, {name + "_claim", 1, 1, "normal"}};
  };
  int waiting = how.quick ? 100 : 100'000;
  self.compare_all(
    names("blocked_head"), [&] { return behind_gate(how, waiting); },
    [&] { return behind_gate(how, 0); });
  // Made when it is wanted, and once: it takes longer than what is measured.
  std::optional<ended_tasks> history;
  self.compare_all(
    names("deep_history"),
    [&] {
      if (!history)
        history.emplace(how, how.quick ? 100 : how.history);
      return history->measure(how);
    },
    [&] { return ended_tasks(how, 0).measure(how); });
}

void run(program& self) {
  auto& how = self.how();
  int count = how.quick ? 200 : 20'000;
  for (std::string sync : {"normal", "full"}) {
    self.compare(
      {"e2e_" + sync, 4, 1, sync}, [&] { return run_tasks(how, sync, count); },
      [&] { return plain_tasks(how, sync, count); });
  }
  self.measure({"stage", 4, 1, "normal"}, [&] { return run_stage(how, count); });
  // Of many tenants, compared with one.
  for (int tenants : {100, 1000})
    self.compare(
      {"tenants" + std::to_string(tenants), 4, 1, "normal"},
      [&] { return run_tasks(how, "normal", count, tenants); },
      [&] { return run_tasks(how, "normal", count); });
  self.compare(
    {"enqueue16", 16, 1, "normal"}, [&] { return enqueue_as_actors(how, 16, 1); },
    [&] { return plain_enqueues(how, 16, 1); });
  self.compare(
    {"enqueue16blocking", 16, 1, "normal"}, [&] { return enqueue_blocking(how, 16); },
    [&] { return plain_enqueues(how, 16, 1); });
  self.compare(
    {"enqueue_bulk", 2, 1, "normal"}, [&] { return enqueue_as_actors(how, 2, 1000); },
    [&] { return plain_enqueues(how, 1, 1000); });
  self.measure({"start_latency", 1, 1, "normal"}, [&] { return start_latency(how); });
  self.measure({"cancel_latency", 1, 1, "normal"}, [&] { return cancel_latency(how); });
  run_waits(self);
}

} // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, "task_bench", run);
}

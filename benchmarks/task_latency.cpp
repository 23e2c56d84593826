#include "quire/benchmarks/task_latency.hpp"

#include "quire/app/runtime.hpp"
#include "quire/benchmarks/clients.hpp"
#include "quire/benchmarks/plain_tasks.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace quire::benchmarks {

namespace {

constexpr const char* kind = "noop";
constexpr const char* endless = "endless";
constexpr const char* holding = "{\"hold\":true}";

task_spec noop_task(const char* of_kind = kind) {
  task_spec task;
  task.kind = of_kind;
  task.payload = "{}";
  return task;
}

/// A runtime whose handler says when it begins.
class idle_runtime {
public:
  explicit idle_runtime(const std::string& database) : running_(make_options(database)) {}

  ~idle_runtime() { release(); }
  idle_runtime(const idle_runtime&) = delete;
  idle_runtime& operator=(const idle_runtime&) = delete;

  /// Lets a task hold a gate for one, with `waiting` tasks behind it.
  void saturate(int waiting);

  /// Lets the task that holds the gate end.
  void release() {
    released_.store(true);
    released_.notify_all();
  }

  /// Completes a task.
  /// @returns how long it took until its handler began.
  std::chrono::nanoseconds start_one();

  /// Cancels a task that runs.
  /// @returns how long it took until its handler was told.
  std::chrono::nanoseconds cancel_one();

  /// Puts a task into the queue, claims and completes it, in one transaction of the writer.
  /// @returns how long the claim took.
  std::chrono::nanoseconds claim_one();

private:
  options make_options(const std::string& database) {
    auto result = event_options(database, "normal");
    result.handle(kind, [this](task_context& context) {
      if (context.task.payload == holding) {
        held_.store(true);
        held_.notify_one();
        released_.wait(false);
        return task_outcome::success();
      }
      begun_.fetch_add(1);
      begun_.notify_one();
      return task_outcome::success();
    });
    result.handle(endless, [this](task_context& context) {
      std::atomic<bool> told{false};
      auto listening = context.cancel.on_cancel([&] {
        told_at_.store(steady::now().time_since_epoch().count());
        told.store(true);
        told.notify_one();
      });
      begun_.fetch_add(1);
      begun_.notify_one();
      told.wait(false);
      return task_outcome::cancelled("told to");
    });
    return result;
  }

  std::atomic<std::uint64_t> begun_{0};
  std::atomic<steady::rep> told_at_{0};
  std::atomic<bool> held_{false};
  std::atomic<bool> released_{false};
  runtime running_;
};

void idle_runtime::saturate(int waiting) {
  constexpr int at_once = 10'000;
  auto task = noop_task();
  task.priority = task_priority::urgent;
  task.gate = "full";
  task.payload = holding;
  running_.enqueue(task);
  held_.wait(false);
  while (waiting > 0) {
    auto count = std::min(waiting, at_once);
    running_.enqueue(std::vector<task_spec>(static_cast<std::size_t>(count), task));
    waiting -= count;
  }
}

std::chrono::nanoseconds idle_runtime::start_one() {
  auto before = begun_.load();
  auto start = steady::now();
  auto task = running_.enqueue(noop_task());
  begun_.wait(before);
  auto waited = steady::now() - start;
  if (running_.wait(task, std::chrono::seconds{30}).state != task_state::completed)
    throw std::runtime_error("a task was not completed");
  return waited;
}

std::chrono::nanoseconds idle_runtime::cancel_one() {
  auto before = begun_.load();
  auto task = running_.enqueue(noop_task(endless));
  begun_.wait(before);
  auto start = steady::now();
  running_.cancel(task, "measured");
  if (running_.wait(task, std::chrono::seconds{30}).state != task_state::cancelled)
    throw std::runtime_error("a task was not cancelled");
  return steady::time_point{steady::duration{told_at_.load()}} - start;
}

std::chrono::nanoseconds idle_runtime::claim_one() {
  auto boot = running_.opened().boot;
  return running_.write([boot](storage::transaction& tx) {
    using namespace std::chrono;
    static const std::array<std::string, 1> kinds{kind};
    auto now_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    auto task = storage::enqueue_task(tx, noop_task(), now_ms);
    auto start = steady::now();
    auto claimed = storage::claim_tasks(tx, kinds, 1, boot, now_ms);
    auto took = steady::now() - start;
    if (claimed.size() != 1 || claimed[0].id != task)
      throw std::runtime_error("another task was claimed");
    storage::finish_attempt(tx, task, claimed[0].epoch, task_outcome::success(), now_ms, now_ms);
    return nanoseconds{took};
  });
}

/// Measures one of the waits again and again, for one section.
sample repeat(const settings& how, idle_runtime& idle,
              std::chrono::nanoseconds (idle_runtime::*measure)()) {
  return run_threads(how, 1, [&](const referee& whistle, sample& seen, int) {
    while (!whistle.over()) {
      bool timed = whistle.counting();
      auto waited = (idle.*measure)();
      if (whistle.counting())
        ++seen.items;
      if (timed)
        seen.latency.add(waited);
    }
  });
}

waits all_waits(const settings& how, idle_runtime& idle) {
  return {repeat(how, idle, &idle_runtime::start_one), repeat(how, idle, &idle_runtime::claim_one)};
}

} // namespace

sample start_latency(const settings& how) {
  scratch_folder folder(how.folder);
  idle_runtime idle(folder.database());
  return repeat(how, idle, &idle_runtime::start_one);
}

sample cancel_latency(const settings& how) {
  scratch_folder folder(how.folder);
  idle_runtime idle(folder.database());
  return repeat(how, idle, &idle_runtime::cancel_one);
}

waits behind_gate(const settings& how, int waiting) {
  scratch_folder folder(how.folder);
  idle_runtime idle(folder.database());
  idle.saturate(waiting);
  return all_waits(how, idle);
}

ended_tasks::ended_tasks(const settings& how, std::int64_t count) : folder_(how.folder) {
  if (count == 0)
    return;
  idle_runtime(folder_.database()).start_one();
  multiply_task(folder_.database(), count);
}

waits ended_tasks::measure(const settings& how) const {
  idle_runtime idle(folder_.database());
  return all_waits(how, idle);
}

} // namespace quire::benchmarks

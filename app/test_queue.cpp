#include "quire/app/test_queue.hpp"

#include "quire/actors/attempt_report.hpp"
#include "quire/actors/large_outputs.hpp"
#include "quire/actors/round_writer.hpp"
#include "quire/actors/run_attempt.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/invariants.hpp"
#include "quire/storage/sqlite/migrations.hpp"
#include "quire/storage/sqlite/step_store.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace quire {

namespace {

constexpr std::int64_t begin_ms = 1'767'225'600'000; // 2026-01-01T00:00Z

class moved_clock final : public clock_source {
public:
  std::int64_t unix_ms() const override { return time_ms; }
  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::time_point{std::chrono::milliseconds{time_ms}};
  }

  std::int64_t time_ms = begin_ms;
};

/// A folder that goes with its object.
struct scratch_folder {
  scratch_folder() {
    auto name = (std::filesystem::temp_directory_path() / "quire-test-XXXXXX").string();
    if (!mkdtemp(name.data()))
      throw storage::error(errc::cannot_open, "no temporary folder for a test queue: "
                                                + std::string{std::strerror(errno)}
                                                + "; nothing was written; set TMPDIR");
    path = name;
  }

  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::filesystem::path path;
};

storage::connection_options options_in(const scratch_folder& folder) {
  storage::connection_options options;
  options.path = folder.path / "test.db";
  return options;
}

} // namespace

/// Keeps steps on the spot.
class test_queue::own_steps final : public actors::step_keeper {
public:
  explicit own_steps(test_queue& queue) : queue_(queue) {}

  std::optional<std::string> find(task_id task, const std::string& name) override {
    storage::snapshot seen{queue_.database()};
    return storage::find_step(seen, task, name);
  }

  std::string transact(task_id task, std::int64_t epoch, const std::string& name,
                       work step) override {
    return queue_.write([&](storage::transaction& tx) {
      // Of `perform`, which has no claim that could be kept to.
      return epoch == 0 ? step(tx)
                        : storage::keep_step(tx, task, epoch, name, step, queue_.now_ms());
    });
  }

private:
  test_queue& queue_;
};

struct test_queue::impl {
  explicit impl(task_handlers given)
    : handlers(std::move(given)), db(storage::connection::open_writer(options_in(folder))) {
    storage::migrate(db, "quire", storage::quire_migrations(), begin_ms);
  }

  /// One transaction of the service: writes how the last attempt ended, lets due things
  /// happen, and claims the next task.
  actors::round_answer round(test_queue& queue, std::vector<actors::attempt_result> results,
                             std::vector<actors::attempt_words> words, bool claim) {
    actors::round_order order;
    order.round.results = std::move(results);
    order.round.news = std::move(words);
    order.round.promote = true;
    order.round.claims.now = claim ? 1 : 0;
    for (auto& [kind, handler] : handlers)
      order.kinds.push_back(kind);
    order.boot = boot;
    order.now_ms = clock->time_ms;
    order.shares = shares;
    auto answer =
      queue.write([&](storage::transaction& tx) { return actors::write_round(tx, order); });
    next_due_ms = answer.next_due_ms;
    shares = answer.shares;
    return answer;
  }

  /// The same; what an attempt cannot write fails it, as the service does.
  actors::round_answer checked_round(test_queue& queue, std::vector<actors::attempt_result> results,
                                     std::vector<actors::attempt_words> words, bool claim) {
    try {
      return round(queue, results, words, claim);
    } catch (const std::exception& failure) {
      if (results.empty())
        throw;
      results.front().outcome = task_outcome::failure(
        std::string{"its result could not be written: "} + failure.what(), error_class::permanent);
    }
    return round(queue, std::move(results), {}, claim);
  }

  std::shared_ptr<moved_clock> clock = std::make_shared<moved_clock>();
  scratch_folder folder;
  task_handlers handlers;
  storage::connection db;
  std::shared_ptr<own_steps> steps;
  std::int64_t boot = 0;
  std::optional<std::int64_t> next_due_ms; ///< After the last round.
  storage::tenant_shares shares;           ///< The same.
};

test_queue::test_queue(task_handlers handlers)
  : impl_(std::make_unique<impl>(std::move(handlers))) {
  impl_->steps = std::make_shared<own_steps>(*this);
  impl_->boot =
    write([](storage::transaction& tx) { return storage::begin_boot(tx, begin_ms).boot; });
}

test_queue::~test_queue() = default;

void test_queue::handle(std::string kind, task_handler handler) {
  impl_->handlers.insert_or_assign(std::move(kind), std::move(handler));
}

task_id test_queue::enqueue(const task_spec& spec) {
  return write([&](storage::transaction& tx) { return storage::enqueue_task(tx, spec, now_ms()); });
}

std::size_t test_queue::drain(std::size_t most) {
  std::size_t runs = 0;
  std::vector<actors::attempt_result> results;
  std::vector<actors::attempt_words> words;
  while (true) {
    auto answer = impl_->checked_round(*this, std::move(results), std::move(words), runs < most);
    results.clear();
    words.clear();
    if (answer.claimed.empty()) {
      // What is due at once comes in portions.
      if (runs < most && impl_->next_due_ms && *impl_->next_due_ms <= now_ms())
        continue;
      return runs;
    }
    ++runs;
    auto task = std::make_shared<const task_assignment>(std::move(answer.claimed.front()));
    actors::attempt one{task, {}, std::make_shared<actors::attempt_report>()};
    auto outcome = actors::run_attempt(impl_->handlers, one, impl_->clock, impl_->steps);
    actors::large_outputs{}.settle(*task, outcome); // All go into the database.
    results.push_back(actors::result_of(*task, std::move(outcome), now_ms(), 0));
    words.push_back({task->id, task->epoch, one.report->take()});
  }
}

std::size_t test_queue::advance(std::chrono::milliseconds time) {
  auto end = now_ms() + time.count();
  auto runs = drain();
  while (impl_->next_due_ms && *impl_->next_due_ms <= end) {
    impl_->clock->time_ms = std::max(*impl_->next_due_ms, now_ms());
    runs += drain();
  }
  impl_->clock->time_ms = end;
  return runs + drain();
}

task_outcome test_queue::perform(const task_spec& spec) {
  auto task = std::make_shared<task_assignment>();
  task->kind = spec.kind;
  task->payload = spec.payload;
  task->attempt = 1;
  task->attempts_max = spec.retry.attempts_max;
  task->retry = spec.retry;
  task->timeout = spec.timeout;
  task->heartbeat = spec.heartbeat;
  return actors::run_attempt(impl_->handlers,
                             {task, {}, std::make_shared<actors::attempt_report>()}, impl_->clock,
                             impl_->steps);
}

std::vector<task_record> test_queue::tasks(const task_filter& filter) {
  storage::snapshot seen{impl_->db};
  return storage::list_tasks(seen, filter);
}

std::optional<task_details> test_queue::find(task_id task) {
  storage::snapshot seen{impl_->db};
  return storage::find_task(seen, task);
}

std::vector<task_details> test_queue::waiting(const std::string& kind) {
  task_filter filter;
  filter.kind = kind;
  std::vector<task_details> found;
  for (auto& task : tasks(filter))
    if (!is_terminal(task.state))
      found.push_back(*find(task.id));
  return found;
}

std::int64_t test_queue::now_ms() const noexcept {
  return impl_->clock->time_ms;
}

std::vector<std::string> test_queue::violations() {
  storage::snapshot seen{impl_->db};
  std::vector<std::string> found;
  for (auto& rule : storage::invariants())
    for (auto& example : storage::find_violations(seen, rule, 3).examples)
      found.push_back(std::string{rule.name} + ": " + example);
  return found;
}

storage::connection& test_queue::database() noexcept {
  return impl_->db;
}

} // namespace quire

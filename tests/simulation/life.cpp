#include "quire/tests/simulation/life.hpp"

#include "quire/app/opening.hpp"
#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/tests/simulation/audit.hpp"
#include "quire/tests/support/memory_vfs.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace quire::tests {

namespace {

using namespace std::chrono_literals;

// A life that is to come to rest and has not by then never will.
constexpr int steps_to_rest_max = 60'000;
constexpr int steps_between_looks = 64;

constexpr auto mortals =
  std::to_array<std::string_view>({"writer", "reader_pool", "reader", "task_execution_service",
                                   "pipeline_execution_service", "maintenance_service", "worker"});

void remove_schedules(storage::connection& db) {
  storage::transaction_guard guard{db};
  storage::transaction tx{db};
  storage::remove_schedule(tx, "tick");
  guard.commit();
}

caf::actor_system_config& single_threaded(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("testing"));
  config.set("logger.inline-output", true);
  return config;
}

} // namespace

/// The clock of the test scheduler, which starts from 0 in each life.
class life::shifted_clock final : public clock_source {
public:
  shifted_clock(caf::scheduler::test_coordinator& scheduler, std::int64_t started_ms)
    : scheduler_(&scheduler), started_ms_(started_ms) {}

  std::int64_t unix_ms() const override {
    using namespace std::chrono;
    auto since = scheduler_->clock().now().time_since_epoch();
    return 1'700'000'000'000 + started_ms_ + duration_cast<milliseconds>(since).count();
  }

  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::time_point{scheduler_->clock().now().time_since_epoch()};
  }

private:
  caf::scheduler::test_coordinator* scheduler_;
  std::int64_t started_ms_;
};

life::life(outside_world& world, memory_disk& disk, const life_plan& plan, std::int64_t started_ms)
  : world_(world), disk_(disk), plan_(plan), system_(single_threaded(config_)),
    scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())),
    clock_(std::make_shared<shifted_clock>(scheduler_, started_ms)) {
  clients_.world = &world;
}

life::~life() {
  observer_.reset();
  end_all_actors();
}

void life::run(ending before) {
  disk_.plan(plan_.faults);
  if (!boot(before))
    return;
  serve();
  if (plan_.how == ending::drained && disk_.powered() && !failed_)
    drain();
  if (plan_.to_rest && disk_.powered() && !failed_) {
    auto db = storage::connection::open_reader(database_);
    audit_rest(db, world_);
  }
}

std::int64_t life::ended_ms() const {
  return clock_->unix_ms() - 1'700'000'000'000;
}

/// Returns false if this life ended before it served anybody.
bool life::boot(ending before) {
  options chosen;
  chosen.database = simulated_database;
  chosen.vfs = memory_vfs_name;
  chosen.clock = clock_;
  chosen.sync = world_.sync;
  chosen.patience = 0ms;
  try {
    auto opened = open_database(chosen);
    database_ = opened.connection;
    world_.events.add("boot", opened.report.boot, opened.report.recovered);
    auto db = storage::connection::open_writer(database_);
    db.execute("CREATE TABLE IF NOT EXISTS sim_row(id INTEGER, half INTEGER, filler BLOB, "
               "PRIMARY KEY(id, half))");
    audit_promises(db, world_, before);
    if (plan_.to_rest) // Or there would always be another task.
      remove_schedules(db);
    looked_ = true;
    start_services(opened.report.boot);
    return true;
  } catch (const storage::error& error) {
    world_.events.add(error.what(), static_cast<std::int64_t>(error.code()));
    if (disk_.powered() && disk_.errors_injected() == 0)
      violation(std::string{"it does not boot: "} + error.what());
    return false;
  }
}

void life::start_services(std::int64_t boot) {
  actors::service_tree_options options;
  options.env.clock = clock_;
  options.env.seed = world_.choice.below(1'000'000) + 1;
  options.env.own_threads = false;
  options.database = database_;
  options.database.pause = [this](std::chrono::milliseconds) { world_.events.add("pause"); };
  options.boot = boot;
  options.sync = world_.sync;
  options.batch_members_max = world_.choice.below(8) + 1;
  options.workers = 3;
  options.handlers = simulated_handlers(world_);
  options.drain_timeout = 2s;
  options.maintenance_interval = 30s;
  options.on_failed = [this](const std::string& reason) {
    world_.events.add(reason);
    failed_ = true;
  };
  tree_ = actors::spawn_service_tree(system_, std::move(options));
  clients_.gateway = tree_->gateway;
  clients_.may_schedule = !plan_.to_rest;
  for (int i = 0; i < plan_.clients; ++i)
    spawn_client(system_, clients_, plan_.actions);
  if (plan_.to_rest)
    observer_.emplace(storage::connection::open_reader(database_));
}

void life::serve() {
  while (!over()) {
    step();
    maybe_kill_a_service();
  }
}

bool life::over() {
  if (!disk_.powered() || failed_)
    return true;
  if (!plan_.to_rest)
    return steps_ >= plan_.steps;
  if (steps_ < steps_to_rest_max)
    return clients_.busy == 0 && steps_ % steps_between_looks == 0 && at_rest();
  violation("it does not come to rest");
  return true;
}

bool life::at_rest() {
  return !has_open_work(*observer_);
}

void life::step() {
  ++steps_;
  if (scheduler_.has_job() && !world_.choice.happens(5))
    run_a_job();
  else if (scheduler_.has_job() || world_.choice.happens(50))
    scheduler_.advance_time(std::chrono::milliseconds{world_.choice.between(1, 40)});
  else
    scheduler_.trigger_timeout();
  for (auto* job : scheduler_.jobs)
    remember(job);
}

void life::run_a_job() {
  auto& jobs = scheduler_.jobs;
  for (auto* job : jobs)
    remember(job);
  std::swap(jobs.front(), world_.choice.one_of(jobs));
  if (auto* next = dynamic_cast<caf::scheduled_actor*>(jobs.front()))
    world_.events.add(next->name(), static_cast<std::int64_t>(next->id()), disk_.operations());
  scheduler_.run_once();
}

/// The services are nobody's business but the supervisor's: the scheduler is
/// where they show.
void life::remember(caf::resumable* job) {
  if (auto* actor = dynamic_cast<caf::scheduled_actor*>(job))
    if (!actors_.contains(actor->id()))
      actors_.emplace(actor->id(), caf::actor_cast<caf::strong_actor_ptr>(actor));
}

void life::maybe_kill_a_service() {
  if (kills_ >= plan_.kills || !world_.choice.happens(2))
    return;
  std::vector<caf::actor> candidates;
  for (auto& [id, pointer] : actors_) {
    auto* actor = caf::actor_cast<caf::abstract_actor*>(pointer);
    auto* known = dynamic_cast<caf::scheduled_actor*>(actor);
    if (known && !known->getf(caf::abstract_actor::is_terminated_flag)
        && std::ranges::count(mortals, std::string_view{known->name()}) > 0)
      candidates.push_back(caf::actor_cast<caf::actor>(pointer));
  }
  if (candidates.empty())
    return;
  auto& victim = world_.choice.one_of(candidates);
  world_.events.add("kill", static_cast<std::int64_t>(victim.id()));
  caf::anon_send_exit(victim, caf::exit_reason::unhandled_exception);
  ++kills_;
}

void life::drain() {
  world_.events.add("drain");
  auto answered = std::make_shared<bool>(false);
  system_.spawn([answered, to = tree_->supervisor](caf::event_based_actor* self) {
    ask(self, to, 10min, messages::drain{})
      .then([answered](const messages::drained&) { *answered = true; }, [](const caf::error&) {});
  });
  for (int left = steps_to_rest_max; left > 0 && !*answered && disk_.powered() && !failed_; --left)
    step();
  if (!*answered && disk_.powered() && !failed_)
    violation("it does not drain");
}

void life::end_all_actors() {
  std::size_t known = 0;
  do {
    for (auto* job : scheduler_.jobs)
      remember(job);
    known = actors_.size();
    for (auto& [id, pointer] : actors_)
      caf::anon_send_exit(caf::actor_cast<caf::actor>(pointer), caf::exit_reason::kill);
    while (scheduler_.has_job()) {
      remember(scheduler_.jobs.front());
      scheduler_.run_once();
    }
  } while (actors_.size() > known);
  tree_.reset();
  clients_.gateway = nullptr;
  actors_.clear();
}

void life::violation(std::string text) {
  world_.violations.push_back(std::move(text));
}

} // namespace quire::tests

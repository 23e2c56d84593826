#include "quire/actors/maintenance_service.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/timers.hpp"
#include "quire/actors/upkeep_plan.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/request_keys.hpp"
#include "quire/storage/sqlite/task_results.hpp"
#include "quire/storage/sqlite/task_store.hpp"
#include "quire/storage/sqlite/upkeep.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;

using maintenance_impl = maintenance_service_actor::extend<on<void(timer)>>;

constexpr auto service_name = "maintenance_service";

struct maintenance_state {
  maintenance_state() = default;
  static inline const char* name = service_name;

  maintenance_service_options options;
  upkeep_plan plan{{}, {}};
  wakeup timer;
  maintenance_done report;                        // Of the pass that runs.
  std::vector<promise<maintenance_done>> waiting; // For its end.
  std::vector<promise<drained>> draining;
  std::vector<storage::result_files::entry> outputs; // That are to be looked at in this pass.
  std::string outputs_error;
  std::int64_t passes = 0;
  std::int64_t rows = 0;
  std::int64_t last_run_ms = 0;
  std::string note;
  std::int64_t started_unix_ms = 0;
  std::chrono::steady_clock::time_point started;

  std::int64_t unix_ms() const { return options.env.clock->unix_ms(); }

  /// The time by which tasks are stuck: one that stands still while the machine
  /// sleeps, as the time limits of programs do, and does not leap when somebody
  /// sets the clock.
  std::int64_t patient_unix_ms() const {
    auto awake =
      std::chrono::duration_cast<std::chrono::milliseconds>(options.env.clock->now() - started);
    return std::min(unix_ms(), started_unix_ms + awake.count());
  }
};

using maintenance_pointer = maintenance_impl::stateful_pointer<maintenance_state>;

void run_portion(maintenance_pointer self, upkeep_operation operation);

void set_timer(maintenance_pointer self) {
  auto& state = state_of(self);
  if (auto due = state.plan.due(); due && !state.plan.running())
    wake_at<maintenance_impl>(self, state.timer, state.options.env.clock->now(), *due);
}

void end_pass(maintenance_pointer self) {
  auto& state = state_of(self);
  ++state.passes;
  state.last_run_ms = state.unix_ms();
  for (auto& answer : std::exchange(state.waiting, {}))
    answer.deliver(state.report);
  set_timer(self);
}

void leave(maintenance_pointer self) {
  for (auto& answer : state_of(self).draining)
    answer.deliver({});
  self->quit();
}

void next_operation(maintenance_pointer self) {
  auto& state = state_of(self);
  if (!state.draining.empty())
    return leave(self);
  if (auto operation = state.plan.next_operation(state.unix_ms()))
    run_portion(self, *operation);
  else
    end_pass(self);
}

void end_operation(maintenance_pointer self, std::string error) {
  auto& state = state_of(self);
  auto result = state.plan.end_operation(std::move(error), state.unix_ms());
  auto operation = to_string(result.operation);
  state.rows += result.rows;
  state.report.operations.push_back({operation, result.rows, result.error});
  if (!result.error.empty()) {
    state.note = operation + " failed: " + result.error;
    log(log_level::warn, service_name, state.note);
  }
  storage::maintenance_record record{operation, result.started_at_ms, result.ended_at_ms,
                                     result.rows, result.error};
  write_then(
    self, state.options.writer, state.options.env.request_timeout,
    [record](storage::transaction& tx) { storage::record_maintenance(tx, record); },
    [self] { next_operation(self); },
    [self](const caf::error& failure) {
      state_of(self).note = "maintenance could not be recorded: " + text_of(failure);
      next_operation(self);
    });
}

void end_portion(maintenance_pointer self, upkeep_operation operation, std::int64_t rows) {
  auto& state = state_of(self);
  // Each portion is a request of its own, so that others get their turn.
  if (state.plan.portion_done(rows) && state.draining.empty())
    run_portion(self, operation);
  else
    end_operation(self, {});
}

void ask_writer(maintenance_pointer self, upkeep_operation operation, upkeep_request request) {
  auto& options = state_of(self).options;
  ask(self, options.writer, options.env.request_timeout, request)
    .then([self, operation](const upkeep_done& done) { end_portion(self, operation, done.moved); },
          [self](const caf::error& error) { end_operation(self, text_of(error)); });
}

// Without the handles of the options: a request must not keep its own receiver.
struct upkeep_limits {
  std::int64_t now_ms = 0;
  std::int64_t stuck_now_ms = 0;
  std::int64_t stuck_before_ms = 0;
  std::int64_t ended_before_ms = 0;
  std::int64_t keys_before_ms = 0;
  int rows = 0;
};

upkeep_limits limits_of(const maintenance_state& state) {
  using namespace std::chrono;
  auto& options = state.options;
  auto now_ms = state.unix_ms();
  auto stuck_now_ms = state.patient_unix_ms();
  return {now_ms,
          stuck_now_ms,
          stuck_now_ms - options.stuck_after.count(),
          now_ms - duration_cast<milliseconds>(options.retention).count(),
          now_ms - options.key_retention.count(),
          options.rows_per_write};
}

std::int64_t write_portion(storage::transaction& tx, upkeep_operation operation,
                           const upkeep_limits& limits) {
  switch (operation) {
    case upkeep_operation::stuck_tasks:
      return static_cast<std::int64_t>(storage::fail_stuck_tasks(tx, limits.stuck_before_ms,
                                                                 limits.stuck_now_ms, limits.now_ms,
                                                                 limits.rows)
                                         .size());
    case upkeep_operation::orphans: return storage::delete_orphans(tx, limits.rows);
    case upkeep_operation::old_tasks:
      return storage::prune_tasks(tx, limits.ended_before_ms, limits.rows);
    case upkeep_operation::old_runs:
      return storage::prune_runs(tx, limits.ended_before_ms, limits.rows);
    case upkeep_operation::old_keys:
      return storage::forget_requests(tx, limits.keys_before_ms, limits.rows);
    case upkeep_operation::old_outputs:
    case upkeep_operation::checkpoint:
    case upkeep_operation::optimize: break;
  }
  return 0;
}

void remove_outputs(maintenance_pointer self);

void end_outputs(maintenance_pointer self, std::int64_t files, std::string error) {
  auto& state = state_of(self);
  state.plan.portion_done(files);
  if (!error.empty())
    state.outputs_error = std::move(error);
  if (!state.outputs.empty() && state.draining.empty())
    return remove_outputs(self);
  state.outputs.clear();
  end_operation(self, std::exchange(state.outputs_error, {}));
}

// The list is older than every view that it is compared with.
void remove_outputs(maintenance_pointer self) {
  constexpr std::size_t at_once = 1000;
  auto& state = state_of(self);
  if (state.outputs.empty())
    return end_outputs(self, 0, {});
  std::vector<storage::result_files::entry> some;
  while (!state.outputs.empty() && some.size() < at_once) {
    some.push_back(std::move(state.outputs.back()));
    state.outputs.pop_back();
  }
  read_then(
    self, state.options.readers, state.options.env.request_timeout,
    [some = std::move(some)](storage::snapshot& db) { return storage::remove_unnamed(db, some); },
    [self](std::int64_t files) { end_outputs(self, files, {}); },
    [self](const caf::error& error) {
      // Readers end first when the runtime closes; the next pass does it. Only what is wrong with
      // some files says nothing of the others.
      auto closing = code_of(error) == errc::unavailable;
      if (code_of(error) != errc::io)
        state_of(self).outputs.clear();
      end_outputs(self, 0, closing ? std::string{} : text_of(error));
    });
}

void run_portion(maintenance_pointer self, upkeep_operation operation) {
  if (operation == upkeep_operation::old_outputs) {
    state_of(self).outputs = state_of(self).options.outputs->list();
    return remove_outputs(self);
  }
  if (operation == upkeep_operation::checkpoint)
    return ask_writer(self, operation, {.truncate = true, .optimize = false});
  if (operation == upkeep_operation::optimize)
    return ask_writer(self, operation, {.truncate = false, .optimize = true});
  auto& options = state_of(self).options;
  write_then(
    self, options.writer, options.env.request_timeout,
    [operation, limits = limits_of(state_of(self))](storage::transaction& tx) {
      return write_portion(tx, operation, limits);
    },
    [self, operation](std::int64_t rows) { end_portion(self, operation, rows); },
    [self](const caf::error& error) { end_operation(self, text_of(error)); });
}

void begin_pass(maintenance_pointer self) {
  auto& state = state_of(self);
  if (state.plan.running())
    return;
  state.report = {};
  if (auto operation = state.plan.begin(state.options.env.clock->now(), state.unix_ms()))
    run_portion(self, *operation);
  else
    end_pass(self);
}

std::vector<upkeep_operation> wanted_operations(const maintenance_service_options& options) {
  using enum upkeep_operation;
  std::vector<upkeep_operation> wanted;
  if (options.stuck_after.count() > 0)
    wanted.push_back(stuck_tasks);
  wanted.push_back(orphans);
  if (options.retention.count() > 0)
    wanted.insert(wanted.end(), {old_tasks, old_runs});
  if (options.outputs)
    wanted.push_back(old_outputs);
  wanted.insert(wanted.end(), {old_keys, checkpoint, optimize});
  return wanted;
}

maintenance_impl::behavior_type maintenance(maintenance_pointer self,
                                            maintenance_service_options options) {
  auto& initial = state_of(self);
  initial.plan = {wanted_operations(options), options.interval};
  initial.options = std::move(options);
  initial.started = initial.options.env.clock->now();
  initial.started_unix_ms = initial.unix_ms();
  install_handlers(self, service_name);
  // Not now: whoever starts this service waits for nothing.
  wake_at<maintenance_impl>(self, initial.timer, {}, {});
  return {
    [self](status_request) {
      auto& state = state_of(self);
      return service_status{
        service_name,
        state.draining.empty() ? "running" : "draining",
        0,
        {{"passes", state.passes}, {"rows", state.rows}, {"last_run_ms", state.last_run_ms}},
        state.note};
    },
    [self](drain) -> caf::result<drained> {
      auto& state = state_of(self);
      state.draining.push_back(promise_to_sender<drained>(self));
      if (!state.plan.running())
        leave(self);
      return caf::delegated<drained>{};
    },
    [self](run_maintenance) -> caf::result<maintenance_done> {
      state_of(self).waiting.push_back(promise_to_sender<maintenance_done>(self));
      begin_pass(self);
      return caf::delegated<maintenance_done>{};
    },
    [self](timer due) {
      auto& state = state_of(self);
      if (state.timer.fired(due.generation) && state.draining.empty())
        begin_pass(self);
    },
  };
}

} // namespace

messages::maintenance_service_actor spawn_maintenance_service(caf::actor_system& system,
                                                              maintenance_service_options options) {
  return system.spawn(maintenance, std::move(options));
}

} // namespace quire::actors

#include "quire/actors/pipeline_service.hpp"

#include "quire/actors/backoff.hpp"
#include "quire/actors/base.hpp"
#include "quire/actors/fan_out.hpp"
#include "quire/actors/look_up.hpp"
#include "quire/actors/pipeline_parser.hpp"
#include "quire/actors/stage_queue.hpp"
#include "quire/actors/subscription.hpp"
#include "quire/actors/timers.hpp"
#include "quire/actors/write_answer.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;
using time_point = std::chrono::steady_clock::time_point;

using pipeline_impl = pipeline_service_actor::extend<on<void(timer)>>;

constexpr auto service_name = "pipeline_execution_service";
constexpr std::size_t stages_at_once = 4;
constexpr std::size_t specs_kept = 16;
constexpr std::size_t rechecked_at_once = 512;

struct pipeline_state {
  pipeline_state() = default;
  static inline const char* name = service_name;

  pipeline_service_options options;
  stage_queue<stage_id> stages{stages_at_once};
  recently_used<run_id, pipeline_spec> specs{specs_kept};
  awaited<run_id, run_record> runs{"run", &storage::find_run, {}};
  wakeup timer;
  time_point next_look;
  actors::subscription subscription;
  std::vector<promise<drained>> draining;
  int requests_open = 0; // Passed on to the writer, not answered yet.
  std::int64_t stages_started = 0;
  std::int64_t tasks_created = 0;
  std::int64_t runs_finished = 0;
  std::optional<errc> trouble; // What kept it from going on with its stages.
  std::string note;

  time_point now() const { return options.env.clock->now(); }
  std::int64_t unix_ms() const { return options.env.clock->unix_ms(); }
};

using pipeline_pointer = pipeline_impl::stateful_pointer<pipeline_state>;

// A stage in work. Whoever holds it goes on with it, or releases the stage.
struct stage_work {
  explicit stage_work(storage::fanning_stage found) : stage(std::move(found)) {}

  stage_id id() const noexcept { return stage.stage.stage; }

  storage::fanning_stage stage;
  std::shared_ptr<const pipeline_spec> pipeline;
  const stage_spec* spec = nullptr;
  std::optional<fan_out_progress> progress;
};

using work_pointer = std::shared_ptr<stage_work>;

void proceed(pipeline_pointer self);

// -- one stage -----------------------------------------------------------------

void release(pipeline_pointer self, const work_pointer& work) {
  state_of(self).stages.release(work->id());
  proceed(self);
}

// What failed may work later: the stage is found again when some time has passed.
void postpone(pipeline_pointer self, const work_pointer& work, const caf::error& error) {
  auto& state = state_of(self);
  state.note = "tasks of a stage could not be created yet: " + text_of(error);
  state.trouble = code_of(error);
  log(log_level::warn, service_name, state.note);
  state.stages.postpone(work->id());
  proceed(self);
}

// Whether it is the stage itself that is refused: trying again would not help.
bool blames_the_stage(errc code) {
  return code == errc::invalid_argument || code == errc::too_large || code == errc::constraint
         || code == errc::function_failed || code == errc::not_found;
}

void give_up(pipeline_pointer self, const work_pointer& work, const std::string& reason) {
  auto& state = state_of(self);
  state.note = "a stage failed: its tasks could not be created";
  write_then(
    self, state.options.writer, state.options.env.request_timeout,
    [stage = work->stage.stage, reason, now_ms = state.unix_ms()](storage::transaction& tx) {
      return storage::fail_stage(tx, stage, reason, now_ms);
    },
    [self, work](bool) { release(self, work); },
    [self, work](const caf::error& error) { postpone(self, work, error); });
}

void give_up_or_postpone(pipeline_pointer self, const work_pointer& work, const caf::error& error) {
  if (blames_the_stage(code_of(error)))
    give_up(self, work, text_of(error));
  else
    postpone(self, work, error);
}

void write_next_portion(pipeline_pointer self, const work_pointer& work) {
  auto& state = state_of(self);
  if (!state.draining.empty())
    return release(self, work);
  std::optional<fan_out_progress::portion> portion;
  try {
    portion = work->progress->next();
  } catch (const std::exception& failure) {
    return give_up(self, work, failure.what());
  }
  if (!portion)
    return release(self, work);
  auto shared = std::make_shared<const fan_out_progress::portion>(std::move(*portion));
  write_then(
    self, state.options.writer, state.options.env.request_timeout,
    [shared, stage = work->stage.stage, now_ms = state.unix_ms()](storage::transaction& tx) {
      return storage::fan_out(tx, stage, shared->first, shared->tasks, shared->last, now_ms);
    },
    [self, work, created = shared->tasks.size()](bool taken) {
      // The stage was cancelled or has started over: this list is no longer its list.
      if (!taken)
        return release(self, work);
      state_of(self).tasks_created += static_cast<std::int64_t>(created);
      state_of(self).trouble.reset();
      write_next_portion(self, work);
    },
    [self, work](const caf::error& error) { give_up_or_postpone(self, work, error); });
}

using outputs_by_stage = std::map<std::string, std::vector<std::string>>;

void make_plan(pipeline_pointer self, const work_pointer& work, outputs_by_stage outputs) {
  auto& state = state_of(self);
  auto gate_prefix = "run:" + std::to_string(work->stage.run.value) + ":";
  try {
    stage_plan plan{*work->pipeline, *work->spec, {work->stage.params, std::move(outputs)},
                    gate_prefix};
    work->progress.emplace(std::move(plan), work->stage.created, state.options.tasks_per_write);
  } catch (const std::exception& failure) {
    return give_up(self, work, failure.what());
  }
  ++state.stages_started;
  write_next_portion(self, work);
}

void read_inputs(pipeline_pointer self, const work_pointer& work) {
  auto& state = state_of(self);
  auto read = [needed = stages_needed(*work->spec), run = work->stage.run,
               bytes_max = state.options.outputs_bytes_max](storage::snapshot& db) {
    outputs_by_stage outputs;
    for (auto& name : needed)
      outputs[name] = storage::stage_outputs(db, run, name, bytes_max);
    return outputs;
  };
  read_then(
    self, state.options.readers, state.options.env.request_timeout, std::move(read),
    [self, work](outputs_by_stage outputs) { make_plan(self, work, std::move(outputs)); },
    [self, work](const caf::error& error) { give_up_or_postpone(self, work, error); });
}

// Goes on with `work`, whose definition is at hand: parsed by now, or as text.
void use_definition(pipeline_pointer self, const work_pointer& work, const std::string& text) {
  auto& specs = state_of(self).specs;
  try {
    work->pipeline = specs.find(work->stage.run);
    if (!work->pipeline) {
      work->pipeline = std::make_shared<const pipeline_spec>(parse_pipeline(text));
      specs.put(work->stage.run, work->pipeline);
    }
    for (auto& candidate : work->pipeline->stages)
      if (candidate.name == work->stage.name)
        work->spec = &candidate;
    if (!work->spec)
      throw std::runtime_error("the definition of the run has no such stage");
    read_inputs(self, work);
  } catch (const std::exception& failure) {
    give_up(self, work, failure.what());
  }
}

// All stages of a run share its definition: it is read and parsed once.
void start(pipeline_pointer self, storage::fanning_stage stage) {
  auto& state = state_of(self);
  auto work = std::make_shared<stage_work>(std::move(stage));
  if (state.specs.find(work->stage.run))
    return use_definition(self, work, {});
  read_then(
    self, state.options.readers, state.options.env.request_timeout,
    [run = work->stage.run](storage::snapshot& db) { return storage::run_definition(db, run); },
    [self, work](const std::optional<std::string>& text) {
      if (text)
        use_definition(self, work, *text);
      else
        release(self, work); // The run is gone, and with it the stage.
    },
    [self, work](const caf::error& error) { give_up_or_postpone(self, work, error); });
}

// -- looking for work --------------------------------------------------------------

void look_for_stages(pipeline_pointer self) {
  auto& state = state_of(self);
  if (!state.draining.empty() || !state.stages.begin_look())
    return;
  read_then(
    self, state.options.readers, state.options.env.request_timeout,
    [room = state.stages.room(), except = state.stages.passed_over()](storage::snapshot& db) {
      return storage::fanning_stages(db, room, except);
    },
    [self](std::vector<storage::fanning_stage> found) {
      auto& stages = state_of(self).stages;
      stages.end_look();
      if (stages.passed_over().empty())
        state_of(self).trouble.reset();
      for (auto& stage : found)
        if (state_of(self).draining.empty() && stages.take(stage.stage.stage))
          start(self, std::move(stage));
      proceed(self);
    },
    [self](const caf::error& error) {
      state_of(self).stages.end_look();
      state_of(self).note = "stages could not be read: " + text_of(error);
      state_of(self).trouble = code_of(error);
      proceed(self);
    });
}

void look_up_runs(pipeline_pointer self) {
  auto& options = state_of(self).options;
  look_up(self, options.readers, options.env.request_timeout,
          [](auto* who) -> auto& { return state_of(who).runs; });
}

void subscribe_to_writer(pipeline_pointer self) {
  auto& options = state_of(self).options;
  subscribe_to(self, options.writer, caf::actor_cast<caf::actor>(pipeline_impl{self}),
               options.env.request_timeout);
}

void look(pipeline_pointer self) {
  auto& state = state_of(self);
  state.next_look = state.now() + state.options.safety_net;
  subscribe_to_writer(self);
  state.stages.wake_all();
  state.runs.waiting.recheck(rechecked_at_once);
  look_up_runs(self);
}

void proceed(pipeline_pointer self) {
  auto& state = state_of(self);
  if (!state.draining.empty() && state.stages.idle() && state.requests_open == 0) {
    for (auto& answer : state.draining)
      answer.deliver({});
    self->quit();
    return;
  }
  look_for_stages(self);
  wake_at<pipeline_impl>(self, state.timer, state.now(), state.next_look);
}

void take_news(pipeline_pointer self, const committed& news) {
  auto& state = state_of(self);
  for (auto& one : news.events) {
    if (one.what == event::topic::stage_ready)
      state.stages.wake();
    if (one.what == event::topic::run_finished) {
      ++state.runs_finished;
      state.specs.forget(run_id{one.ref});
      state.runs.waiting.changed(run_id{one.ref});
    }
  }
  look_up_runs(self);
  proceed(self);
}

// -- requests ----------------------------------------------------------------------

caf::result<run_started> begin_run(pipeline_pointer self, const start_run& request) {
  auto& state = state_of(self);
  if (!state.draining.empty())
    return make_failure(errc::unavailable, "the pipeline service is stopping: no run was started");
  try {
    auto spec = std::make_shared<const pipeline_spec>(parse_pipeline(request.definition));
    auto params = resolve_params(*spec, request.params);
    return answer_with_write<run_started>(
      self,
      [spec, params, boot = state.options.boot, now_ms = state.unix_ms()](storage::transaction& tx) {
        return run_started{storage::create_run(tx, *spec, params, boot, now_ms)};
      },
      [self, spec](const run_started* done) {
        if (done)
          state_of(self).specs.put(done->run, spec);
      });
  } catch (const pipeline_error& failure) {
    return make_failure(errc::invalid_argument, failure.what());
  }
}

service_status report(const pipeline_state& state) {
  auto number = [](auto count) { return static_cast<std::int64_t>(count); };
  return {service_name,
          !state.draining.empty() ? "draining"
          : state.trouble         ? "degraded"
                                  : "running",
          0,
          {{"trouble", state.trouble ? number(*state.trouble) : 0},
           {"stages_started", state.stages_started},
           {"stages_in_work", number(state.stages.active())},
           {"tasks_created", state.tasks_created},
           {"runs_finished", state.runs_finished},
           {"awaited", number(state.runs.waiting.size())}},
          state.note};
}

pipeline_impl::behavior_type pipelines(pipeline_pointer self, pipeline_service_options options) {
  state_of(self).options = std::move(options);
  install_handlers(self, service_name);
  look(self);
  proceed(self);
  return {
    [self](status_request) { return report(state_of(self)); },
    [self](drain) -> caf::result<drained> {
      state_of(self).draining.push_back(promise_to_sender<drained>(self));
      proceed(self);
      return caf::delegated<drained>{};
    },
    [self](const start_run& request) { return begin_run(self, request); },
    [self](const cancel_run& request) {
      return answer_with_write<run_changed>(
        self,
        [request, now_ms = state_of(self).unix_ms()](storage::transaction& tx) {
          return run_changed{request.run,
                             storage::cancel_run(tx, request.run, request.reason, now_ms)};
        });
    },
    [self](const await_run& request) -> caf::result<run_record> {
      auto answer = state_of(self).runs.add(self, request.run);
      look_up_runs(self);
      return answer;
    },
    [self](const committed& news) { take_news(self, news); },
    [self](timer due) {
      auto& state = state_of(self);
      if (!state.timer.fired(due.generation))
        return;
      if (state.now() >= state.next_look)
        look(self);
      proceed(self);
    },
  };
}

} // namespace

messages::pipeline_service_actor spawn_pipeline_service(caf::actor_system& system,
                                                        pipeline_service_options options) {
  // Lists of tasks can be long: a thread of the scheduler is for short work.
  if (options.env.own_threads)
    return system.spawn<caf::detached>(pipelines, std::move(options));
  return system.spawn(pipelines, std::move(options));
}

} // namespace quire::actors

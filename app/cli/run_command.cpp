#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/held_run.hpp"
#include "quire/app/cli/interrupts.hpp"
#include "quire/app/cli/pipeline_file.hpp"
#include "quire/app/cli/run_observer.hpp"
#include "quire/app/cli/run_report.hpp"
#include "quire/app/cli/trouble_watch.hpp"
#include "quire/app/runtime.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

namespace quire::cli {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr auto look_interval = 100ms;
constexpr auto status_interval = 1s;
constexpr auto outage_max = 60s; // A service that ends is back within seconds.
constexpr std::int64_t failures_shown_max = 20;
constexpr std::size_t tasks_looked_at_max = 1;

std::int64_t unix_now_ms() {
  return system_clock_source{}.unix_ms();
}

std::unique_ptr<run_observer> make_observer(const run_arguments& arguments, console& to) {
  if (arguments.quiet)
    return make_quiet_observer();
  if (arguments.json)
    return make_json_observer(to);
  return to.live() ? make_live_observer(to) : make_plain_observer(to);
}

std::optional<run_record> unfinished_run(runtime& running, const pipeline_spec& pipeline) {
  return running.read([&](storage::snapshot& db) -> std::optional<run_record> {
    auto run = storage::newest_open_run(db, pipeline.name, pipeline.source);
    return run ? storage::find_run(db, *run) : std::nullopt;
  });
}

/// The program knows no kinds but its own; an application may register others.
void refuse_unknown_kinds(const std::string& file, const pipeline_spec& pipeline) {
  for (std::size_t i = 0; i < pipeline.stages.size(); ++i) {
    auto& kind = pipeline.stages[i].task.kind;
    if (kind != "command")
      throw usage_error("quire run: " + actors::printable(file, 200) + ": stages["
                        + std::to_string(i) + "].task.kind: unknown kind '"
                        + actors::printable(kind) + "'" + actors::suggestion(kind, {"command"}));
  }
}

/// The run of one process: from opening the database to the last line.
class pipeline_run {
public:
  pipeline_run(const run_arguments& arguments, console& to)
    : arguments_(arguments), to_(to), pipeline_(read_pipeline(arguments.file, arguments.settings)),
      database_(arguments.database), observer_(make_observer(arguments, to)) {
    refuse_unknown_kinds(arguments.file, pipeline_);
  }

  exit_status run() {
    remember_unfinished();
    check_settings();
    database_.create_default_folder();
    open();
    begin();
    auto ended = watch();
    return ended ? finish(*ended) : interrupt();
  }

private:
  void check_settings();
  void open();
  void begin();
  std::optional<run_record> watch();
  std::optional<run_record> wait_a_little();
  exit_status finish(const run_record& ended);
  exit_status interrupt();
  run_report report(const run_record& ended);
  void look_for_trouble();
  std::optional<std::string> find_hold();
  void remember_unfinished();
  void mention_unfinished();
  void collect_failures(run_report& report);
  void find_result(run_report& report);

  /// The run goes on when nobody listens any more, or what is said cannot be written.
  template <class F>
  void tell(F f) {
    if (deaf_)
      return;
    try {
      f();
    } catch (const output_closed&) {
      deaf_ = true;
    } catch (const std::system_error& error) {
      deaf_ = output_lost_ = true;
      to_.note(std::string{error.what()} + "; the run goes on");
    }
  }

  const run_arguments& arguments_;
  console& to_;
  pipeline_spec pipeline_;
  database_choice database_;
  std::unique_ptr<run_observer> observer_;
  interrupts signals_;
  clock::time_point started_ = clock::now();
  clock::time_point reached_ = started_;
  std::atomic<bool> failed_{false};
  std::unique_ptr<runtime> runtime_;
  run_id run_;
  std::vector<run_id> unfinished_; ///< Of this pipeline, newest first, before we began.
  std::optional<run_record> same_; ///< The newest of them with this definition.
  bool resumed_ = false;
  bool deaf_ = false;
  bool output_lost_ = false;
  trouble_watch trouble_;
  clock::time_point next_status_ = started_ + status_interval;
};

/// A run keeps the parameters it was started with: others must not be dropped
/// silently. Found out before anything runs.
void pipeline_run::check_settings() {
  if (!arguments_.resume || !same_)
    return;
  for (auto& [name, text] : arguments_.settings)
    if (same_->params[name] != text)
      throw usage_error("quire run: --set " + name + ": run " + std::to_string(same_->id.value)
                        + ", which --resume would go on with, was started with another value; "
                          "leave --set away, or start a new run without --resume");
}

void pipeline_run::open() {
  options chosen;
  chosen.database = database_.path();
  chosen.allow_network_file_system = database_.allow_network_fs();
  chosen.exclusive = arguments_.exclusive;
  // Twice the processors: while a result is committed, another program runs.
  chosen.workers = arguments_.workers.value_or(
    static_cast<int>(std::clamp(2 * std::thread::hardware_concurrency(), 4u, 1024u)));
  // Long enough for a short program to end by itself after Ctrl-C.
  chosen.drain_timeout = 2s;
  chosen.on_failed = [this](const std::string&) { failed_ = true; };
  runtime_ = std::make_unique<runtime>(std::move(chosen));
}

void pipeline_run::begin() {
  // What was found before may have ended by now: it is the run that was meant.
  if (!same_)
    same_ = unfinished_run(*runtime_, pipeline_);
  resumed_ = arguments_.resume && same_;
  if (resumed_)
    run_ = same_->id;
  else
    run_ = runtime_->start(pipeline_, arguments_.settings);
  if (!resumed_ && !arguments_.quiet)
    mention_unfinished();
  auto run = runtime_->find(run_);
  tell([&] {
    observer_->begin({run.value(), database_.description(), database_.path(), resumed_});
  });
}

/// Before the services start: what was left may be done in a moment.
void pipeline_run::remember_unfinished() {
  if (!database_.exists())
    return;
  run_filter open;
  open.pipeline = pipeline_.name;
  open.state = run_state::running;
  try {
    auto looking = database_.look();
    for (auto& run : looking->runs(open))
      unfinished_.push_back(run.id);
    same_ = unfinished_run(*looking, pipeline_);
  } catch (const failure&) {
    // There are no runs in it, or opening it to run says better what is wrong.
  }
}

void pipeline_run::mention_unfinished() {
  for (auto other : unfinished_) {
    if (other == run_)
      continue;
    to_.note("run " + std::to_string(other.value) + " of " + pipeline_.name
             + " is unfinished; it goes on beside the new one while this process lives. "
             + (arguments_.resume
                  ? "It was started from another definition, so --resume does not mean it"
                  : "To wait for it instead of starting another: --resume, with the file it "
                    "was started from"));
    return;
  }
}

std::optional<std::string> pipeline_run::find_hold() {
  auto any = [&](task_state state) {
    task_filter filter;
    filter.run = run_;
    filter.state = state;
    filter.limit = 1;
    return runtime_->tasks(filter);
  };
  try {
    if (!any(task_state::running).empty())
      return std::nullopt;
    std::vector<tenant_record> tenants;
    if (auto waiting = any(task_state::ready); !waiting.empty()) {
      tenants = runtime_->tenants();
      std::erase_if(tenants, [&](auto& x) { return x.name != waiting.front().tenant; });
    }
    return what_holds(pipeline_, runtime_->queues(), runtime_->breakers(), tenants);
  } catch (const failure&) {
    return std::nullopt; // The services say better what is wrong.
  }
}

void pipeline_run::look_for_trouble() {
  if (clock::now() < next_status_)
    return;
  auto held = find_hold();
  auto text = trouble_.look(runtime_->status(), clock::now(), held);
  next_status_ = clock::now() + status_interval;
  if (text)
    to_.note("run " + std::to_string(run_.value) + ": " + *text);
  if (auto& why = trouble_.hopeless())
    throw command_error("run " + std::to_string(run_.value)
                        + " cannot go on, and waiting would not help: " + *why
                        + ". What has ended is kept; repair the database, or use another one");
}

/// Returns the run if it has ended.
std::optional<run_record> pipeline_run::wait_a_little() {
  try {
    auto ended = runtime_->wait(run_, look_interval);
    reached_ = clock::now();
    return ended;
  } catch (const failure& missed) {
    if (missed.code() != errc::timeout && missed.code() != errc::unavailable)
      throw;
  }
  try {
    auto run = runtime_->find(run_);
    reached_ = clock::now();
    if (run)
      tell([&] { observer_->look(*run, unix_now_ms()); });
    look_for_trouble();
  } catch (const failure& missed) {
    // A service that ended is on its way back.
    if (!missed.retryable() || failed_ || clock::now() - reached_ > outage_max)
      throw;
    std::this_thread::sleep_for(look_interval);
  }
  return std::nullopt;
}

/// Returns nothing if a signal came first.
std::optional<run_record> pipeline_run::watch() {
  while (!signals_.arrived())
    if (auto ended = wait_a_little())
      return ended;
  return std::nullopt;
}

exit_status pipeline_run::finish(const run_record& ended) {
  auto last = report(ended);
  tell([&] {
    observer_->look(ended, ended.finished_at_ms.value_or(unix_now_ms()));
    observer_->end();
    if (arguments_.json)
      to_.out(json_line(report_json(last)));
    else if (!arguments_.quiet)
      to_.out(report_text(last, to_.table_width()));
  });
  if (arguments_.quiet && ended.state != run_state::completed)
    to_.note("run " + std::to_string(run_.value) + " of " + ended.pipeline + ": "
             + std::string{to_string(ended.state)} + "\n" + failures_text(last));
  runtime_->close();
  if (!database_.exists())
    throw command_error(
      "the database " + database_.description()
      + " was deleted while it was in use: the run ended, and its results are gone");
  return output_lost_ ? exit_error : exit_status_of(ended.state);
}

exit_status pipeline_run::interrupt() {
  tell([&] {
    if (!arguments_.json && !arguments_.quiet)
      observer_->end();
  });
  to_.note("interrupted: ending the programs that run (once more to leave at once)");
  runtime_->close();
  auto file = arguments_.file == "-" ? "-" : shell_quoted(arguments_.file);
  to_.note("run " + std::to_string(run_.value)
           + " is unfinished; what has ended is kept. To go on: quire run " + file + " --resume"
           + database_.option());
  return exit_interrupted;
}

run_report pipeline_run::report(const run_record& ended) {
  run_report result;
  result.run = ended;
  result.database = database_.description();
  result.database_path = database_.path();
  result.database_option = database_.option();
  result.resumed = resumed_;
  result.elapsed = std::chrono::duration_cast<milliseconds>(clock::now() - started_);
  result.recovered = runtime_->opened().recovered;
  result.poisoned = runtime_->opened().poisoned;
  for (auto& service : runtime_->status().services)
    if (service.service == "writer")
      result.writer = service;
  collect_failures(result);
  find_result(result);
  return result;
}

void pipeline_run::collect_failures(run_report& report) {
  report.failures_total = unsuccessful(report.run);
  for (auto state : {task_state::failed, task_state::partial_success}) {
    task_filter filter;
    filter.run = run_;
    filter.state = state;
    filter.limit = failures_shown_max - static_cast<std::int64_t>(report.failures.size());
    auto found = runtime_->tasks(filter);
    report.failures.insert(report.failures.end(), found.begin(), found.end());
  }
}

/// The output of a pipeline is what its last stage with a single task gave.
void pipeline_run::find_result(run_report& report) {
  auto& stages = report.run.stages;
  auto last = std::find_if(stages.rbegin(), stages.rend(),
                           [](const stage_record& stage) { return stage.total > 0; });
  if (last == stages.rend() || last->total != 1)
    return;
  task_filter filter;
  filter.run = run_;
  filter.stage = last->name;
  filter.limit = tasks_looked_at_max;
  for (auto& task : runtime_->tasks(filter)) {
    report.result = task.id;
    report.result_stage = last->name;
  }
}

} // namespace

exit_status run_pipeline(const run_arguments& arguments, console& to) {
  return pipeline_run(arguments, to).run();
}

} // namespace quire::cli

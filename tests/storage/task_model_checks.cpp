// The part of the walk that compares the tables with the model.

#include "quire/storage/sqlite/invariants.hpp"
#include "quire/storage/sqlite/queue_store.hpp"
#include "quire/storage/sqlite/tenant_store.hpp"
#include "quire/tests/storage/task_model_walk.hpp"

#include <tuple>

namespace quire::tests {

namespace {

/// @throws model_error if the two are not equal, with the first difference.
template <class Row>
void require_equal(const char* table, const std::vector<Row>& found,
                   const std::vector<Row>& expected) {
  auto text = [](const Row& row) {
    std::string result;
    std::apply(
      [&](auto&... x) {
        auto add = [&](auto& one) {
          if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(one)>>)
            result += std::to_string(one) + " ";
          else
            result += one + " ";
        };
        (add(x), ...);
      },
      row);
    return result;
  };
  for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
    auto is = i < found.size() ? text(found[i]) : "nothing";
    auto must_be = i < expected.size() ? text(expected[i]) : "nothing";
    if (is != must_be)
      throw model_error(std::string{table}.append(" has a row (").append(is) + ") instead of ("
                        + must_be + ")");
  }
}

std::int64_t number_of(auto state) {
  return static_cast<std::int64_t>(state);
}

} // namespace

std::int64_t task_walk::open_work() {
  return number("SELECT (SELECT count(*) FROM quire_task WHERE state < 10) + "
                "(SELECT count(*) FROM quire_stage WHERE state < 10) + "
                "(SELECT count(*) FROM quire_run WHERE state < 10)");
}

void task_walk::drain() {
  for (int turn = 0; turn < 2000 && open_work() > 0; ++turn) {
    now += 100;
    storage::transaction_guard guard{db};
    transaction tx{db};
    if (turn == 0)
      resume_all(tx);
    promote(tx, 500);
    for (int i = 0; i < 5; ++i)
      continue_fan_out(tx, 0);
    claim_some(tx, 50);
    for (int i = 0; i < 50; ++i)
      finish_held(tx, true);
    guard.commit();
  }
  check();
  if (open_work() > 0)
    throw model_error(std::to_string(open_work()) + " tasks, stages and runs never end");
}

void task_walk::check() {
  check_invariants();
  check_tasks();
  check_pipelines();
  check_gates();
  check_claims();
  check_words();
  check_queues();
  check_tenants();
  check_keys();
  check_kinds();
}

void task_walk::check_invariants() {
  auto snapshot = view();
  for (auto& rule : storage::invariants()) {
    auto found = storage::find_violations(snapshot, rule);
    if (found.count > 0)
      throw model_error("invariant " + std::string{rule.name} + ": " + found.examples.front());
  }
}

void task_walk::check_tasks() {
  using row = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t, std::string, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  auto found = view().query_as<row>(R"(
    SELECT id, state, attempt, epoch, crashes, cancel_req, ifnull(gate, ''), ifnull(stage_id, 0),
           iif(state IN (4, 5), run_at, 0), ifnull(parent_id, 0), ifnull(subtasks_open, -1),
           ifnull(expires_at, 0), ifnull(end_by, 0), snoozes
    FROM quire_task ORDER BY id)");
  std::vector<row> expected;
  for (auto& [id, x] : model_.tasks) {
    bool waits = x.state == task_state::scheduled || x.state == task_state::retryable;
    expected.emplace_back(id, number_of(x.state), x.attempt, x.epoch, x.crashes, x.cancel_requested,
                          x.gate, x.stage, waits ? x.run_at_ms : 0, x.parent,
                          x.has_subtasks ? model_.open_subtasks(id) : -1,
                          x.expires_at_ms.value_or(0), x.end_by_ms.value_or(0), x.snoozes);
    seen.emplace("task", static_cast<int>(x.state));
  }
  require_equal("quire_task", found, expected);
  using count_row = std::tuple<std::int64_t, std::int64_t>;
  std::map<std::int64_t, std::int64_t> states;
  for (auto& [id, x] : model_.tasks)
    ++states[number_of(x.state)];
  std::vector<count_row> counts;
  auto snapshot = view();
  for (auto& [state, tasks] : storage::count_tasks_by_state(snapshot))
    counts.emplace_back(number_of(state), tasks);
  require_equal("count_tasks_by_state", counts, {states.begin(), states.end()});
}

void task_walk::check_pipelines() {
  using stage_row = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                               std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  auto stages = view().query_as<stage_row>(R"(
    SELECT id, state, sealed, generation, total, completed, partial, failed, cancelled
    FROM quire_stage ORDER BY id)");
  std::vector<stage_row> expected;
  for (auto& [id, x] : model_.stages) {
    expected.emplace_back(
      id, number_of(x.state), x.sealed, x.generation, x.tasks.size(),
      model_.count(x, task_state::completed), model_.count(x, task_state::partial_success),
      model_.count(x, task_state::failed), model_.count(x, task_state::cancelled));
    seen.emplace("stage", static_cast<int>(x.state));
  }
  require_equal("quire_stage", stages, expected);
  using run_row = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
  auto runs = view().query_as<run_row>("SELECT id, state, cancel_req FROM quire_run ORDER BY id");
  std::vector<run_row> expected_runs;
  for (auto& [id, x] : model_.runs) {
    expected_runs.emplace_back(id, number_of(x.state), x.cancel_requested);
    seen.emplace("run", static_cast<int>(x.state));
  }
  require_equal("quire_run", runs, expected_runs);
}

void task_walk::check_gates() {
  using row = std::tuple<std::string, std::int64_t, std::int64_t>;
  auto found = view().query_as<row>("SELECT gate, capacity, used FROM quire_gate ORDER BY gate");
  std::vector<row> expected;
  for (auto& [gate, capacity] : model_.gates)
    expected.emplace_back(gate, capacity, model_.used(gate));
  require_equal("quire_gate", found, expected);
}

// What a claim that was over said is in no result and no history either.
void task_walk::check_claims() {
  using attempt_row = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::string>;
  using result_row = std::tuple<std::int64_t, std::int64_t>;
  std::vector<attempt_row> attempts;
  std::vector<result_row> results;
  for (auto& [id, x] : model_.tasks) {
    for (auto& [epoch, attempt, outcome] : x.history)
      attempts.emplace_back(id, epoch, attempt, outcome);
    if (x.result != 0)
      results.emplace_back(id, x.result);
  }
  require_equal("quire_task_attempt", view().query_as<attempt_row>(R"(
    SELECT task_id, epoch, attempt, outcome FROM quire_task_attempt ORDER BY task_id, epoch)"),
                attempts);
  require_equal("quire_task_result", view().query_as<result_row>(R"(
    SELECT id, epoch FROM quire_task_result ORDER BY id)"),
                results);
}

void task_walk::check_words() {
  using progress_row = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
  using line_row = std::tuple<std::int64_t, std::int64_t, std::string>;
  std::vector<progress_row> progress;
  std::vector<line_row> lines;
  for (auto& [id, x] : model_.tasks) {
    if (x.progress.first != 0)
      progress.emplace_back(id, x.progress.first, x.progress.second);
    for (auto& [epoch, line] : x.log)
      lines.emplace_back(id, epoch, line);
  }
  require_equal("quire_task_progress", view().query_as<progress_row>(R"(
    SELECT id, epoch, percent FROM quire_task_progress ORDER BY id)"),
                progress);
  require_equal("quire_task_log", view().query_as<line_row>(R"(
    SELECT task_id, epoch, line FROM quire_task_log ORDER BY task_id, seq)"),
                lines);
}

void task_walk::check_queues() {
  using row = std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t, std::int64_t>;
  auto count = [&](const std::string& queue, task_state state) {
    return model_.count_in(queue, state);
  };
  auto of_model = [&](const std::string& name) {
    auto& queue = model_.queues[name];
    return row{name,
               queue.paused,
               queue.limit.value_or(0),
               count(name, task_state::ready),
               count(name, task_state::running),
               count(name, task_state::blocked),
               count(name, task_state::scheduled) + count(name, task_state::retryable)};
  };
  std::vector<row> found;
  std::vector<row> expected;
  auto snapshot = view();
  for (auto& x : storage::list_queues(snapshot)) {
    found.emplace_back(x.name, x.paused_at_ms.has_value(), x.limit.value_or(0), x.ready, x.running,
                       x.blocked, x.scheduled);
    expected.push_back(of_model(x.name));
  }
  require_equal("list_queues", found, expected);
  // A queue that is not listed has neither tasks nor a decision.
  std::set<std::string> listed;
  for (auto& x : found)
    listed.insert(std::get<0>(x));
  for (auto& [name, queue] : model_.queues)
    require((!queue.paused && !queue.limit) || listed.contains(name),
            "is not listed: queue " + name);
}

void task_walk::check_tenants() {
  using row = std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t>;
  std::vector<row> found;
  std::vector<row> expected;
  auto snapshot = view();
  for (auto& x : storage::list_tenants(snapshot)) {
    found.emplace_back(x.name, x.policy.weight, x.policy.limit.value_or(0), x.policy.paused,
                       x.ready, x.running);
    auto& tenant = model_.tenants[x.name];
    expected.emplace_back(x.name, tenant.weight, tenant.limit.value_or(0), tenant.paused,
                          model_.count_of(x.name, task_state::ready),
                          model_.count_of(x.name, task_state::running));
  }
  require_equal("list_tenants", found, expected);
}

void task_walk::check_keys() {
  using row = std::tuple<std::string, std::string, std::int64_t, std::int64_t>;
  auto found =
    view().query_as<row>("SELECT kind, key, task_id, until FROM quire_task_key ORDER BY kind, key");
  std::vector<row> expected;
  for (auto& [name, x] : model_.keys)
    expected.emplace_back(name.first, name.second, x.task, x.until_ms);
  require_equal("quire_task_key", found, expected);
  // Of open tasks with one key all but one run, or ran, when another took it.
  std::set<std::pair<std::string, std::string>> taken;
  for (auto& [id, x] : model_.tasks)
    if (!x.key.empty() && !is_terminal(x.state) && !x.overtaken)
      require(
        taken.emplace(x.kind, x.key).second
          && number("SELECT count(*) FROM quire_task_key WHERE task_id = " + std::to_string(id))
               == 1,
        name_of("shares its key, or has lost it: task", id));
}

// Who waits for something is told of it once, and nothing is told that did not happen.
void task_walk::check_events(const std::vector<event>& announced) {
  std::multiset<std::int64_t> tasks;
  std::multiset<std::int64_t> runs;
  std::set<std::int64_t> stages;
  bool ready = false;
  for (auto& x : announced) {
    if (x.what == event::topic::task_finished)
      tasks.insert(x.ref);
    if (x.what == event::topic::run_finished)
      runs.insert(x.ref);
    if (x.what == event::topic::stage_ready)
      stages.insert(x.ref);
    ready = ready || (x.what == event::topic::task_ready && x.ref == 0);
  }
  if (tasks != model_.events.tasks || runs != model_.events.runs)
    throw model_error("the end of a task or a run was not announced once");
  if (model_.events.ready && !ready)
    throw model_error("a task is ready and nobody was told");
  for (auto stage : model_.events.fanning)
    if (!stages.contains(stage))
      throw model_error("stage " + std::to_string(stage) + " is fanning and nobody was told");
}

} // namespace quire::tests

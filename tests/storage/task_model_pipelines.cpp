#include "quire/tests/storage/task_model.hpp"

#include <algorithm>

namespace quire::tests {

std::int64_t task_model::count(const model_stage& stage, task_state state) const {
  return std::ranges::count_if(stage.tasks, [&](auto id) { return tasks.at(id).state == state; });
}

bool task_model::all_ended(const model_stage& stage) const {
  return std::ranges::all_of(stage.tasks, [&](auto id) { return is_terminal(tasks.at(id).state); });
}

void task_model::start_fanning(std::int64_t stage) {
  stages.at(stage).state = stage_state::fanning;
  events.fanning.insert(stage);
}

void task_model::start(std::int64_t run, const std::vector<std::int64_t>& ids,
                       const pipeline_spec& spec, std::int64_t now_ms) {
  runs[run].stages = ids;
  std::map<std::string, std::int64_t> by_name;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto& from = spec.stages.at(i);
    by_name[from.name] = ids[i];
    auto& stage = stages[ids[i]];
    stage.run = run;
    stage.success = from.success;
    stage.optional = from.optional;
    for (auto& dependency : from.after)
      stage.after.emplace_back(by_name.at(dependency.stage), dependency.when);
  }
  settle(run, now_ms);
}

stage_state task_model::end_of(const model_stage& stage) const {
  auto total = static_cast<std::int64_t>(stage.tasks.size());
  auto completed = count(stage, task_state::completed);
  auto useful = completed + count(stage, task_state::partial_success);
  if (stage.broken)
    return stage_state::failed;
  if (stage.doomed)
    return stage_state::cancelled;
  if (useful >= stage.success.count_min && useful * 100 >= stage.success.percent_min * total) {
    if (completed == total)
      return stage_state::completed;
    if (useful > 0)
      return stage_state::partial_success;
  }
  bool cancelled = total > 0 && count(stage, task_state::cancelled) == total;
  return cancelled ? stage_state::cancelled : stage_state::failed;
}

run_state task_model::end_of(const model_run& run) const {
  std::map<stage_state, int> ends;
  int forgiven = 0;
  for (auto id : run.stages) {
    auto& stage = stages.at(id);
    bool forgive = stage.optional && stage.state == stage_state::failed;
    forgiven += forgive;
    ends[stage.state] += !forgive;
  }
  int useful = ends[stage_state::completed] + ends[stage_state::partial_success] + forgiven;
  int cancelled = ends[stage_state::cancelled];
  if (run.cancel_requested && cancelled > 0)
    return run_state::cancelled;
  if (ends[stage_state::failed] > 0)
    return run_state::failed;
  if (useful == 0)
    return cancelled > 0 ? run_state::cancelled : run_state::completed;
  return useful > ends[stage_state::completed] || cancelled > 0 ? run_state::partial_success
                                                                : run_state::completed;
}

bool task_model::settle_one(std::int64_t id) {
  auto& stage = stages.at(id);
  if (stage.state == stage_state::running && stage.sealed && all_ended(stage)) {
    stage.state = end_of(stage);
    return true;
  }
  auto open = [&](auto& x) { return !is_terminal(stages.at(x.first).state); };
  if (stage.state != stage_state::waiting || std::ranges::any_of(stage.after, open))
    return false;
  auto met = [&](auto& x) { return satisfied(x.second, stages.at(x.first).state); };
  stage.sealed = true;
  if (!std::ranges::all_of(stage.after, met)) {
    stage.state = stage_state::skipped;
  } else if (runs.at(stage.run).cancel_requested) {
    stage.state = stage_state::cancelled;
  } else {
    stage.sealed = false;
    start_fanning(id);
  }
  return true;
}

void task_model::settle(std::int64_t id, std::int64_t now_ms) {
  auto& run = runs.at(id);
  if (is_terminal(run.state))
    return;
  while (std::ranges::any_of(run.stages, [&](auto stage) { return settle_one(stage); })) {
  }
  if (std::ranges::any_of(run.stages, [&](auto x) { return !is_terminal(stages.at(x).state); }))
    return;
  run.state = end_of(run);
  run.finished_at_ms = now_ms;
  events.runs.insert(id);
}

bool task_model::accepts(std::int64_t stage, std::int64_t generation) const {
  auto found = stages.find(stage);
  return found != stages.end() && found->second.state == stage_state::fanning
         && found->second.generation == generation;
}

void task_model::seal(std::int64_t id, std::int64_t now_ms) {
  auto& stage = stages.at(id);
  stage.state = stage_state::running;
  stage.sealed = true;
  settle(stage.run, now_ms);
}

void task_model::cancel_tasks(const model_stage& stage, std::int64_t now_ms) {
  // Those that wait for a place first: they must not get one.
  auto all = stage.tasks;
  for (bool blocked : {true, false})
    for (auto id : all)
      if (auto state = tasks.at(id).state;
          !is_terminal(state) && (state == task_state::blocked) == blocked)
        cancel(id, now_ms);
}

void task_model::fail_stage(std::int64_t id, std::int64_t now_ms) {
  auto& stage = stages.at(id);
  stage.broken = true;
  stage.state = stage_state::running;
  stage.sealed = true;
  cancel_tasks(stage, now_ms);
  settle(stage.run, now_ms);
}

void task_model::cancel_run(std::int64_t id, std::int64_t now_ms) {
  auto& run = runs.at(id);
  run.cancel_requested = true;
  for (auto each : run.stages) {
    auto& stage = stages.at(each);
    if (stage.state == stage_state::waiting)
      stage.state = stage_state::cancelled;
    if (stage.state == stage_state::fanning) {
      stage.state = stage_state::running;
      stage.doomed = true;
    }
    stage.sealed = true;
  }
  for (auto stage : run.stages)
    cancel_tasks(stages.at(stage), now_ms);
  settle(id, now_ms);
}

std::set<std::int64_t> task_model::stages_after(std::int64_t first) const {
  std::set<std::int64_t> found{first};
  // Stages stand behind those they wait for.
  for (auto id : runs.at(stages.at(first).run).stages)
    for (auto& [source, condition] : stages.at(id).after)
      if (found.contains(source))
        found.insert(id);
  found.erase(first);
  return found;
}

bool task_model::reopen(std::int64_t id) {
  auto& stage = stages.at(id);
  auto& run = runs.at(stage.run);
  if (!is_terminal(run.state) && run.cancel_requested)
    return false;
  bool ended = is_terminal(stage.state);
  bool incomplete = stage.doomed || stage.broken || !stage.sealed;
  stage.generation += stage.state != stage_state::fanning;
  stage.doomed = stage.broken = false;
  stage.sealed = !incomplete;
  stage.state = stage_state::running;
  if (incomplete)
    start_fanning(id);
  run.state = run_state::running;
  run.cancel_requested = false;
  if (!ended)
    return true;
  places gone;
  for (auto next : stages_after(id)) {
    auto& emptied = stages.at(next);
    gone.insert(gone.end(), emptied.tasks.begin(), emptied.tasks.end());
    emptied.state = stage_state::waiting;
    emptied.sealed = emptied.doomed = emptied.broken = false;
    ++emptied.generation;
  }
  erase(gone, false);
  return true;
}

void task_model::prune_runs(std::int64_t ended_before_ms) {
  for (auto run = runs.begin(); run != runs.end();) {
    if (!is_terminal(run->second.state) || run->second.finished_at_ms >= ended_before_ms) {
      ++run;
      continue;
    }
    places gone;
    for (auto stage : run->second.stages)
      gone.insert(gone.end(), stages.at(stage).tasks.begin(), stages.at(stage).tasks.end());
    erase(gone, true);
    for (auto stage : run->second.stages)
      stages.erase(stage);
    run = runs.erase(run);
  }
}

} // namespace quire::tests

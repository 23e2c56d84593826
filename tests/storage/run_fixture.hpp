#pragma once

#include "quire/tests/storage/store_fixture.hpp"

#include <initializer_list>
#include <set>
#include <span>

namespace quire::tests {

/// With helpers for runs of pipelines.
struct run_fixture : store_fixture {
  static stage_spec stage_after(std::string name, std::vector<stage_dependency> after = {}) {
    stage_spec spec;
    spec.name = std::move(name);
    spec.after = std::move(after);
    return spec;
  }

  static pipeline_spec pipeline(std::vector<stage_spec> stages) {
    pipeline_spec spec;
    spec.name = "p";
    spec.source = R"({"name":"p"})";
    spec.stages = std::move(stages);
    return spec;
  }

  run_id start(const pipeline_spec& spec, const std::map<std::string, std::string>& params = {}) {
    return write([&](auto& tx) { return storage::create_run(tx, spec, params, boot, now); });
  }

  /// Gives a stage all of its tasks.
  void fan_out(run_id id, const std::string& name, std::size_t count) {
    fan_out(id, name, 0, count, true);
  }

  bool fan_out(run_id id, const std::string& name, std::int64_t first, std::size_t count,
               bool last, const task_spec& spec = work()) {
    return fan_out(incarnation(id, name), first, count, last, spec);
  }

  bool fan_out(const storage::stage_incarnation& target, std::int64_t first, std::size_t count,
               bool last, const task_spec& spec = work()) {
    std::vector<task_spec> specs(count, spec);
    return write([&](auto& tx) { return storage::fan_out(tx, target, first, specs, last, now); });
  }

  bool fail_stage(const storage::stage_incarnation& target, const std::string& reason) {
    return write([&](auto& tx) { return storage::fail_stage(tx, target, reason, now); });
  }

  /// The stage as it is now.
  storage::stage_incarnation incarnation(run_id id, const std::string& name) {
    auto target = stage(id, name).id;
    return {target, number("SELECT generation FROM quire_stage WHERE id = "
                           + std::to_string(target.value))};
  }

  std::vector<storage::fanning_stage> fanning(std::size_t count_max = 100,
                                              const std::set<stage_id>& except = {}) {
    auto snapshot = view();
    return storage::fanning_stages(snapshot, count_max, except);
  }

  /// Claims and ends as many tasks as there are outcomes, oldest first.
  void end_tasks(std::initializer_list<task_outcome> outcomes) {
    for (auto& outcome : outcomes)
      finish(claim_one(), outcome);
  }

  /// The same for a stage of one task.
  void end_stage(run_id id, const std::string& name, const task_outcome& outcome) {
    fan_out(id, name, 1);
    end_tasks({outcome});
  }

  run_state cancel_run(run_id id) {
    return write([&](auto& tx) { return storage::cancel_run(tx, id, "not needed", now); });
  }

  task_id task_of(run_id id, const std::string& name, std::int64_t item = 0) {
    task_filter filter;
    filter.run = id;
    filter.stage = name;
    auto snapshot = view();
    for (auto& task : storage::list_tasks(snapshot, filter))
      if (task.item == item)
        return task.id;
    throw std::runtime_error("no task " + name);
  }

  stage_state state_of(run_id id, const std::string& name) {
    return stage(id, name).state;
  }

  inline static const task_outcome good = task_outcome::success("1");
  inline static const task_outcome half = task_outcome::partial("2", "half of it");
  inline static const task_outcome bad = task_outcome::failure("broken", error_class::permanent);
};

} // namespace quire::tests

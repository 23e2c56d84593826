#pragma once

#include "quire/storage/sqlite/connection.hpp"
#include "quire/storage/sqlite/invariants.hpp"
#include "quire/storage/sqlite/migrations.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/task_store.hpp"
#include "quire/storage/sqlite/transaction.hpp"
#include "quire/tests/storage/storage_support.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace quire::tests {

/// A database with Quire's tables, a clock that stands still, and one
/// transaction for each call.
struct store_fixture {
  temp_dir dir;
  storage::connection db = storage::connection::open_writer(impatient(dir / "quire.db"));
  std::int64_t now = 1'000'000;
  std::int64_t boot = 0;
  std::vector<event> events; ///< Of the last `write`.

  store_fixture() {
    storage::migrate(db, "quire", storage::quire_migrations(), now);
    reboot();
  }

  template <class Work>
  auto write(Work&& work) {
    storage::transaction_guard guard{db};
    storage::transaction tx{db};
    if constexpr (std::is_void_v<std::invoke_result_t<Work&, storage::transaction&>>) {
      work(tx);
      guard.commit();
      events = tx.events();
    } else {
      auto result = work(tx);
      guard.commit();
      events = tx.events();
      return result;
    }
  }

  storage::snapshot view() {
    return storage::snapshot{db};
  }

  static task_spec work(std::string kind = "work") {
    task_spec spec;
    spec.kind = std::move(kind);
    spec.payload = "{}";
    return spec;
  }

  static task_spec gated(std::string gate, int capacity = 1) {
    auto spec = work();
    spec.gate = std::move(gate);
    spec.gate_capacity = capacity;
    return spec;
  }

  task_id enqueue(const task_spec& spec) {
    return write([&](auto& tx) { return storage::enqueue_task(tx, spec, now); });
  }

  std::vector<task_assignment> claim(std::size_t count, std::vector<std::string> kinds = {"work"}) {
    return write([&](auto& tx) { return storage::claim_tasks(tx, kinds, count, boot, now); });
  }

  task_assignment claim_one() {
    return claim(1).at(0);
  }

  storage::finished_attempt finish(const task_assignment& task, const task_outcome& outcome,
                                   std::int64_t retry_at_ms = 0) {
    return write([&](auto& tx) {
      return storage::finish_attempt(tx, task.id, task.epoch, outcome, retry_at_ms, now);
    });
  }

  task_state cancel(task_id task, const std::string& reason = "not needed") {
    return write([&](auto& tx) { return storage::cancel_task(tx, task, reason, now); });
  }

  task_state retry(task_id task) {
    return write([&](auto& tx) { return storage::retry_task(tx, task, now); });
  }

  storage::boot_report reboot() {
    auto report = write([&](auto& tx) { return storage::begin_boot(tx, now); });
    boot = report.boot;
    return report;
  }

  task_record record(task_id task) {
    auto snapshot = view();
    return storage::find_task_record(snapshot, task).value();
  }

  task_details details(task_id task) {
    auto snapshot = view();
    return storage::find_task(snapshot, task).value();
  }

  task_state state(task_id task) {
    return record(task).state;
  }

  run_record run(run_id id) {
    auto snapshot = view();
    return storage::find_run(snapshot, id).value();
  }

  stage_record stage(run_id id, const std::string& name) {
    for (auto& x : run(id).stages)
      if (x.name == name)
        return x;
    throw std::runtime_error("no stage " + name);
  }

  /// The names of the invariants that do not hold.
  std::set<std::string> wrong() {
    std::set<std::string> names;
    auto snapshot = view();
    for (auto& rule : storage::invariants())
      if (storage::find_violations(snapshot, rule).count > 0)
        names.emplace(rule.name);
    return names;
  }

  std::int64_t number(const std::string& sql) {
    return first_of(db, sql).integer();
  }

  /// What was announced under `topic` by the last `write`.
  std::vector<std::int64_t> announced(event::topic topic) const {
    std::vector<std::int64_t> refs;
    for (auto& x : events)
      if (x.what == topic)
        refs.push_back(x.ref);
    return refs;
  }

  bool was_announced(event::topic topic, std::int64_t ref) const {
    auto refs = announced(topic);
    return std::ranges::find(refs, ref) != refs.end();
  }
};

} // namespace quire::tests

#pragma once

#include "quire/messages/types/kind.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/task.hpp"
#include "quire/storage/circuit_breaker.hpp"
#include "quire/storage/sqlite/task_store.hpp"
#include "quire/storage/token_bucket.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace quire::tests {

/// A task as it must be.
struct model_task {
  task_state state = task_state::ready;
  int attempt = 0;
  int attempts_max = 0;
  int crashes = 0;
  int crashes_max = 0;
  std::int64_t epoch = 0;
  bool cancel_requested = false;
  std::string kind;
  std::string queue;
  std::string tenant;
  std::string key;        ///< Empty for none. Of tasks of its kind.
  bool overtaken = false; ///< It runs, or ran, while another one took its key.
  std::string gate;
  int gate_capacity = 1;
  std::int64_t created_at_ms = 0;
  std::int64_t ord = 0;
  std::int64_t run_at_ms = 0;
  std::int64_t retry_delay_ms = 0; ///< After it was lost.
  std::int64_t claimed_at_ms = 0;
  std::int64_t finished_at_ms = 0;
  std::int64_t start_within_ms = 0; ///< 0 for any time.
  std::int64_t end_within_ms = 0;
  std::optional<std::int64_t> expires_at_ms; ///< If it waits then.
  std::optional<std::int64_t> end_by_ms;
  int snoozes = 0;
  std::int64_t stage = 0;  ///< 0 for none.
  std::int64_t parent = 0; ///< 0 for none.
  bool has_subtasks = false;
  std::int64_t result = 0; ///< Which claim gave the result; 0 for none.
  /// Claims that ended, but for those that succeeded: epoch, attempt and outcome.
  std::vector<std::tuple<std::int64_t, int, std::string>> history;
  std::pair<std::int64_t, int> progress; ///< Which claim said so, and how far it was.
  std::vector<std::pair<std::int64_t, std::string>> log; ///< Which claim said what.
};

/// Who has a unique key.
struct model_key {
  std::int64_t task = 0; ///< It may have been deleted.
  std::int64_t until_ms = 0;
};

/// What was decided about a queue.
struct model_queue {
  bool paused = false;
  std::optional<int> limit;
};

/// What was decided about a tenant.
struct model_tenant {
  std::int64_t weight = 1;
  std::optional<int> limit;
  bool paused = false;
};

/// What was decided about a kind.
struct model_kind {
  std::optional<int> limit;
  std::optional<rate_limit> rate;
  std::optional<storage::token_bucket> bucket; ///< Present with a rate.
  bool guarded = false;                        ///< By the only breaker.
};

/// A stage as it must be.
struct model_stage {
  std::int64_t run = 0;
  stage_state state = stage_state::waiting;
  bool sealed = false;
  bool doomed = false; ///< Cancelled before it had all its tasks.
  bool broken = false; ///< Its tasks could not be created.
  std::int64_t generation = 0;
  success_policy success;
  bool optional = false;
  std::vector<std::pair<std::int64_t, edge_condition>> after;
  std::set<std::int64_t> tasks;
};

/// A run as it must be.
struct model_run {
  run_state state = run_state::running;
  bool cancel_requested = false;
  std::int64_t finished_at_ms = 0;
  std::vector<std::int64_t> stages;
};

/// What the tables must hold, by the rules of tasks, gates and pipelines told a second time:
/// in memory, without counters (they are counted when they are needed) and without order
/// (stages are looked at until none changes). It can be copied, for a transaction that is
/// rolled back. Times are Unix milliseconds.
class task_model {
public:
  // What follows from the operations since `forget_events`.
  struct happened {
    bool ready = false;                ///< A task may be claimed.
    std::multiset<std::int64_t> tasks; ///< Those that ended.
    std::multiset<std::int64_t> runs;
    std::set<std::int64_t> fanning; ///< Stages whose tasks are to be created.
  };

  void forget_events() { events = {}; }

  // Tasks.
  void enqueue(std::int64_t task, const task_spec& spec, std::int64_t now_ms,
               std::int64_t stage = 0);
  /// Returns the task that makes one of `spec` superfluous, if any. What `spec` wants to be
  /// done to it is done, unless it wants to be rejected.
  std::optional<std::int64_t> settle_duplicate(const task_spec& spec, std::int64_t now_ms);
  /// Returns which are claimed, in order: `task_model_claims.cpp`.
  std::vector<std::int64_t> claim(std::size_t count, std::int64_t now_ms);
  storage::finished_attempt finish(std::int64_t task, std::int64_t epoch,
                                   const task_outcome& outcome, std::int64_t retry_at_ms,
                                   std::int64_t now_ms);
  storage::finished_attempt crash(std::int64_t task, std::int64_t epoch, std::int64_t now_ms);
  void reboot(std::int64_t now_ms);
  void promote(std::int64_t now_ms, std::size_t limit);
  /// What its claim says of itself. Returns whether it is heard.
  bool say(std::int64_t task, std::int64_t epoch, std::optional<int> percent,
           const std::string& line);
  void cancel(std::int64_t task, std::int64_t now_ms);
  /// Returns whether it may start again; if so, it has.
  bool retry(std::int64_t task, std::int64_t now_ms);
  /// Returns which are failed.
  std::vector<std::int64_t> give_up_stuck(std::int64_t claimed_before_ms, std::int64_t now_ms,
                                          std::size_t limit);
  void prune_tasks(std::int64_t ended_before_ms, std::size_t limit);
  void set_capacity(const std::string& gate, int capacity);

  // Queues and keys: `task_model_keys.cpp`.
  void pause(const std::string& queue);
  void resume(const std::string& queue);
  void limit(const std::string& queue, std::optional<int> limit);
  std::int64_t count_in(const std::string& queue, task_state state) const;
  const model_key* holder_of(const std::string& kind, const std::string& key,
                             std::int64_t now_ms) const;

  // Kinds and their breaker: `task_model_kinds.cpp`.
  void set_kind(const std::string& kind, const kind_policy& policy);
  /// The attempt of a task ended as it is now, and that was accepted.
  void saw(std::int64_t task, const task_outcome& outcome, std::int64_t now_ms);
  std::int64_t count_kind(const std::string& kind, task_state state) const;
  /// Returns how many tasks of a kind may start, without their breaker.
  std::int64_t room_of_kind(const std::string& kind, std::int64_t now_ms) const;
  std::int64_t room_of_breaker(std::int64_t now_ms) const;
  bool is_guarded(const std::string& kind) const;

  // Tenants and subtasks: `task_model_claims.cpp`, `task_model_families.cpp`.
  std::int64_t count_of(const std::string& tenant, task_state state) const;
  std::int64_t open_subtasks(std::int64_t parent) const;

  /// Fails tasks whose time is up, and returns how many: `task_model_times.cpp`.
  std::int64_t expire(std::int64_t now_ms, std::size_t limit);

  // Pipelines: `task_model_pipelines.cpp`.
  void start(std::int64_t run, const std::vector<std::int64_t>& stages, const pipeline_spec& spec,
             std::int64_t now_ms);
  /// Returns whether a portion is taken; if so, `added` is to follow.
  bool accepts(std::int64_t stage, std::int64_t generation) const;
  void seal(std::int64_t stage, std::int64_t now_ms);
  void fail_stage(std::int64_t stage, std::int64_t now_ms);
  void cancel_run(std::int64_t run, std::int64_t now_ms);
  void prune_runs(std::int64_t ended_before_ms);

  std::int64_t used(const std::string& gate) const;
  std::int64_t count(const model_stage& stage, task_state state) const;

  std::map<std::int64_t, model_task> tasks;
  std::map<std::int64_t, model_stage> stages;
  std::map<std::int64_t, model_run> runs;
  std::map<std::string, int> gates; ///< Their capacities.
  std::map<std::string, model_queue> queues;
  std::map<std::string, model_kind> kinds;
  std::optional<storage::circuit_breaker> breaker; ///< Once there is one.
  std::map<std::string, model_tenant> tenants;
  std::map<std::string, double> passes; ///< Where the turns of tenants stand,
  double turn = 0;                      ///< and those of all.
  std::map<std::pair<std::string, std::string>, model_key> keys; ///< By kind and key.
  happened events;

private:
  using places = std::vector<std::int64_t>;

  bool is_running(std::int64_t task, std::int64_t epoch) const;
  void describe(model_task& task, const task_spec& spec);
  void begin_waiting(model_task& task, const task_spec& spec, std::int64_t now_ms);
  void replace(model_task& task, const task_spec& spec, std::int64_t now_ms);
  bool take_key_again(std::int64_t task, std::int64_t now_ms);
  void leave_key(std::int64_t task, std::int64_t now_ms);
  void forget_keys(std::int64_t before_ms);
  std::vector<std::int64_t> subtasks_of(std::int64_t parent) const;
  void end_subtask(std::int64_t parent, std::int64_t now_ms);
  bool cancel_under_way(std::int64_t parent) const;
  bool needed_since(std::int64_t parent, std::int64_t since_ms) const;
  void hold_parent(std::int64_t parent);
  void wait_or(std::int64_t id, task_state state);
  static void begin_time(model_task& task, std::int64_t from_ms);
  static void end_time(model_task& task);
  bool retry_subtasks(std::int64_t parent, std::int64_t now_ms);
  std::optional<std::int64_t> next_claim(const std::vector<std::int64_t>& left, bool by_turns) const;
  void become_ready(model_task& task);
  void make_gate(const model_task& task);
  void place(model_task& task);
  void pump(const std::string& gate);
  void end(std::int64_t id, task_state state, std::int64_t now_ms);
  void lose(std::int64_t id, std::int64_t now_ms);
  void erase(const places& ids, bool with_gates);
  void start_fanning(std::int64_t stage);
  stage_state end_of(const model_stage& stage) const;
  run_state end_of(const model_run& run) const;
  bool all_ended(const model_stage& stage) const;
  bool settle_one(std::int64_t id);
  void settle(std::int64_t run, std::int64_t now_ms);
  void cancel_tasks(const model_stage& stage, std::int64_t now_ms);
  std::set<std::int64_t> stages_after(std::int64_t stage) const;
  bool reopen(std::int64_t stage);
};

} // namespace quire::tests

#include "quire/tests/storage/task_model_mutants.hpp"

#include <tuple>

namespace quire::tests {

namespace {

constexpr auto keep_place = R"(
  CREATE TRIGGER keeps_place BEFORE UPDATE OF used ON quire_gate
  WHEN new.used < old.used AND (SELECT active FROM planted) = 1
  BEGIN SELECT RAISE(IGNORE); END)";

// While somebody waits, only who lets him in takes a place.
constexpr auto never_pump = R"(
  CREATE TRIGGER lets_nobody_in BEFORE UPDATE OF used ON quire_gate
  WHEN new.used > old.used
    AND EXISTS(SELECT 1 FROM quire_task WHERE state = 2 AND gate = new.gate)
  BEGIN SELECT RAISE(IGNORE); END)";

// A stage that is done with the tasks it has is taken for one that has them all.
constexpr auto ignore_sealed = R"(
  CREATE TRIGGER takes_for_sealed AFTER UPDATE OF completed, partial, failed, cancelled ON quire_stage
  WHEN new.state = 1 AND new.sealed = 0
    AND new.completed + new.partial + new.failed + new.cancelled >= new.total
  BEGIN UPDATE quire_stage SET sealed = 1 WHERE id = new.id; END)";

constexpr auto start_paused = R"(
  CREATE TRIGGER never_pauses AFTER INSERT ON quire_queue WHEN new.paused_at IS NOT NULL
  BEGIN UPDATE quire_queue SET paused_at = NULL, capacity = 100000 WHERE queue = new.queue; END)";

constexpr auto one_more = R"(
  CREATE TRIGGER one_more AFTER INSERT ON quire_queue WHEN new.capacity IS NOT NULL
  BEGIN UPDATE quire_queue SET capacity = capacity + 1 WHERE queue = new.queue; END)";

constexpr auto keep_key = R"(
  CREATE TRIGGER keeps_key BEFORE DELETE ON quire_task_key
  BEGIN SELECT RAISE(IGNORE); END)";

// By its name, whoever has it.
constexpr auto leave_any_key = R"(
  CREATE TRIGGER leaves_any_key AFTER UPDATE OF state ON quire_task
  WHEN new.state >= 10 AND new.unique_key IS NOT NULL
  BEGIN
    DELETE FROM quire_task_key
    WHERE key = new.unique_key AND until = 0
      AND kind = (SELECT kind FROM quire_lane WHERE id = new.lane);
  END)";

constexpr auto leave_early = R"(
  CREATE TRIGGER counts_no_longer AFTER INSERT ON quire_task_key WHEN new.until > 0
  BEGIN UPDATE quire_task_key SET until = 0 WHERE kind = new.kind AND key = new.key; END)";

// A task begins before the last of its subtasks has ended.
constexpr auto count_ended_twice = R"(
  CREATE TRIGGER counts_ended_twice AFTER UPDATE OF subtasks_open ON quire_task
  WHEN new.subtasks_open = old.subtasks_open - 1 AND new.subtasks_open > 0
  BEGIN UPDATE quire_task SET subtasks_open = new.subtasks_open - 1 WHERE id = new.id; END)";

constexpr auto start_paused_tenant = R"(
  CREATE TRIGGER never_pauses_tenants AFTER INSERT ON quire_tenant WHEN new.paused = 1
  BEGIN UPDATE quire_tenant SET paused = 0 WHERE tenant = new.tenant; END;
  CREATE TRIGGER never_pauses_later AFTER UPDATE OF paused ON quire_tenant WHEN new.paused = 1
  BEGIN UPDATE quire_tenant SET paused = 0 WHERE tenant = new.tenant; END)";

constexpr auto equal_tenants = R"(
  CREATE TRIGGER weighs_nobody AFTER INSERT ON quire_tenant WHEN new.weight > 1
  BEGIN UPDATE quire_tenant SET weight = 1 WHERE tenant = new.tenant; END)";

constexpr auto count_one = R"(
  CREATE TRIGGER counts_one AFTER UPDATE ON quire_commit WHEN new.completed > old.completed + 1
  BEGIN UPDATE quire_commit SET completed = old.completed + 1; END)";

constexpr auto one_more_of_kind = R"(
  CREATE TRIGGER one_more_of_kind AFTER INSERT ON quire_kind WHEN new.capacity IS NOT NULL
  BEGIN UPDATE quire_kind SET capacity = capacity + 1 WHERE kind = new.kind; END;
  CREATE TRIGGER one_more_later AFTER UPDATE OF capacity ON quire_kind WHEN new.capacity IS NOT NULL
  BEGIN UPDATE quire_kind SET capacity = capacity + 1 WHERE kind = new.kind; END)";

constexpr auto free_tokens = R"(
  CREATE TRIGGER takes_no_tokens BEFORE UPDATE OF full_at_us ON quire_kind
  WHEN new.full_at_us > old.full_at_us
  BEGIN SELECT RAISE(IGNORE); END)";

constexpr auto never_open = R"(
  CREATE TRIGGER never_opens BEFORE UPDATE ON quire_breaker
  WHEN new.opened_at IS NOT NULL AND old.opened_at IS NULL
  BEGIN SELECT RAISE(IGNORE); END)";

} // namespace

std::vector<task_mutant> task_mutants() {
  using enum task_mutant::moment;
  using fence = task_mutant::fence;
  using speaker = task_mutant::speaker;
  return {
    {"a task that is lost keeps its place", loss, keep_place},
    {"nobody is let in when a place is free", always, never_pump},
    {"a ready task that is cancelled keeps its place", cancel, keep_place},
    {"the end of any claim counts while the task runs", always, "", fence::state_only},
    {"the end of any claim counts", always, "", fence::id_only},
    {"a crash of any claim counts while the task runs", always, "", fence::state_only,
     speaker::crash},
    {"words of any claim are heard while the task runs", always, "", fence::state_only,
     speaker::words},
    {"a stage ends before it has all its tasks", always, ignore_sealed},
    {"tasks of a paused queue are claimed", always, start_paused},
    {"a queue runs one task more than its limit", always, one_more},
    {"a replaced task keeps its place", enqueue, keep_place},
    {"a task that ended keeps its key", always, keep_key},
    {"a task that ends takes the key of another one along", always, leave_any_key},
    {"a key counts no longer than its task", always, leave_early},
    {"a task does not wait for its last subtask", always, count_ended_twice},
    {"tasks of a paused tenant are claimed", always, start_paused_tenant},
    {"the weight of a tenant does not count", always, equal_tenants},
    {"of tasks that end together one is counted", always, count_one},
    {"a kind runs one task more than its limit", always, one_more_of_kind},
    {"a start takes no token", always, free_tokens},
    {"a breaker never opens", always, never_open},
  };
}

std::int64_t forge_claim(storage::transaction& tx, task_mutant::fence fence, task_id task,
                         std::int64_t epoch) {
  if (fence == task_mutant::fence::state_and_epoch)
    return epoch;
  auto row = tx.query_optional<std::tuple<std::int64_t, std::int64_t>>(
    "SELECT epoch, state FROM quire_task WHERE id = ?1", task.value);
  if (!row)
    return epoch;
  auto [real, state] = *row;
  if (fence == task_mutant::fence::id_only) {
    tx.count_end(static_cast<task_state>(state), -1);
    tx.execute("UPDATE quire_task SET state = 3 WHERE id = ?1", task.value);
    tx.execute("DELETE FROM quire_task_attempt WHERE task_id = ?1 AND epoch = ?2", task.value,
               real);
  }
  return real;
}

} // namespace quire::tests

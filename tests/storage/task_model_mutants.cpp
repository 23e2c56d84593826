#include "quire/tests/storage/task_model_mutants.hpp"

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

} // namespace

std::vector<task_mutant> task_mutants() {
  using enum task_mutant::moment;
  using fence = task_mutant::fence;
  return {
    {"a task that is lost keeps its place", loss, keep_place},
    {"nobody is let in when a place is free", always, never_pump},
    {"a ready task that is cancelled keeps its place", cancel, keep_place},
    {"the end of any claim counts while the task runs", always, "", fence::state_only},
    {"the end of any claim counts", always, "", fence::id_only},
    {"a stage ends before it has all its tasks", always, ignore_sealed},
  };
}

std::int64_t forge_claim(storage::transaction& tx, task_mutant::fence fence, task_id task,
                         std::int64_t epoch) {
  if (fence == task_mutant::fence::state_and_epoch)
    return epoch;
  auto real =
    tx.query_optional<std::int64_t>("SELECT epoch FROM quire_task WHERE id = ?1", task.value);
  if (fence == task_mutant::fence::id_only && real) {
    tx.execute("UPDATE quire_task SET state = 3 WHERE id = ?1", task.value);
    tx.execute("DELETE FROM quire_task_attempt WHERE task_id = ?1 AND epoch = ?2", task.value,
               *real);
  }
  return real.value_or(epoch);
}

} // namespace quire::tests

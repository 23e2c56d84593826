#include "quire/storage/sqlite/invariants.hpp"

#include "quire/storage/sqlite/invariant_repairs.hpp"
#include "quire/storage/sqlite/invariant_sql.hpp"

#include <algorithm>
#include <array>

namespace quire::storage {

namespace {

namespace sql = invariant_sql;

constexpr auto of_the_file = std::to_array<invariant>({
  {"boot_number",
   "the number of the last start is missing or older than its runs: the database cannot be opened "
   "by an owner, or takes live tasks for those of a dead process",
   sql::boot_number, "set to the largest that any run or task mentions",
   repairs::restore_boot_number},
  {"commit_number",
   "the number of the last commit is missing: whether a commit that failed took effect is not "
   "known any more",
   sql::commit_number, "restore the database from a backup"},
  {"public_key", "what public ids are made with is missing: no task can be shown, or listed as JSON",
   sql::public_key, "another one is drawn: public ids that were given away are void",
   repairs::draw_public_key},
  {"known_states", "a task, stage or run is in a state that does not exist: it never goes on",
   sql::known_states, "restore the database from a backup, or cancel the run or the task"},
});

constexpr auto of_tasks = std::to_array<invariant>({
  {"lanes", "a task has no queue and kind any more: it is never claimed, and no list shows it",
   sql::lanes, "its payload is in quire_task_body: submit it again"},
  {"waiting_payloads", "a waiting task has no payload: nothing of its kind can be claimed any more",
   sql::waiting_payloads, "it is cancelled, which lets the others be claimed",
   repairs::cancel_without_payload},
  {"other_payloads", "a task that runs or has ended has no payload: it cannot be tried again",
   sql::other_payloads, "nothing brings it back: submit it again with a payload"},
  {"task_stages", "a task of a pipeline has lost its stage: nobody waits for it", sql::task_stages,
   "maintenance of the next owner deletes it"},
  {"task_numbers",
   "attempts, crashes or flags of a task are outside of their limits: it is tried "
   "too often or too rarely",
   sql::task_numbers, "cancel the task, or start it again when it has ended"},
  {"claim_times",
   "a running task does not say since when: nobody notices when it hangs, and the "
   "next owner cannot open the database",
   sql::claim_times, "taken for claimed when it first started, or was created",
   repairs::set_claim_times},
  {"epochs",
   "the fencing number of a task is lower than its history: results of a dead worker "
   "could be taken, and those of a living one refused",
   sql::epochs, "raised past the history; a task that runs is given back", repairs::raise_epochs},
  {"claim_boots",
   "a task is said to run in another process than that of the last start: it "
   "waits for somebody who is dead",
   sql::claim_boots, "it is given back, as when a process dies", repairs::end_foreign_claims},
  {"idle_boots", "a task that waits belongs to a process", sql::idle_boots,
   "it is taken from that process", repairs::forget_boots},
  {"end_times",
   "the time of an end is missing, or is there before the end: it is kept for ever, or "
   "deleted too soon",
   sql::end_times, "the present time, or none", repairs::set_end_times},
  {"gate_capacities", "a gate lets no task in: those that wait for it wait for ever",
   sql::gate_capacities, "cancel its tasks and submit them again when it is gone"},
  {"queue_limits", "the limit of a queue lets none of its tasks start", sql::queue_limits,
   "give it another: quire queue limit NAME N"},
  {"kind_limits", "what was decided about a kind lets none of its tasks start, or nobody reads it",
   sql::kind_limits, "decide again: quire kind set KIND"},
  {"kind_breakers", "the circuit breaker of a kind is gone: nothing guards its tasks",
   sql::kind_breakers, "it has none any more", repairs::forget_missing_breakers},
  {"tenant_limits", "what was decided about a tenant lets none of its tasks start, or all of them",
   sql::tenant_limits, "decide again: quire tenant set NAME"},
  {"subtask_counts",
   "a task does not count its subtasks that have not ended: it begins too soon, or never",
   sql::subtask_counts, "counted anew; one that waits for nothing goes on",
   repairs::recount_subtasks},
  {"stray_subtasks", "a subtask has lost its task: it is kept for ever", sql::stray_subtasks,
   "it is a task of its own", repairs::adopt_subtasks},
  {"gate_places",
   "a gate does not count the places that tasks hold: too many or too few of them "
   "run at a time",
   sql::gate_places, "counted anew; free places are given away", repairs::recount_gates},
  {"free_places", "a task waits beside a free place in its gate: it may wait for ever",
   sql::free_places, "it gets the place", repairs::recount_gates},
  {"task_counts",
   "it is not counted right how many tasks have ended in a state: quire status shows a wrong number",
   sql::task_counts, "counted anew", repairs::recount_tasks},
});

constexpr auto of_what_hangs_on_tasks = std::to_array<invariant>({
  {"stray_payloads", "a payload is left of a task that is gone: nobody works on it",
   sql::stray_payloads, "if it is wanted, read it from quire_task_body and submit it again"},
  {"stray_results", "a result is left of a task that is gone: no stage takes it",
   sql::stray_results, "if it is wanted, read it from quire_task_result"},
  {"stray_attempts", "attempts are left of a task that is gone: they only take space",
   sql::stray_attempts, "they are deleted", repairs::delete_stray_attempts},
  {"stray_words",
   "progress, steps or lines of a log are left of a task that is gone: they only take "
   "space",
   sql::stray_words, "they are deleted", repairs::delete_stray_words},
  {"stray_keys", "a unique key is left of a task that has ended: it only takes space",
   sql::stray_keys, "it is deleted", repairs::delete_stray_keys},
  {"outputs", "a task that has not succeeded has an output: whoever reads it takes it for a result",
   sql::outputs, "start the task again, which forgets it"},
});

constexpr auto of_pipelines = std::to_array<invariant>({
  {"edges", "an edge leads from or to a stage that is gone", sql::edges, "it is deleted",
   repairs::delete_stray_edges},
  {"stage_runs", "a stage has lost its run: nobody waits for it", sql::stage_runs,
   "restore the database from a backup if the run is wanted"},
  {"stage_items", "items of a stage have no task, or several: work is missing, or done twice",
   sql::stage_items, "cancel the run and start it again"},
  {"stage_counters", "a stage does not count its tasks as they are: it ends too soon, or never",
   sql::stage_counters, "counted anew; what is done then ends", repairs::recount_stages},
  {"open_tasks",
   "a task has not ended, but its stage has, or has not begun: its output comes "
   "too late",
   sql::open_tasks, "it may run to its end; start the run again if its output is wanted"},
  {"stage_seals", "a stage is wrong about whether it has all its tasks: it ends too soon, or never",
   sql::stage_seals, "its remaining tasks are created", repairs::reopen_fan_outs},
  {"stage_ends", "all tasks of a stage have ended, but the stage has not: its run waits for ever",
   sql::stage_ends, "it ends, and what follows begins", repairs::end_done_stages},
  {"cancelled_runs", "a part of a run that is being cancelled goes on", sql::cancelled_runs,
   "it is cancelled, too", repairs::cancel_again},
  {"dependencies", "a stage is wrong about what it waits for: it begins too soon, or never",
   sql::dependencies, "counted anew; it begins, or is skipped, if nothing is left",
   repairs::recount_dependencies},
  {"run_ends",
   "a run has ended before its stages, or has not ended with them: whoever waits for "
   "it goes on too soon, or never",
   sql::run_ends, "it is open again, or ends", repairs::settle_runs},
  {"requests",
   "an idempotency key holds an answer that nobody can have got: a repeated request "
   "may be answered wrongly",
   sql::requests, "use other keys; it is forgotten when its time is over"},
  {"foreign_keys", "a row refers to one that is gone", sql::foreign_keys,
   "what the other findings say about the table"},
});

constexpr auto all = [] {
  std::array<invariant, of_the_file.size() + of_tasks.size() + of_what_hangs_on_tasks.size()
                          + of_pipelines.size()>
    result;
  auto* end = std::ranges::copy(of_the_file, result.begin()).out;
  end = std::ranges::copy(of_tasks, end).out;
  end = std::ranges::copy(of_what_hangs_on_tasks, end).out;
  std::ranges::copy(of_pipelines, end);
  return result;
}();

} // namespace

std::span<const invariant> invariants() {
  return all;
}

const invariant* find_invariant(std::string_view name) noexcept {
  auto found = std::ranges::find(all, name, &invariant::name);
  return found == all.end() ? nullptr : &*found;
}

violations find_violations(const snapshot& db, const invariant& rule, std::size_t examples_max) {
  violations found;
  auto stmt = db.prepare(rule.violations);
  stmt->bind();
  while (stmt->step()) {
    ++found.count;
    if (found.examples.size() < examples_max)
      found.examples.push_back(stmt->text(0) + " " + stmt->text(1));
  }
  return found;
}

} // namespace quire::storage

#pragma once

#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>

/// What makes the invariants hold again. For this folder only. Each may be called at any
/// time, and changes nothing where nothing is wrong. Times are Unix milliseconds.
namespace quire::storage::repairs {

/// Sets the number of the last boot to the largest that anything mentions.
void restore_boot_number(transaction& tx, std::int64_t now_ms);

/// Draws a number for public ids if there is none.
void draw_public_key(transaction& tx, std::int64_t now_ms);

/// Raises the epochs of tasks past all that their history holds; those that run are given
/// back, as when their process dies.
void raise_epochs(transaction& tx, std::int64_t now_ms);

/// Gives tasks, stages and runs that have ended the present time as that of their end, and
/// takes it from all others.
void set_end_times(transaction& tx, std::int64_t now_ms);

/// Gives running tasks a time of their claim: that of their first start, or of their creation.
void set_claim_times(transaction& tx, std::int64_t now_ms);

/// Ends claims of other boots than the present one, as their death does.
void end_foreign_claims(transaction& tx, std::int64_t now_ms);

/// Takes the boot from tasks that wait.
void forget_boots(transaction& tx, std::int64_t now_ms);

/// Cancels tasks that wait and have no payload.
void cancel_without_payload(transaction& tx, std::int64_t now_ms);

/// Deletes the attempts of tasks that are gone.
void delete_stray_attempts(transaction& tx, std::int64_t now_ms);
void delete_stray_keys(transaction& tx, std::int64_t now_ms);

/// Deletes what the handlers of tasks said that are gone.
void delete_stray_words(transaction& tx, std::int64_t now_ms);

/// Takes circuit breakers from kinds that do not exist.
void forget_missing_breakers(transaction& tx, std::int64_t now_ms);

/// Counts anew which subtasks have not ended, and lets tasks go on that wait for none.
void recount_subtasks(transaction& tx, std::int64_t now_ms);

/// Makes tasks of their own of subtasks whose task is gone.
void adopt_subtasks(transaction& tx, std::int64_t now_ms);

/// Makes missing gates, counts the places of all anew, and gives those that are free away.
void recount_gates(transaction& tx, std::int64_t now_ms);

/// Counts anew how many tasks have ended in each state.
void recount_tasks(transaction& tx, std::int64_t now_ms);

/// Counts the tasks of stages anew whose counters are wrong, and ends those that are done.
void recount_stages(transaction& tx, std::int64_t now_ms);

/// Lets stages go on with the creation of their tasks that claim to have and not to have them all.
void reopen_fan_outs(transaction& tx, std::int64_t now_ms);

/// Ends stages whose tasks have all ended.
void end_done_stages(transaction& tx, std::int64_t now_ms);

/// Deletes edges whose stages are gone.
void delete_stray_edges(transaction& tx, std::int64_t now_ms);

/// Counts anew what waiting stages wait for, and starts or skips those that need not wait.
void recount_dependencies(transaction& tx, std::int64_t now_ms);

/// Ends runs whose stages have all ended, and opens those again whose stages have not.
void settle_runs(transaction& tx, std::int64_t now_ms);

/// Cancels once more what was to be cancelled with its run.
void cancel_again(transaction& tx, std::int64_t now_ms);

} // namespace quire::storage::repairs

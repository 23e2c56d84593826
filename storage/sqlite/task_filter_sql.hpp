#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/statement.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

/// The statements that keep to a `task_filter`. For this folder only.
namespace quire::storage::task_sql {

// The error of the task `t`.
#define QUIRE_ERROR                                                                               \
  " CASE WHEN t.state = 13 AND t.cancel_reason <> '' THEN t.cancel_reason"                        \
  "   ELSE ifnull((SELECT a.error FROM quire_task_attempt a"                                      \
  "                WHERE a.task_id = t.id AND a.error <> ''"                                      \
  "                  AND (a.outcome IN ('failed', 'partial_success', 'cancelled', 'skipped')"     \
  "                       OR (a.outcome = 'crashed' AND t.state = 12))"                           \
  "                ORDER BY a.epoch DESC LIMIT 1), '') END "

// What its handler said under the present claim.
#define QUIRE_PROGRESS                                                                            \
  " iif(t.state = 10, 100, ifnull((SELECT p.percent FROM quire_task_progress p"                   \
  "                                WHERE p.id = t.id AND p.epoch = t.epoch), 0)),"                \
  " ifnull((SELECT p.step FROM quire_task_progress p"                                             \
  "         WHERE p.id = t.id AND p.epoch = t.epoch), '') "

#define QUIRE_COLUMNS                                                                             \
  " t.id, l.queue, l.kind, t.state, t.priority, t.attempt, t.attempts_max, t.crashes,"            \
  " t.epoch, t.cancel_req, ifnull(t.gate, ''), ifnull(s.run_id, 0), ifnull(s.name, ''),"          \
  " ifnull(t.item, -1), t.created_at, nullif(t.run_at, t.created_at), t.started_at,"              \
  " t.finished_at, t.error_class, ifnull(t.unique_key, '')," QUIRE_ERROR ", t.snoozes,"           \
  " iif(t.state < 10, t.expires_at, NULL)," QUIRE_PROGRESS ","                                    \
  " l.tenant, ifnull(t.parent_id, 0),"                                                            \
  " iif(t.subtasks_open IS NULL, 0, (SELECT count(*) FROM quire_task c"                           \
  "                                  INDEXED BY quire_task_parent WHERE c.parent_id = t.id)),"    \
  " ifnull(t.subtasks_open, 0) "

// What `bind_filter` binds.
#define QUIRE_MATCHES                                                                             \
  " t.id > ?1 AND t.id <= ifnull(?2, 9223372036854775807) AND (?3 IS NULL OR t.state = ?3)"       \
  " AND (?4 IS NULL OR l.kind = ?4) AND (?5 IS NULL OR l.queue = ?5)"                             \
  " AND (?6 IS NULL OR s.run_id = ?6) AND (?7 IS NULL OR s.name = ?7)"                            \
  " AND (?8 IS NULL OR t.gate = ?8) AND (?9 IS NULL OR t.unique_key = ?9)"                        \
  " AND (?10 IS NULL OR t.created_at >= ?10) AND (?11 IS NULL OR t.created_at < ?11)"             \
  " AND (?12 IS NULL OR t.finished_at >= ?12) AND (?13 IS NULL OR t.finished_at < ?13)"           \
  " AND (?14 IS NULL OR t.error_class = ?14)"                                                     \
  " AND (?15 IS NULL OR (t.state <> 10 AND instr(" QUIRE_ERROR ", ?15) > 0))"                           \
  " AND (?16 IS NULL OR l.tenant = ?16) AND (?17 IS NULL OR t.parent_id = ?17)"                   \
  " AND (?18 = 0 OR (t.state < 10 AND t.state <> 3)) "

#define QUIRE_MATCHING                                                                            \
  " FROM quire_task t NOT INDEXED"                                                                \
  "   CROSS JOIN quire_lane l ON l.id = t.lane"                                                   \
  "   LEFT JOIN quire_stage s ON s.id = t.stage_id"                                               \
  " WHERE" QUIRE_MATCHES

// From the stages of the run, or the list of one run would read all tasks.
#define QUIRE_MATCHING_OF_RUN                                                                     \
  " FROM quire_stage s"                                                                           \
  "   CROSS JOIN quire_task t INDEXED BY quire_task_stage ON t.stage_id = s.id"                   \
  "   CROSS JOIN quire_lane l ON l.id = t.lane"                                                   \
  " WHERE s.run_id = ?6 AND" QUIRE_MATCHES

#define QUIRE_MATCHING_OF_PARENT                                                                  \
  " FROM quire_task t INDEXED BY quire_task_parent"                                               \
  "   CROSS JOIN quire_lane l ON l.id = t.lane"                                                   \
  "   LEFT JOIN quire_stage s ON s.id = t.stage_id"                                               \
  " WHERE t.parent_id = ?17 AND" QUIRE_MATCHES

inline constexpr std::string_view find_task =
  "SELECT" QUIRE_COLUMNS "FROM quire_task t"
  "  JOIN quire_lane l ON l.id = t.lane"
  "  LEFT JOIN quire_stage s ON s.id = t.stage_id "
  "WHERE t.id = ?1";

inline constexpr std::string_view list_tasks =
  "SELECT" QUIRE_COLUMNS QUIRE_MATCHING "ORDER BY t.id LIMIT ?19";

inline constexpr std::string_view list_tasks_of_run =
  "SELECT" QUIRE_COLUMNS QUIRE_MATCHING_OF_RUN "ORDER BY t.id LIMIT ?19";

inline constexpr std::string_view list_subtasks =
  "SELECT" QUIRE_COLUMNS QUIRE_MATCHING_OF_PARENT "ORDER BY t.id LIMIT ?19";

#define QUIRE_COUNTS                                                                              \
  " count(*), ifnull(sum(t.state < 10), 0), ifnull(sum(t.state IN (11, 12, 13)), 0)"

inline constexpr std::string_view count_tasks = "SELECT" QUIRE_COUNTS QUIRE_MATCHING;

inline constexpr std::string_view count_tasks_of_run = "SELECT" QUIRE_COUNTS QUIRE_MATCHING_OF_RUN;

inline constexpr std::string_view count_subtasks_matching =
  "SELECT" QUIRE_COUNTS QUIRE_MATCHING_OF_PARENT;

// Also those of a run by id, between its bounds: what is looked at has to be what comes next.
inline constexpr std::string_view next_open =
  "SELECT t.id" QUIRE_MATCHING "AND t.state < 10 ORDER BY t.id LIMIT ?19";

inline constexpr std::string_view next_unsuccessful =
  "SELECT t.id" QUIRE_MATCHING "AND t.state IN (11, 12, 13) ORDER BY t.id LIMIT ?19";

#undef QUIRE_ERROR
#undef QUIRE_PROGRESS
#undef QUIRE_COLUMNS
#undef QUIRE_MATCHES
#undef QUIRE_MATCHING
#undef QUIRE_MATCHING_OF_RUN
#undef QUIRE_MATCHING_OF_PARENT
#undef QUIRE_COUNTS

inline constexpr std::string_view bounds_of_run = R"(
  SELECT min(t.id), max(t.id)
  FROM quire_stage s
    CROSS JOIN quire_task t INDEXED BY quire_task_stage ON t.stage_id = s.id
  WHERE s.run_id = ?1)";

inline constexpr std::string_view bounds_of_subtasks = R"(
  SELECT min(id), max(id)
  FROM quire_task INDEXED BY quire_task_parent
  WHERE parent_id = ?1)";

inline constexpr std::string_view last_task = "SELECT ifnull(max(id), 0) FROM quire_task";

inline constexpr std::string_view task_after = R"(
  SELECT id
  FROM quire_task
  WHERE id > ?1
  ORDER BY id
  LIMIT 1 OFFSET ?2)";

/// Binds `filter` to a statement of these, and `more` behind it.
template <class... Values>
statement& bind_filter(statement& stmt, const task_filter& filter, const Values&... more) {
  auto number = [](const auto& x) {
    return x ? std::optional{static_cast<std::int64_t>(*x)} : std::nullopt;
  };
  auto id = [](const auto& x) { return x ? std::optional{x->value} : std::nullopt; };
  return stmt.bind(filter.after.value, id(filter.until), number(filter.state), filter.kind,
                   filter.queue, id(filter.run), filter.stage, filter.gate, filter.unique_key,
                   filter.created_from_ms, filter.created_before_ms, filter.finished_from_ms,
                   filter.finished_before_ms, number(filter.error_kind), filter.error_text,
                   filter.tenant, id(filter.parent), filter.pending, more...);
}

} // namespace quire::storage::task_sql

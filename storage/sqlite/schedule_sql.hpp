#pragma once

#include <string_view>

/// The statements that each look at what is due runs. A test asks SQLite how it would.
namespace quire::storage::schedule_sql {

inline constexpr std::string_view due = R"(
  SELECT id
  FROM quire_schedule INDEXED BY quire_schedule_wake
  WHERE wake_at IS NOT NULL AND wake_at <= ?1
  ORDER BY wake_at, id
  LIMIT ?2)";

inline constexpr std::string_view next_wake = R"(
  SELECT wake_at
  FROM quire_schedule INDEXED BY quire_schedule_wake
  WHERE wake_at IS NOT NULL
  ORDER BY wake_at
  LIMIT 1)";

inline constexpr std::string_view open_tasks = R"(
  SELECT t.id
  FROM quire_schedule_fire f
    CROSS JOIN quire_task t ON t.id = f.task_id
  WHERE f.schedule = ?1 AND t.state < 10
  ORDER BY f.fire_at)";

} // namespace quire::storage::schedule_sql

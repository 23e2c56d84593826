#pragma once

#include "quire/app/cli/text_table.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/task.hpp"

#include <cstdint>
#include <string>

namespace quire::cli {

/// The table that `quire task list` fills.
text_table make_task_table(std::size_t width_max);
void add_task(text_table& table, const task_record& task);

/// A task with all that hangs on it, for people.
std::string task_text(const task_details& details, const std::string& public_id);

/// The table that `quire pipeline list` fills.
text_table make_run_table(std::size_t width_max);
void add_run(text_table& table, const run_record& run, std::int64_t now_ms);

/// A run with its stages, for people.
std::string run_text(const run_record& run, std::int64_t now_ms, std::size_t width_max);

} // namespace quire::cli

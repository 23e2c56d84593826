#pragma once

#include "quire/messages/types/pipeline.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quire::cli {

/// How a progress view is drawn.
struct view_style {
  std::size_t columns = 80; ///< No line is longer.
  std::size_t lines = 24;   ///< No view has more lines.
  bool colours = false;
};

/// The view of a run on a terminal: a line for the run, then one for each stage
/// with a bar, how many tasks are done, failed and there, how fast, how long.
/// If they do not fit, stages that wait or have ended give way to those at work.
std::vector<std::string> progress_lines(const run_record& run, std::int64_t now_ms,
                                        const view_style& style);

/// One line about a stage for a log: `count: 400 of 1240 done, 3 failed, 85/s, 4.7 s`.
std::string progress_text(const stage_record& stage, std::int64_t now_ms);

/// One line about a stage that has just changed its state, for a log.
std::string change_text(const stage_record& stage, std::int64_t now_ms);

/// How long the stage has been at work; 0 before it started.
std::int64_t elapsed_ms(const stage_record& stage, std::int64_t now_ms);

/// A bar of `width` characters.
std::string bar(std::int64_t done, std::int64_t total, std::size_t width);

} // namespace quire::cli

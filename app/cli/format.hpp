#pragma once

#include "quire/messages/types/task.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quire::cli {

/// `870 ms`, `3.2 s`, `4 min 05 s`, `2 h 03 min`.
std::string duration_text(std::chrono::milliseconds duration);

/// `412 bytes`, `8.0 KiB`, `1.2 GiB`.
std::string bytes_text(std::uint64_t bytes);

/// `1 task`, `12 tasks`.
std::string count_text(std::int64_t count, std::string_view noun);

/// How many in how much time: `85/s`, `0.4/s`; empty if that says nothing.
std::string rate_text(std::int64_t count, std::chrono::milliseconds duration);

/// One decimal: `3.1`; `0.0` if there is nothing to divide by.
std::string ratio_text(std::int64_t numerator, std::int64_t denominator);

/// `normal`, `high, 25 min of head start`.
std::string priority_text(task_priority priority, std::chrono::minutes head_start);

/// A stored time as people of this time zone read it: `2026-03-01 14:05:09`.
std::string time_text(std::int64_t unix_ms);
std::string time_text(const std::optional<std::int64_t>& unix_ms); ///< Empty if absent.

/// `text` as one word of a shell's command line.
std::string shell_quoted(std::string_view text);

/// A line of what is said of one thing, its control characters escaped; nothing for an
/// empty text.
std::string field(std::string_view name, std::string_view text);

/// How many columns of a terminal `text` takes.
std::size_t display_width(std::string_view text);

/// `text` cut to `width_max` columns; what is cut ends in `...`.
std::string cut_to_width(std::string_view text, std::size_t width_max);

/// `text` with blanks up to `width` columns, behind it or before it.
std::string padded(std::string_view text, std::size_t width, bool to_the_right = false);

} // namespace quire::cli

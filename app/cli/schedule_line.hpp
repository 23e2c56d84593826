#pragma once

#include "quire/app/cli/grammar.hpp"
#include "quire/app/cli/words.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace quire::cli {

/// Reads what was given for one of the commands `quire schedule ...`; nothing for others.
/// @throws usage_error
std::optional<command> read_schedule_command(const grammar& known, const words& line);

/// Reads a moment in Universal Time, `2026-03-28T12:00Z` or `2026-03-28T12:00:30Z`, from 1970
/// to 9999, as Unix milliseconds.
std::optional<std::int64_t> moment_from_text(std::string_view text);

} // namespace quire::cli

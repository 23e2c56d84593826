#pragma once

#include "quire/app/cli/grammar.hpp"
#include "quire/app/cli/words.hpp"

#include <optional>

namespace quire::cli {

/// Reads what was given for one of the commands `quire kind ...`, `quire tenant ...` and
/// `quire breaker ...`; nothing for others.
/// @throws usage_error
std::optional<command> read_limits_command(const grammar& known, const words& line);

} // namespace quire::cli

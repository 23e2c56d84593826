#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire::actors {

/// Returns the one of `known` that `name` is most likely a misspelling of, or
/// nothing if none is near (more than a third of its characters differ).
std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& known);

/// Returns the end of a sentence about an unknown name:
/// `; did you mean max_attempts?`, or `; known are: a, b, c` if none is near.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

/// Returns `text` fit for one line of a message: control characters, bytes that
/// are no UTF-8 and characters that change the direction of writing are
/// escaped; what is longer than `length_max` characters ends in `...`.
std::string printable(std::string_view text, std::size_t length_max = 60);

/// Returns whether all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

} // namespace quire::actors

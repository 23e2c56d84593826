#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace quire::actors {

/// Returns `output` of the stage `stage` as JSON without white space; `null` if it
/// is empty.
/// @throws std::runtime_error if it is no JSON, or nested deeper than 500 levels:
///         readers of JSON recurse.
std::string checked_output(const std::string& stage, const std::string& output);

/// Calls `visit` with each element of a list as it is written there: 1.10 stays
/// 1.10, and a number of thirty digits keeps them.
/// @param list what `checked_output` returned; it begins with a bracket.
void for_each_element(std::string_view list, const std::function<void(std::string_view)>& visit);

/// Returns how a value stands in a text: a text without its quotes, anything else
/// as it is written. @param value JSON without white space.
std::string plain_text(std::string_view value);

} // namespace quire::actors

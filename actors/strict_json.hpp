#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace quire::actors {

/// Whether the value at this path becomes a text later.
using text_place = std::function<bool(const std::string& path)>;

/// Reads JSON text and refuses what the library would let pass: a key that
/// stands in an object twice, nesting deeper than `depth_max`, whole numbers of more
/// than 64 bits, and, where `becomes_text` says so, numbers that would not read as
/// they are written (1.10). Its stack does not grow with the nesting.
/// @throws pipeline_error with one line: line and column (from 1, in characters)
///         where the text is no JSON, else the path of the value.
nlohmann::json parse_strict_json(std::string_view text, std::size_t depth_max,
                                 const text_place& becomes_text = {});

/// Returns the path of the value `key` in the object at `path`.
std::string member_path(const std::string& path, std::string_view key);

/// Returns the path of the `index`-th value in the list at `path`.
std::string element_path(const std::string& path, std::size_t index);

} // namespace quire::actors

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quire::actors {

/// Returns `text` as UTF-8: what is not gets U+FFFD.
std::string as_utf8(std::string_view text);

/// Returns the last line of `text` that holds more than white space, without
/// white space around it, as UTF-8; its first `bytes_max` bytes if it is longer.
std::string last_line(std::string_view text, std::size_t bytes_max);

/// Returns `text` without newlines at its end as a JSON string. Bytes that are
/// not UTF-8 become U+FFFD. If `bytes_cut` are missing at its end, it says so.
std::string json_of_text(std::string_view text, std::uint64_t bytes_cut);

/// Returns the lines of `text`, without the "\n" or "\r\n" at their ends, as a
/// JSON list of strings. Bytes that are not UTF-8 become U+FFFD.
std::string json_of_lines(std::string_view text);

/// Returns JSON `text` without its white space; numbers and the order of keys
/// stay as they are. At most 500 levels deep.
/// @throws std::invalid_argument that says where `text` is wrong.
std::string compact_json(std::string_view text);

} // namespace quire::actors

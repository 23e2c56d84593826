#pragma once

#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/value.hpp"

#include <cstddef>
#include <string>

namespace quire::cli {

/// What a parameter of `quire sql` stands for: an integer or a real number if
/// it is written exactly as one (42, -7, 2.5, 1e9), text otherwise (007, +5,
/// 0x10, NULL, 1.).
value parameter_value(const std::string& text);

/// The rows under the names of their columns; numbers to the right.
std::string rows_text(const row_set& rows, std::size_t width_max);

} // namespace quire::cli

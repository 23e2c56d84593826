#pragma once

#include "quire/messages/types/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

/// One SQL statement and what is bound to its parameters `?1, ?2, ...`.
struct sql_statement {
  std::string sql;
  std::vector<value> params;
};

/// How sure a committed write is.
enum class durability : std::uint8_t {
  normal, ///< Survives a crash of the process. A power cut can take the last commits, never a part of one.
  full,   ///< Is on the disk before the receipt leaves: survives a power cut too.
};

/// Returns `"normal"` or `"full"`.
constexpr std::string_view to_string(durability x) noexcept {
  return x == durability::full ? "full" : "normal";
}

} // namespace quire

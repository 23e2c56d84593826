#pragma once

#include "quire/app/failure.hpp"

#include <functional>
#include <optional>

namespace quire::tests {

/// Returns the code of the failure that `f` ends with; nothing if it returns.
inline std::optional<errc> code_of(const std::function<void()>& f) {
  try {
    f();
    return std::nullopt;
  } catch (const failure& failed) {
    return failed.code();
  }
}

} // namespace quire::tests

#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace quire {

/// An integer key that cannot be mixed up with the key of something else.
/// 0 is nobody: keys in the database start at 1.
template <class Tag>
struct id {
  std::int64_t value = 0;

  explicit operator bool() const noexcept {
    return value != 0;
  }

  friend auto operator<=>(const id&, const id&) = default;
};

using task_id = id<struct task_tag>;
using run_id = id<struct run_tag>;
using stage_id = id<struct stage_tag>;

} // namespace quire

template <class Tag>
struct std::hash<quire::id<Tag>> {
  std::size_t operator()(const quire::id<Tag>& x) const noexcept {
    return std::hash<std::int64_t>{}(x.value);
  }
};

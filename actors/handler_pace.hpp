#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

namespace quire::actors {

/// How long the handlers of each kind take, as far as seen. Kinds whose attempts take
/// less than 5 ms are *quick*: a worker that waited for the commit of one before it got
/// the next would wait for as long as it works.
class handler_pace {
public:
  using duration = std::chrono::nanoseconds;

  static constexpr duration quick_below = std::chrono::milliseconds{5};

  /// An attempt of `kind` took `took`. One that was slow makes the kind slow at once; it
  /// takes several quick ones to make it quick again.
  void saw(const std::string& kind, duration took) {
    auto [known, added] = means_.try_emplace(kind, took);
    if (added)
      return;
    auto& mean = known->second;
    mean = took > 10 * quick_below ? took : mean + (took - mean) / 8;
  }

  /// Returns how long an attempt of `kind` may be expected to take, if it is quick; it is
  /// not before the first was seen. At least 100 ns.
  duration quick(const std::string& kind) const {
    auto known = means_.find(kind);
    if (known == means_.end() || known->second >= quick_below)
      return duration::zero();
    return std::max(known->second, duration{100});
  }

  /// Returns whether any kind is quick.
  bool any_quick() const {
    for (auto& [kind, mean] : means_)
      if (mean < quick_below)
        return true;
    return false;
  }

private:
  std::map<std::string, duration> means_;
};

} // namespace quire::actors

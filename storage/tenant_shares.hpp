#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace quire::storage {

/// Whose turn it is among tenants that wait: start-time fair queueing (Goyal, Vin and Cheng,
/// 1996), with tasks of equal size. A tenant stands where its last turns brought it, or where
/// the turns of all are, if that is further; who stands first is next. So nobody saves up
/// turns while nothing of his waits, and the weights decide exactly while several wait.
///
/// A value: what was learned in a transaction that is undone is thrown away with the copy.
/// Holds those only who are ahead of the others: after a restart all begin equal.
class tenant_shares {
public:
  static constexpr std::int64_t weight_max = 1000;

  /// Returns where the tenant stands: less is sooner.
  std::int64_t standing(std::string_view tenant) const {
    auto found = ahead_.find(tenant);
    return found == ahead_.end() ? now_ : std::max(now_, found->second);
  }

  /// It was the tenant's turn, whose weight is 1 to `weight_max`.
  void serve(const std::string& tenant, std::int64_t weight) {
    now_ = standing(tenant);
    ahead_[tenant] = now_ + turn / std::clamp(weight, std::int64_t{1}, weight_max);
  }

  /// Forgets who is not ahead.
  void tidy() {
    std::erase_if(ahead_, [this](const auto& one) { return one.second <= now_; });
  }

  /// How many are remembered.
  std::size_t size() const noexcept { return ahead_.size(); }

private:
  // Enough for 4 million tasks a second in ten thousand years.
  static constexpr std::int64_t turn = 1'000'000;

  std::int64_t now_ = 0;
  std::map<std::string, std::int64_t, std::less<>> ahead_;
};

} // namespace quire::storage

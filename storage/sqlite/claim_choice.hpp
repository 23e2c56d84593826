#pragma once

#include "quire/storage/sqlite/lane_rooms.hpp"
#include "quire/storage/sqlite/task_store.hpp"
#include "quire/storage/tenant_shares.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

/// Which of the tasks that may be claimed are. For this folder only.
namespace quire::storage {

/// A task that may be claimed. They compare by age with the head start of their
/// priority, then by id.
struct claim_candidate {
  std::int64_t ord = 0;
  std::int64_t id = 0;
  std::size_t kind = 0;   ///< Its index in the list of kinds.
  std::size_t lane = 0;   ///< Its index in `lane_rooms`.
  std::int64_t epoch = 0; ///< These two as they are before the claim.
  int attempt = 0;
  int attempts_max = 0;
  std::optional<std::int64_t> end_by_ms;
  bool only_now = false; ///< It must not be claimed before there is a worker for it.
  bool ahead = false;    ///< Whether it may be claimed before there is a worker for it.
  bool has_subtasks = false;

  friend bool operator<(const claim_candidate& a, const claim_candidate& b) {
    return std::tie(a.ord, a.id) < std::tie(b.ord, b.id);
  }
};

/// Leaves of `found` what is to be claimed, in that order: `count` and what `ahead` says, as
/// far as there is room; by turns if they are of several tenants, else by their own order.
void choose(std::vector<claim_candidate>& found, lane_rooms& rooms, std::size_t count,
            claim_ahead ahead, tenant_shares& shares);

} // namespace quire::storage

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace quire {

/// What holds for the tasks of one tenant, of whatever queue and kind. While tasks of several
/// tenants wait, they are started in turns, each tenant's in their order: one with weight 2
/// gets two turns where one with weight 1 gets one. Who waits for nothing saves up no turns,
/// and a tenant whose tasks wait alone has all workers.
struct tenant_policy {
  int weight = 1;           ///< 1 to 1000.
  std::optional<int> limit{}; ///< At most so many run at a time, 1 to 100,000; absent: any number.
  bool paused = false;      ///< None of its tasks is started.

  friend bool operator==(const tenant_policy&, const tenant_policy&) = default;
};

/// A tenant, what was decided about it, and how many of its tasks wait and run.
struct tenant_record {
  std::string name; ///< Empty for the tasks that have no tenant.
  tenant_policy policy;
  std::int64_t ready = 0;     ///< Wait for a worker.
  std::int64_t running = 0;   ///< Claimed for a worker.
  std::int64_t blocked = 0;   ///< Wait for a place in their gate.
  std::int64_t scheduled = 0; ///< Wait for their time, or for their next attempt.
};

} // namespace quire

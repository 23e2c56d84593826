#pragma once

#include "quire/benchmarks/harness.hpp"

#include <cstdint>
#include <vector>

/// How long tasks wait on an idle runtime, one at a time.
namespace quire::benchmarks {

/// From `enqueue` until the handler begins.
sample start_latency(const settings& how);

/// From the call of `cancel` until the running handler is told.
sample cancel_latency(const settings& how);

/// What waits for what else there is in the database: first the sample of `start_latency`,
/// then that of `storage::claim_tasks` alone, as the writer calls it.
using waits = std::vector<sample>;

/// One task holds a gate for one, and so many others of the same queue and kind, all of them
/// more urgent than those that are measured, wait for that gate. So does a worker.
waits behind_gate(const settings& how, int waiting);

/// A database in which so many tasks have ended.
class ended_tasks {
public:
  ended_tasks(const settings& how, std::int64_t count);

  waits measure(const settings& how) const;

private:
  scratch_folder folder_;
};

} // namespace quire::benchmarks

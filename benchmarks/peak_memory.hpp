#pragma once

#include "quire/benchmarks/harness.hpp"

#include <chrono>
#include <functional>

/// How much memory something takes at its peak.
namespace quire::benchmarks {

/// Watches by how much the resident memory of this process grows, from the
/// construction on. What was freed before and kept by the allocator is not seen:
/// see `in_child`.
class peak_memory {
public:
  /// @throws std::runtime_error where the kernel does not tell.
  peak_memory();

  /// Returns the peak since the construction, less what there was then, in MiB.
  double growth_mib() const;

private:
  double before_mib_;
};

/// Runs `work` in a copy of this process, which ends with it, and returns its
/// sample without latencies. No other thread may be running. A copy that ends
/// without a result, or has none within `limit` and is then killed, gives a failure.
/// @throws std::runtime_error if there can be no copy.
sample in_child(std::chrono::milliseconds limit, const std::function<sample()>& work);

} // namespace quire::benchmarks

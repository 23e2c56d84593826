#pragma once

#include "quire/actors/stage_plan.hpp"
#include "quire/messages/types/ids.hpp"
#include "quire/messages/types/task.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace quire::actors {

/// A stage whose tasks are being created, portion by portion. A portion is
/// bounded by its number of tasks and, beyond its first task, by their bytes.
class fan_out_progress {
public:
  struct portion {
    std::int64_t first = 0;
    std::vector<task_spec> tasks;
    bool last = false;
  };

  /// @param created so many tasks exist already.
  fan_out_progress(stage_plan plan, std::int64_t created, std::int64_t tasks_max,
                   std::size_t bytes_max = std::size_t{8} << 20)
    : plan_(std::move(plan)), next_(created), tasks_max_(tasks_max), bytes_max_(bytes_max) {}

  /// Returns the next portion: at least one, which may be empty, and none after
  /// the last.
  std::optional<portion> next() {
    if (ended_)
      return std::nullopt;
    portion result;
    result.first = next_;
    std::size_t bytes = 0;
    for (std::int64_t i = 0; i < tasks_max_ && next_ < plan_.size() && bytes < bytes_max_; ++i) {
      result.tasks.push_back(plan_.task(next_++));
      bytes += result.tasks.back().payload.size();
    }
    result.last = ended_ = next_ >= plan_.size();
    return result;
  }

private:
  stage_plan plan_;
  std::int64_t next_;
  std::int64_t tasks_max_;
  std::size_t bytes_max_;
  bool ended_ = false;
};

} // namespace quire::actors

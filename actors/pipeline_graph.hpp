#pragma once

#include "quire/messages/types/pipeline.hpp"

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quire::actors {

/// The most stages a pipeline may have.
constexpr std::size_t stages_max = 1000;

/// Which stages of a pipeline are before which others.
class pipeline_graph {
public:
  /// `stages` must outlive the graph. Names must be unique; at most `stages_max`.
  /// @throws pipeline_error with the place in the file if an edge names no
  ///         stage, or one twice, or if stages wait for each other in a circle.
  explicit pipeline_graph(const std::vector<stage_spec>& stages);

  std::optional<std::size_t> find(std::string_view stage) const;

  /// Returns whether `stage` starts only after `other` has ended, because of its
  /// edges or those of the stages before it.
  bool is_before(std::size_t other, std::size_t stage) const {
    return before_[stage].test(other);
  }

private:
  // As many bits as a pipeline may have stages: a set of stages.
  using stage_set = std::bitset<stages_max>;

  void connect();
  void sort();
  [[noreturn]] void refuse_circle(const std::vector<bool>& sorted) const;

  const std::vector<stage_spec>& stages_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::vector<std::vector<std::size_t>> edges_; ///< In the order of `after`.
  std::vector<stage_set> before_;
};

} // namespace quire::actors

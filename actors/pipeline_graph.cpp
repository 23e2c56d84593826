#include "quire/actors/pipeline_graph.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/actors/pipeline_parser.hpp"

#include <algorithm>

namespace quire::actors {

namespace {

std::string edge_path(std::size_t stage, std::size_t edge) {
  return "stages[" + std::to_string(stage) + "].after[" + std::to_string(edge) + "]: ";
}

std::vector<std::string> names_of(const std::vector<stage_spec>& stages) {
  std::vector<std::string> names;
  for (const auto& stage : stages)
    names.push_back(stage.name);
  return names;
}

} // namespace

pipeline_graph::pipeline_graph(const std::vector<stage_spec>& stages)
    : stages_{stages},
      edges_(stages.size()),
      before_(stages.size()) {
  for (std::size_t i = 0; i < stages.size(); ++i)
    by_name_.emplace(stages[i].name, i);
  connect();
  sort();
}

std::optional<std::size_t> pipeline_graph::find(std::string_view stage) const {
  auto found = by_name_.find(stage);
  return found == by_name_.end() ? std::nullopt : std::optional{found->second};
}

void pipeline_graph::connect() {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const auto& after = stages_[i].after;
    for (std::size_t j = 0; j < after.size(); ++j) {
      auto other = find(after[j].stage);
      if (!other)
        throw pipeline_error(edge_path(i, j) + "unknown stage '" + printable(after[j].stage) + "'"
                             + suggestion(after[j].stage, names_of(stages_)));
      if (before_[i][*other])
        throw pipeline_error(edge_path(i, j) + "stage '" + printable(after[j].stage)
                             + "' is there twice");
      before_[i][*other] = true;
      edges_[i].push_back(*other);
    }
  }
}

void pipeline_graph::sort() {
  std::vector<std::vector<std::size_t>> followers(stages_.size());
  std::vector<std::size_t> missing(stages_.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    missing[i] = edges_[i].size();
    for (auto other : edges_[i])
      followers[other].push_back(i);
    if (missing[i] == 0)
      ready.push_back(i);
  }
  std::vector<bool> sorted(stages_.size());
  for (std::size_t next = 0; next < ready.size(); ++next) {
    auto stage = ready[next];
    sorted[stage] = true;
    for (auto follower : followers[stage])
      if (--missing[follower] == 0)
        ready.push_back(follower);
  }
  if (ready.size() < stages_.size())
    refuse_circle(sorted);

  // In this order all is known about the stages before a stage when its turn comes.
  for (auto stage : ready)
    for (auto other : edges_[stage])
      before_[stage] |= before_[other];
}

void pipeline_graph::refuse_circle(const std::vector<bool>& sorted) const {
  // Each stage that is left waits for another one that is left: whoever follows
  // these edges comes into a circle.
  auto unsorted_edge = [&](std::size_t stage) {
    const auto& edges = edges_[stage];
    auto found = std::ranges::find_if(edges, [&](std::size_t other) { return !sorted[other]; });
    return static_cast<std::size_t>(found - edges.begin());
  };
  auto start = static_cast<std::size_t>(std::ranges::find(sorted, false) - sorted.begin());
  std::vector<bool> seen(stages_.size());
  while (!seen[start]) {
    seen[start] = true;
    start = edges_[start][unsorted_edge(start)];
  }
  constexpr std::size_t shown_max = 8;
  std::string circle = "'" + stages_[start].name + "'";
  std::size_t length = 0;
  auto stage = start;
  do {
    stage = edges_[stage][unsorted_edge(stage)];
    if (++length <= shown_max)
      circle += " after '" + stages_[stage].name + "'";
  } while (stage != start);
  if (length > shown_max)
    circle += " ... (" + std::to_string(length) + " stages)";
  throw pipeline_error(edge_path(start, unsorted_edge(start))
                       + "the stages wait for each other in a circle: " + circle);
}

} // namespace quire::actors

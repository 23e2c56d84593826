#include "quire/actors/large_outputs.hpp"

#include "quire/actors/log.hpp"
#include "quire/storage/error.hpp"

#include <string>
#include <utility>

namespace quire::actors {

void large_outputs::settle(const task_assignment& task, task_outcome& outcome) const {
  using verdict = task_outcome::verdict;
  outcome.output_file.clear();
  if (outcome.detail.size() > detail_bytes_max)
    outcome.detail = R"({"dropped_bytes":)" + std::to_string(outcome.detail.size()) + "}";
  bool useful = outcome.what == verdict::completed || outcome.what == verdict::partial_success;
  if (!useful || outcome.output.size() <= inline_max)
    return;
  if (outcome.output.size() > output_bytes_max) {
    outcome = task_outcome::failure("its output has " + std::to_string(outcome.output.size())
                                      + " bytes, and 64 MiB are the most that is kept; nothing of "
                                        "it was; write it elsewhere and return where it is",
                                    error_class::permanent);
    return;
  }
  if (!files)
    return;
  try {
    outcome.output_file = files->put(task.id, task.epoch, outcome.output);
    outcome.output.clear();
    outcome.output.shrink_to_fit();
  } catch (const storage::error& failure) {
    log(log_level::warn, "worker", failure.what());
  }
}

} // namespace quire::actors

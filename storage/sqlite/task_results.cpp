#include "quire/storage/sqlite/task_results.hpp"

#include "quire/storage/error.hpp"

#include <optional>
#include <string_view>

namespace quire::storage {

namespace {

// One that runs under the claim that wrote it may still name it.
constexpr std::string_view needed_sql = R"(
  SELECT 1
  FROM quire_task t
    LEFT JOIN quire_task_result r ON r.id = t.id
  WHERE t.id = ?1 AND ((t.state = 3 AND t.epoch = ?2) OR r.file = ?3))";

} // namespace

std::string output_in_file(snapshot& db, task_id task, const std::string& name) {
  result_files files(db.database_path());
  auto output = files.read(name);
  if (!output)
    throw error(errc::not_found, "the output of task " + std::to_string(task.value)
                                   + " is not there: it was in the file " + files.path_of(name)
                                   + "; nothing was changed; put the file back, or start the task "
                                     "again");
  return std::move(*output);
}

std::int64_t remove_unnamed(snapshot& db, std::span<const result_files::entry> files) {
  result_files folder(db.database_path());
  std::int64_t removed = 0;
  std::optional<error> first;
  for (auto& [name, task, epoch] : files) {
    auto stmt = db.prepare(needed_sql);
    if (stmt->bind(task.value, epoch, name).step())
      continue;
    try {
      folder.remove(name);
      ++removed;
    } catch (const error& failure) {
      if (!first)
        first = failure;
    }
  }
  if (first)
    throw error(*first);
  return removed;
}

} // namespace quire::storage

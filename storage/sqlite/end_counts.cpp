#include "quire/storage/sqlite/end_counts.hpp"

#include "quire/storage/sqlite/connection.hpp"

#include <string_view>
#include <utility>

namespace quire::storage {

namespace {

// A row that is missing is for quire doctor to find: see the invariant `task_counts`.
constexpr std::string_view add_sql =
  "UPDATE quire_task_count SET tasks = tasks + ?2 WHERE state = ?1";

} // namespace

void end_counts::add(task_state state, std::int64_t tasks) noexcept {
  auto number = static_cast<std::size_t>(state);
  if (number >= first && number - first < more_.size())
    more_[number - first] += tasks;
}

std::int64_t end_counts::of(task_state state) const noexcept {
  auto number = static_cast<std::size_t>(state);
  return number >= first && number - first < more_.size() ? more_[number - first] : 0;
}

void end_counts::write(connection& db) {
  // What is written is not counted any more: where no transaction is open, it is committed.
  for (std::size_t i = 0; i < more_.size(); ++i)
    if (auto more = std::exchange(more_[i], 0); more != 0)
      db.prepare(add_sql)->bind(static_cast<std::int64_t>(first + i), more).run();
}

} // namespace quire::storage

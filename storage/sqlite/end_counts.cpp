#include "quire/storage/sqlite/end_counts.hpp"

#include "quire/storage/sqlite/connection.hpp"

#include <string_view>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view add_sql = R"(
  UPDATE quire_commit
  SET completed = completed + ?1, partial = partial + ?2, failed = failed + ?3,
      cancelled = cancelled + ?4, skipped = skipped + ?5
  WHERE id = 1)";

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
  if (empty())
    return;
  // Before it is written: where no transaction is open, that commits.
  auto more = std::exchange(more_, {});
  db.prepare(add_sql)->bind(more[0], more[1], more[2], more[3], more[4]).run();
}

} // namespace quire::storage

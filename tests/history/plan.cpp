#include "quire/tests/history/plan.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace quire::tests {

namespace {

// After so many writes the next list takes the place of the oldest.
constexpr std::int64_t writes_of_a_list = 12;
constexpr std::int64_t lists_at_a_time = 6;
constexpr std::int64_t registers = 4;

constexpr std::string_view count_writes = "SELECT coalesce(max(position), 0) FROM written";

sql_statement read_list(key of) {
  return {"SELECT value FROM element WHERE list = ?1 ORDER BY id", {of}};
}

std::int64_t first_number(const row_set& rows, std::int64_t otherwise) {
  return rows.rows.empty() ? otherwise : rows.rows[0].at(0).integer();
}

std::vector<std::int64_t> numbers_of(const row_set& rows) {
  std::vector<std::int64_t> result;
  for (auto& row : rows.rows)
    result.push_back(row.at(0).integer());
  return result;
}

} // namespace

const std::string_view history_tables = R"(
CREATE TABLE written(position INTEGER PRIMARY KEY, id INTEGER NOT NULL) STRICT;
CREATE TABLE element(id INTEGER PRIMARY KEY, list INTEGER NOT NULL, value INTEGER NOT NULL) STRICT;
CREATE INDEX element_of_list ON element(list);
CREATE TABLE register(id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE bomb(x INTEGER);
CREATE TRIGGER bomb_goes_off BEFORE INSERT ON bomb BEGIN SELECT RAISE(ROLLBACK, 'bomb'); END;
)";

key planner::list_near(std::int64_t position) {
  return position / writes_of_a_list + static_cast<key>(below(lists_at_a_time));
}

write_operation planner::write(std::int64_t position) {
  write_operation result;
  auto count = 1 + below(3);
  for (std::uint64_t i = 0; i < count; ++i)
    result.appends.push_back(list_near(position));
  if (below(2) == 0) // Twice, with something between them: what is in the middle must not show.
    result.appends.push_back(result.appends.front());
  if (below(2) == 0)
    result.sets.push_back(static_cast<key>(below(registers)));
  return result;
}

sabotage planner::failing() {
  auto drawn = below(32);
  return drawn == 0 ? sabotage::together : drawn < 4 ? sabotage::alone : sabotage::none;
}

std::vector<key> planner::some_lists(std::int64_t position) {
  return {list_near(position), list_near(position)};
}

std::vector<key> planner::some_registers() {
  return {static_cast<key>(below(registers))};
}

std::vector<sql_statement> statements_of(const write_operation& write, sabotage how) {
  std::vector<sql_statement> result;
  result.push_back({std::string{count_writes}, {}});
  result.push_back(read_list(write.appends.front()));
  result.push_back({"INSERT INTO written(id) VALUES(?1)", {write.id}});
  std::int64_t index = 0;
  for (auto of : write.appends)
    result.push_back(
      {"INSERT INTO element(list, value) VALUES(?1, ?2)", {of, value_of(write.id, index++)}});
  for (auto of : write.sets)
    result.push_back(
      {"INSERT INTO register VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET value = ?2",
       {of, value_of(write.id, index++)}});
  if (how == sabotage::alone)
    result.push_back({"INSERT INTO written SELECT position, id FROM written LIMIT 1", {}});
  if (how == sabotage::together)
    result.push_back({"INSERT INTO bomb VALUES(1)", {}});
  return result;
}

seen_state seen_by_write(const write_operation& write, std::span<const row_set> rows) {
  seen_state seen;
  seen.writes_first = seen.writes_last = first_number(rows[0], 0);
  seen.lists.emplace_back(write.appends.front(), numbers_of(rows[1]));
  return seen;
}

std::vector<sql_statement> statements_of(const std::vector<key>& lists,
                                         const std::vector<key>& of_registers) {
  std::vector<sql_statement> result;
  result.push_back({std::string{count_writes}, {}});
  for (auto of : lists)
    result.push_back(read_list(of));
  for (auto of : of_registers)
    result.push_back({"SELECT value FROM register WHERE id = ?1", {of}});
  result.push_back({std::string{count_writes}, {}});
  return result;
}

seen_state seen_by_read(const std::vector<key>& lists, const std::vector<key>& of_registers,
                        std::span<const row_set> rows) {
  seen_state seen;
  std::size_t at = 0;
  seen.writes_first = first_number(rows[at++], 0);
  for (auto of : lists)
    seen.lists.emplace_back(of, numbers_of(rows[at++]));
  for (auto of : of_registers)
    seen.registers.emplace_back(of, first_number(rows[at++], 0));
  seen.writes_last = first_number(rows[at], 0);
  return seen;
}

} // namespace quire::tests

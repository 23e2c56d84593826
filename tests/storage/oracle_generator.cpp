#include "quire/tests/storage/oracle_generator.hpp"

#include "quire/tests/storage/oracle_sql.hpp"

#include <stdexcept>

namespace quire::tests {

namespace {

/// How a function ends.
enum class finish { normal, event, exception, not_an_exception, own_error };

void end_like(finish how, storage::transaction& tx) {
  switch (how) {
    case finish::normal: return;
    case finish::event: return tx.announce({event::topic::task_finished, 7});
    case finish::exception: throw std::runtime_error("a function failed");
    case finish::not_an_exception: throw 7;
    case finish::own_error: throw storage::error(errc::not_found, "no task 3");
  }
}

} // namespace

std::vector<oracle_member> oracle_generator::next_batch() {
  auto mood = chance_.below(4); // 0, 1: calm; 2: mixed; 3: wild.
  spoiling_ = mood < 2 ? 0 : mood == 2 ? 4 : 15;
  failing_ = mood == 0 ? 5 : 35;
  schema_ = !schema_changes_ ? 0 : chance_.happens(30) ? 25 : 1;
  std::vector<oracle_member> result;
  for (auto count = 1 + chance_.below(32); count > 0; --count)
    result.push_back(next());
  return result;
}

oracle_member oracle_generator::next() {
  auto kind = chance_.below(20);
  auto result = kind < 9    ? one_statement()
                : kind < 13 ? several_statements()
                : kind < 19 ? function()
                            : counting_function();
  result.apart = chance_.happens(4);
  result.how_sure = chance_.happens(2) ? durability::full : durability::normal;
  result.text += result.single ? " [single]" : "";
  result.text += result.apart ? " [alone]" : "";
  return result;
}

std::string oracle_generator::filled(std::string_view pattern) {
  std::string result;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    auto what = pattern[i] == '$' && i + 1 < pattern.size() ? pattern[i + 1] : ' ';
    if (what == 'k' || what == 'm')
      result += std::to_string(chance_.below(30));
    else if (what == 'd')
      result += std::to_string(chance_.below(9));
    else if (what == 'w')
      result += oracle_sql::words()[chance_.below(oracle_sql::words().size())];
    else
      result += pattern[i];
    i += what == 'k' || what == 'm' || what == 'd' || what == 'w' ? 1 : 0;
  }
  return result;
}

std::string oracle_generator::any_of(std::span<const char* const> list) {
  return filled(list[chance_.below(list.size())]);
}

oracle_generator::step oracle_generator::any_step() {
  auto choice = static_cast<int>(chance_.below(100));
  if (choice < spoiling_)
    return {any_of(oracle_sql::spoiling())};
  if (choice < spoiling_ + failing_)
    return {any_of(oracle_sql::failing())};
  if (choice < spoiling_ + failing_ + schema_)
    return {any_of(oracle_sql::schema())};
  if (choice == 99)
    return {any_of(oracle_sql::endless()), false, static_cast<int>(chance_.between(2, 5))};
  step result{any_of(oracle_sql::usual())};
  result.rows_max = chance_.happens(3) ? 1 : 1000;
  return result;
}

void oracle_generator::perform(storage::transaction& tx, observations& seen, const step& one,
                               asked_limit& limit) {
  if (one.calls > 0)
    limit.stop_after(one.calls);
  try {
    auto rows = tx.query({one.sql, {}}, static_cast<std::size_t>(one.rows_max));
    seen.emplace_back(rows.rows.size());
    for (auto& name : rows.columns)
      seen.emplace_back(name);
    for (auto& row : rows.rows)
      seen.insert(seen.end(), row.begin(), row.end());
    limit.begin();
  } catch (const storage::error& failure) {
    seen.emplace_back(static_cast<int>(failure.code()));
    limit.begin();
    if (!one.caught)
      throw;
  }
}

oracle_member oracle_generator::made_of(std::vector<step> steps) {
  oracle_member result;
  for (auto& one : steps) {
    result.text += (result.text.empty() ? "" : "; ") + one.sql;
    if (one.caught)
      result.text += " [caught]";
    if (one.calls > 0)
      result.text += " [interrupted]";
    if (one.rows_max == 1)
      result.text += " [one row at most]";
  }
  result.work = [steps = std::move(steps), limit = limit_](auto& tx, auto& seen) {
    for (auto& one : steps)
      perform(tx, seen, one, *limit);
  };
  return result;
}

oracle_member oracle_generator::one_statement() {
  auto result = made_of({any_step()});
  result.single = true;
  return result;
}

oracle_member oracle_generator::several_statements() {
  std::vector<step> steps;
  for (auto count = chance_.between(2, 4); count > 0; --count)
    steps.push_back(any_step());
  // No count of changes tells of these.
  if (schema_ > 1 && chance_.happens(50)) {
    steps.front() = {any_of(oracle_sql::schema())};
    steps.back() = {any_of(oracle_sql::failing())};
  }
  return made_of(std::move(steps));
}

/// Goes on after some of its errors, tells something, throws something.
oracle_member oracle_generator::function() {
  std::vector<step> steps;
  for (auto count = chance_.between(1, 4); count > 0; --count) {
    steps.push_back(any_step());
    steps.back().caught = chance_.happens(60);
  }
  auto result = made_of(std::move(steps));
  auto how = chance_.happens(60) ? finish::normal : static_cast<finish>(chance_.between(1, 4));
  if (how != finish::normal)
    result.text += " [ends as " + std::to_string(static_cast<int>(how)) + "]";
  result.work = [work = result.work, how](auto& tx, auto& seen) {
    tx.announce({event::topic::task_ready, static_cast<std::int64_t>(seen.size())});
    work(tx, seen);
    end_like(how, tx);
  };
  return result;
}

/// Reads, and writes what follows from it.
oracle_member oracle_generator::counting_function() {
  oracle_member result;
  auto key = chance_.between(0, 29);
  auto refuses = chance_.happens(20);
  result.text = "counts and writes " + std::to_string(key);
  result.work = [key, refuses](auto& tx, auto& seen) {
    auto sums = tx.query({"SELECT count(*), total(n), max(k) FROM item", {}}).rows.at(0);
    auto count = sums[0].integer();
    auto changed = tx.execute("UPDATE item SET n = ?1 WHERE k = ?2", count % 40, key);
    if (changed == 0)
      changed = -tx.execute("INSERT INTO item(k, n) VALUES(?1, ?2)", key, count % 40);
    seen.insert(seen.end(), sums.begin(), sums.end());
    seen.emplace_back(changed);
    seen.emplace_back(changed < 0 ? tx.last_insert_rowid() : 0);
    tx.announce({event::topic::task_ready, count});
    if (refuses && count % 2 == 0)
      throw storage::error(errc::conflict, "an even number of items");
  };
  return result;
}

} // namespace quire::tests

#include "quire/storage/sqlite/statement_cache.hpp"

namespace quire::storage {

statement_cache::lease statement_cache::take(sqlite3* db, std::string_view sql) {
  auto found = by_sql_.find(sql);
  if (found != by_sql_.end() && !found->second->lent)
    return lend(found->second);
  auto result = take_new(db, sql);
  result.place_->known = by_sql_.try_emplace(result.place_->sql, result.place_).second;
  return result;
}

std::optional<statement_cache::lease> statement_cache::take_checked(std::string_view sql) {
  auto found = by_sql_.find(sql);
  if (found == by_sql_.end() || found->second->lent || !found->second->checked)
    return std::nullopt;
  return lend(found->second);
}

statement_cache::lease statement_cache::lend(entries::iterator place) noexcept {
  ++hits_;
  place->lent = true;
  lent_.splice(lent_.begin(), idle_, place);
  return {this, place};
}

statement_cache::lease statement_cache::take_new(sqlite3* db, std::string_view sql) {
  ++misses_;
  auto stmt = std::make_unique<statement>(db, sql);
  return {this,
          lent_.insert(lent_.begin(), {std::string{sql}, std::move(stmt), true, false, false})};
}

void statement_cache::clear() noexcept {
  for (auto& known : idle_)
    by_sql_.erase(known.sql);
  idle_.clear();
}

void statement_cache::give_back(entries::iterator place) noexcept {
  if (!place->known) {
    lent_.erase(place);
    return;
  }
  place->stmt->reset();
  place->lent = false;
  idle_.splice(idle_.begin(), lent_, place);
  while (idle_.size() > capacity_) {
    by_sql_.erase(idle_.back().sql);
    idle_.pop_back();
  }
}

} // namespace quire::storage

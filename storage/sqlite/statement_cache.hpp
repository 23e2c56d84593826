#pragma once

#include "quire/storage/sqlite/statement.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace quire::storage {

/// Keeps the statements of one connection compiled, the most recently used
/// `capacity` of them. Same thread rule as `statement`.
class statement_cache {
public:
  explicit statement_cache(std::size_t capacity) : capacity_(capacity) {}

  statement_cache(const statement_cache&) = delete;
  statement_cache& operator=(const statement_cache&) = delete;

private:
  struct entry {
    std::string sql;
    std::unique_ptr<statement> stmt;
    bool lent = false;
    bool known = true;    // In by_sql_; a second copy of a statement is not.
    bool checked = false; // Its text, by whoever took it with `take_checked`.
  };
  using entries = std::list<entry>;

public:
  /// A statement on loan. Its end rewinds the statement, forgets what was bound
  /// and gives it back, on every path. It must not outlive the connection.
  class lease {
  public:
    lease(lease&& other) noexcept
      : home_(std::exchange(other.home_, nullptr)), place_(other.place_) {}
    lease& operator=(lease&&) = delete;
    ~lease() {
      if (home_)
        home_->give_back(place_);
    }

    statement& operator*() const noexcept { return *place_->stmt; }
    statement* operator->() const noexcept { return place_->stmt.get(); }

  private:
    friend class statement_cache;
    lease(statement_cache* home, entries::iterator place) : home_(home), place_(place) {}

    statement_cache* home_;
    entries::iterator place_;
  };

  /// Returns the statement for `sql`, compiled at most once while it stays in
  /// the cache. A statement that is on loan already is compiled a second time.
  /// @throws error with `errc::sql` if it does not compile.
  lease take(sqlite3* db, std::string_view sql);

  /// Returns the statement for `sql` if it is in the cache, was given a mark before by
  /// `mark_checked`, and is not on loan.
  std::optional<lease> take_checked(std::string_view sql);

  /// Marks what is on loan as checked, for as long as it stays in the cache.
  static void mark_checked(const lease& loan) noexcept { loan.place_->checked = true; }

  /// Returns a statement that was compiled for this loan and is not kept.
  /// @throws error as above.
  lease take_new(sqlite3* db, std::string_view sql);

  /// Finalizes every statement that is not on loan.
  void clear() noexcept;

  std::size_t size() const noexcept { return idle_.size(); }
  std::uint64_t hits() const noexcept { return hits_; }
  std::uint64_t misses() const noexcept { return misses_; }

private:
  lease lend(entries::iterator place) noexcept;
  void give_back(entries::iterator place) noexcept;

  std::size_t capacity_;
  // A loan moves a node between the lists: a hit allocates nothing.
  entries idle_; // The most recently used one comes first.
  entries lent_;
  std::unordered_map<std::string_view, entries::iterator> by_sql_; // Keys live in the entries.
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
};

} // namespace quire::storage

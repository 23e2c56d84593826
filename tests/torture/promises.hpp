#pragma once

#include "quire/tests/torture/requests.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace quire::tests {

/// How a database was lost sight of.
enum class disaster : std::uint8_t {
  none,       ///< It was closed, or the process died: all that was written is there.
  power_loss, ///< What was not synchronized is there or not.
};

/// Keeps what clients were told, and compares it with what a database holds.
class promise_book {
public:
  explicit promise_book(bool triggers) : triggers_(triggers) {}

  /// Takes note of the results of one batch. `disturbed`: a fault or a power cut came
  /// in between, so that requests may have failed for that.
  void note(std::span<const request> asked, const std::vector<storage::member_result>& told,
            bool disturbed);

  /// What was told until now is on the disk for good.
  void note_durable() { durable_ = told_; }

  /// Looks whether all is true that was told, and nothing else is there. From then on
  /// what was found counts as told. `exact`: only one
  /// transaction can have been open when it failed, and none was numbered beside
  /// those that were told.
  /// @throws storage::error if it cannot look; then nothing has changed.
  void check(storage::connection& db, disaster after, bool exact);

  /// Checks what a reader sees in an open snapshot. @throws storage::error
  void check_snapshot(storage::connection& reader);

  void accuse(const std::string& what) { violations_.push_back(what); }
  const std::vector<std::string>& violations() const noexcept { return violations_; }

  std::int64_t committed() const noexcept { return committed_; } ///< Requests, ever.
  std::int64_t refused() const noexcept { return refused_; }
  std::int64_t unknown() const noexcept { return unknown_; }
  std::int64_t taken_back() const noexcept { return taken_back_; } ///< By a power loss, rightly.

private:
  struct entry {
    std::int64_t rows = 0;
    std::int64_t filler = 0;
    std::array<std::int64_t, torture_accounts> moved{};
    bool family = false;
    bool known = true; ///< Whether its outcome is known.
    bool told = true;  ///< Whether that is what its client was told.
    std::uint64_t seq = 0;
    std::int64_t last_rowid = 0; ///< 0 if unknown.
  };

  /// What the rows of one request are like.
  struct found_rows {
    std::int64_t count = 0;
    std::int64_t last_rowid = 0;
    bool whole = false; ///< Steps and content are as they must be.
  };

  void note_one(const request& what, const storage::member_result& told, bool disturbed);
  void note_numbers(const std::vector<storage::member_result>& told, bool disturbed);
  void check_number(std::uint64_t stored, disaster after, bool exact, bool unknown_is_there);
  void check_entry(std::int64_t id, entry& one, const found_rows& found, std::uint64_t stored);
  void check_sums(storage::connection& db);
  std::map<std::int64_t, found_rows> rows_of_requests(storage::connection& db) const;

  bool triggers_;
  std::map<std::int64_t, entry> entries_;
  std::uint64_t told_ = 0;    ///< The last number that was told.
  std::uint64_t durable_ = 0; ///< Up to this number all survives a power loss.
  std::int64_t committed_ = 0;
  std::int64_t refused_ = 0;
  std::int64_t unknown_ = 0;
  std::int64_t taken_back_ = 0;
  std::vector<std::string> violations_;
};

} // namespace quire::tests

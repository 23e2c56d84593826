#pragma once

#include "quire/messages/types/sql.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace quire::tests {

/// How a life of the simulated process ended, the worst last.
enum class ending : std::uint8_t {
  drained,   ///< In order.
  crashed,   ///< The process died; what it wrote is there.
  power_cut, ///< What was not synchronized may be gone.
};

/// What the clients of a simulation wanted to be in the database, and what they
/// were promised about it. Each thing has a number of its own and consists of
/// `parts` rows, which must be there all or not at all.
class ledger {
public:
  ledger(std::string what, int parts) : what_(std::move(what)), parts_(parts) {}

  /// Somebody is about to ask for a thing; returns its number.
  std::int64_t attempt();

  /// It was confirmed, in the batch `commit_seq` if that is known.
  void confirm(std::int64_t number, durability sync, std::uint64_t commit_seq = 0);

  /// Its failure said that nothing of it was done.
  void refuse(std::int64_t number);

  /// Compares with how many parts of which numbers are in the database, in the
  /// first look after a life that ended as `how`. Returns what is wrong.
  std::vector<std::string> compare(const std::map<std::int64_t, int>& found, ending how);

  std::int64_t confirmed() const noexcept { return confirmed_; }

private:
  enum class state : std::uint8_t { unknown, there, absent };

  struct entry {
    state known = state::unknown;
    durability sync = durability::normal;
    std::uint64_t commit_seq = 0; // Of this life; 0 for unknown.
  };

  bool must_be_there(const entry& thing, ending how) const;
  std::string complaint(std::int64_t number, const std::string& text) const;

  std::string what_;
  int parts_;
  std::vector<entry> entries_; // By number, from 1.
  std::int64_t confirmed_ = 0;
};

} // namespace quire::tests

#include "quire/tests/simulation/ledger.hpp"

#include <algorithm>

namespace quire::tests {

std::int64_t ledger::attempt() {
  entries_.emplace_back();
  return static_cast<std::int64_t>(entries_.size());
}

void ledger::confirm(std::int64_t number, durability sync, std::uint64_t commit_seq) {
  entries_.at(static_cast<std::size_t>(number - 1)) = {state::there, sync, commit_seq};
  ++confirmed_;
}

void ledger::refuse(std::int64_t number) {
  entries_.at(static_cast<std::size_t>(number - 1)).known = state::absent;
}

bool ledger::must_be_there(const entry& thing, ending how) const {
  return thing.known == state::there
         && (thing.sync == durability::full || how != ending::power_cut);
}

std::string ledger::complaint(std::int64_t number, const std::string& text) const {
  return what_ + " " + std::to_string(number) + " " + text;
}

std::vector<std::string> ledger::compare(const std::map<std::int64_t, int>& found, ending how) {
  std::vector<std::string> wrong;
  std::uint64_t last_seq = 0; // Of what is there: nothing before it may be missing.
  for (auto& [number, parts] : found) {
    if (number < 1 || number > static_cast<std::int64_t>(entries_.size()))
      wrong.push_back(complaint(number, "is there, and nobody asked for it"));
    else
      last_seq = std::max(last_seq, entries_[static_cast<std::size_t>(number - 1)].commit_seq);
    if (parts != parts_)
      wrong.push_back(complaint(number, "has " + std::to_string(parts) + " parts"));
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto& thing = entries_[i];
    auto number = static_cast<std::int64_t>(i + 1);
    auto there = found.contains(number);
    if (there && thing.known == state::absent)
      wrong.push_back(complaint(number, "is there although it was said or seen not to be"));
    if (!there && must_be_there(thing, how))
      wrong.push_back(complaint(number, "was confirmed and is lost"));
    if (!there && thing.commit_seq > 0 && thing.commit_seq < last_seq)
      wrong.push_back(complaint(number, "is missing, and a later one is there"));
    // What a power cut left will survive the next one, too.
    auto safe = there && how == ending::power_cut;
    thing = {there ? state::there : state::absent, safe ? durability::full : thing.sync, 0};
  }
  return wrong;
}

} // namespace quire::tests

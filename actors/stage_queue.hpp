#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace quire::actors {

/// Which stages are being worked on, and whether to look for others: a few at a
/// time, one look at a time, and never the same stage twice at a time.
template <class Id>
class stage_queue {
public:
  explicit stage_queue(std::size_t stages_max) : stages_max_(stages_max) {}

  /// There may be a stage to work on.
  void wake() { wanted_ = true; }

  /// Time has passed: the stages that were put off may be worked on, too.
  void wake_all() {
    postponed_.clear();
    wanted_ = true;
  }

  /// Begins a look, if one is wanted, none is under way and there is room.
  bool begin_look() {
    if (!wanted_ || looking_ || active_.size() >= stages_max_)
      return false;
    wanted_ = false;
    return looking_ = true;
  }

  void end_look() { looking_ = false; }

  /// Returns how many stages a look should find, at most.
  std::size_t room() const noexcept { return stages_max_ - active_.size(); }

  /// Returns those that a look must pass over, or they would leave no place for
  /// others: the stages in work, and those that were put off.
  std::set<Id> passed_over() const {
    auto stages = postponed_;
    stages.insert(active_.begin(), active_.end());
    return stages;
  }

  /// Takes a stage that a look found: returns whether to work on it now. One for
  /// which there is no room is found again later.
  bool take(Id stage) {
    if (active_.contains(stage) || postponed_.contains(stage))
      return false;
    if (active_.size() >= stages_max_) {
      wanted_ = true;
      return false;
    }
    active_.insert(stage);
    return true;
  }

  /// The work on a stage ended, finished or not. There is a look for others, and
  /// for this one: it may have started over meanwhile.
  void release(Id stage) {
    active_.erase(stage);
    wanted_ = true;
  }

  /// The same for one that failed: it is left alone until `wake_all`, so that it
  /// is neither tried without a pause nor in the way of others.
  void postpone(Id stage) {
    release(stage);
    postponed_.insert(stage);
  }

  std::size_t active() const noexcept { return active_.size(); }
  bool idle() const noexcept { return active_.empty() && !looking_; }

private:
  std::size_t stages_max_;
  std::set<Id> active_;
  std::set<Id> postponed_;
  bool wanted_ = true;
  bool looking_ = false;
};

/// Keeps the last few values that were used.
template <class Key, class Value>
class recently_used {
public:
  explicit recently_used(std::size_t count_max) : count_max_(count_max) {}

  /// Returns the value of `key`, or null.
  std::shared_ptr<const Value> find(Key key) {
    auto found = entries_.find(key);
    if (found == entries_.end())
      return nullptr;
    found->second.used = ++uses_;
    return found->second.value;
  }

  void put(Key key, std::shared_ptr<const Value> value) {
    entries_[key] = {std::move(value), ++uses_};
    if (entries_.size() <= count_max_)
      return;
    auto oldest = entries_.begin();
    for (auto next = entries_.begin(); next != entries_.end(); ++next)
      if (next->second.used < oldest->second.used)
        oldest = next;
    entries_.erase(oldest);
  }

  void forget(Key key) { entries_.erase(key); }
  std::size_t size() const noexcept { return entries_.size(); }

private:
  struct entry {
    std::shared_ptr<const Value> value;
    std::size_t used = 0;
  };

  std::size_t count_max_;
  std::size_t uses_ = 0;
  std::map<Key, entry> entries_;
};

} // namespace quire::actors

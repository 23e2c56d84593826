#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace quire::actors {

/// Those who wait for objects to end, and which of these objects have to be
/// looked at next. One look-up is under way at a time, so that many waiters cost
/// few reads.
///
/// Whoever waits is known before the first look-up of its object begins: an end
/// that comes in between is seen by that look-up, or announced after it.
template <class Id, class Answer>
class waiters {
public:
  void add(Id object, Answer answer) {
    waiting_[object].push_back(std::move(answer));
    ++count_;
    pending_.insert(object);
  }

  /// Something happened to `object`: it is looked at if anybody waits for it.
  void changed(Id object) {
    if (waiting_.contains(object))
      pending_.insert(object);
  }

  /// Looks at up to `limit` objects although nothing was heard of them; in turn,
  /// if there are more.
  void recheck(std::size_t limit) {
    auto next = waiting_.upper_bound(rechecked_);
    for (std::size_t i = 0; i < limit && i < waiting_.size(); ++i) {
      if (next == waiting_.end())
        next = waiting_.begin();
      rechecked_ = next->first;
      pending_.insert(rechecked_);
      ++next;
    }
  }

  /// Begins a look-up of up to `limit` objects. Nothing is returned while one is
  /// under way, or if there is nothing to look at.
  std::vector<Id> begin_look_up(std::size_t limit) {
    std::vector<Id> objects;
    if (looking_)
      return objects;
    while (objects.size() < limit && !pending_.empty())
      objects.push_back(pending_.extract(pending_.begin()).value());
    looking_ = !objects.empty();
    return objects;
  }

  void end_look_up() { looking_ = false; }

  /// Returns who waited for `object`; nobody does any more.
  std::vector<Answer> take(Id object) {
    auto found = waiting_.extract(object);
    pending_.erase(object);
    count_ -= found ? found.mapped().size() : 0;
    return found ? std::move(found.mapped()) : std::vector<Answer>{};
  }

  /// How many wait.
  std::size_t count() const noexcept { return count_; }

  /// For how many objects somebody waits.
  std::size_t size() const noexcept { return waiting_.size(); }

private:
  std::map<Id, std::vector<Answer>> waiting_;
  std::set<Id> pending_;
  std::size_t count_ = 0;
  Id rechecked_{};
  bool looking_ = false;
};

} // namespace quire::actors

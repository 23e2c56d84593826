#include "quire/storage/sqlite/claim_choice.hpp"

#include <algorithm>
#include <queue>
#include <utility>

namespace quire::storage {

namespace {

/// Takes tasks while there is room and somebody for them.
class taker {
public:
  taker(lane_rooms& rooms, std::size_t count, claim_ahead ahead)
    : rooms_(rooms), count_(count), ahead_(std::move(ahead)) {}

  bool take(const claim_candidate& one) {
    if (rooms_.room(one.lane) == 0)
      return false;
    if (count_ > 0) {
      --count_;
    } else if (one.only_now) {
      return false;
    } else if (!one.ahead && ahead_.soon > 0) {
      --ahead_.soon;
    } else if (one.ahead && ahead_.count > 0 && ahead_.quick[one.kind] <= ahead_.time) {
      --ahead_.count;
      ahead_.time -= ahead_.quick[one.kind];
    } else {
      return false;
    }
    rooms_.take(one.lane);
    return true;
  }

  /// Whether it will take any more.
  bool done() const noexcept { return count_ + ahead_.soon + ahead_.count == 0; }

private:
  lane_rooms& rooms_;
  std::size_t count_;
  claim_ahead ahead_;
};

/// The tasks of one tenant, the next one first.
struct line {
  std::vector<claim_candidate> tasks;
  std::size_t next = 0;
};

/// When the next task of a tenant is looked at.
struct turn {
  std::int64_t standing = 0;
  std::int64_t ord = 0;
  std::int64_t id = 0;
  std::size_t tenant = 0;

  friend bool operator>(const turn& a, const turn& b) {
    return std::tie(a.standing, a.ord, a.id) > std::tie(b.standing, b.ord, b.id);
  }
};

std::vector<claim_candidate> choose_by_turns(std::vector<claim_candidate> found,
                                             const lane_rooms& rooms, taker& taking,
                                             tenant_shares& shares) {
  std::vector<line> lines(rooms.tenants().size());
  for (auto& one : found)
    lines[rooms.lanes()[one.lane].tenant].tasks.push_back(std::move(one));
  std::priority_queue<turn, std::vector<turn>, std::greater<>> turns;
  auto stand = [&](std::size_t tenant) {
    auto& line = lines[tenant];
    if (line.next < line.tasks.size())
      turns.push({shares.standing(rooms.tenants()[tenant].name), line.tasks[line.next].ord,
                  line.tasks[line.next].id, tenant});
  };
  for (std::size_t tenant = 0; tenant < lines.size(); ++tenant)
    stand(tenant);
  std::vector<claim_candidate> chosen;
  while (!turns.empty() && !taking.done()) {
    auto tenant = turns.top().tenant;
    turns.pop();
    auto& one = lines[tenant].tasks[lines[tenant].next++];
    if (taking.take(one)) {
      shares.serve(rooms.tenants()[tenant].name, rooms.tenants()[tenant].weight);
      chosen.push_back(std::move(one));
    }
    stand(tenant);
  }
  shares.tidy();
  return chosen;
}

} // namespace

void choose(std::vector<claim_candidate>& found, lane_rooms& rooms, std::size_t count,
            claim_ahead ahead, tenant_shares& shares) {
  std::sort(found.begin(), found.end());
  taker taking(rooms, count, std::move(ahead));
  auto tenant_of = [&](const claim_candidate& one) { return rooms.lanes()[one.lane].tenant; };
  auto of_another = [&](const claim_candidate& one) { return tenant_of(one) != tenant_of(found.front()); };
  if (std::any_of(found.begin(), found.end(), of_another))
    found = choose_by_turns(std::move(found), rooms, taking, shares);
  else
    std::erase_if(found, [&](const claim_candidate& one) { return !taking.take(one); });
}

} // namespace quire::storage

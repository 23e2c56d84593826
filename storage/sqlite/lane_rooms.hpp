#pragma once

#include "quire/messages/types/breaker.hpp"
#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/transaction.hpp"
#include "quire/storage/token_bucket.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace quire::storage {

/// From which lanes (a lane is a queue, a kind and a tenant) tasks may be claimed now, and how
/// many: what limits of the three, rates and breakers leave of it. A lane whose queue or
/// tenant is paused, or in which nothing waits, is none. For `claim_tasks` only, within one transaction.
class lane_rooms {
public:
  lane_rooms(transaction& tx, std::span<const std::string> kinds, std::int64_t now_ms);

  struct lane {
    std::int64_t id = 0;
    std::size_t kind = 0;   ///< Its index in the list of kinds.
    std::size_t tenant = 0; ///< Its index in `tenants`.
  };

  struct tenant {
    std::string name; ///< Empty: of the tasks without one.
    std::int64_t weight = 1;
  };

  const std::vector<lane>& lanes() const noexcept { return lanes_; }

  const std::vector<tenant>& tenants() const noexcept { return tenants_; }

  /// Returns how many tasks of the lane with this index may be claimed.
  std::size_t room(std::size_t index) const noexcept;

  /// Takes room for one, which there must be.
  void take(std::size_t index) noexcept;

  /// Whether a claim of this kind costs nothing that another may need later: it may be made
  /// before there is a worker for it.
  bool free_of_limits(std::size_t kind) const noexcept { return kinds_[kind].free; }

  /// Whether a breaker guards the kind: it may open before a task begins that was claimed
  /// before its time.
  bool guarded(std::size_t kind) const noexcept { return kinds_[kind].guarded; }

  /// Lanes whose tasks are not to be started, but to end.
  struct ending_lane {
    std::int64_t id = 0;
    breaker_mode mode = breaker_mode::skip;
    std::string breaker;
  };

  const std::vector<ending_lane>& ending() const noexcept { return ending_; }

  /// Writes which tokens were taken.
  /// @returns when there may be more room although nothing else happens, if ever.
  std::optional<std::int64_t> save(transaction& tx);

private:
  using room_number = std::size_t;

  static constexpr room_number unlimited = 0;

  struct kind_state {
    bool free = true;
    bool guarded = false;
    room_number room = unlimited;
    room_number breaker = unlimited;
    std::optional<breaker_mode> ends_as; // Its breaker is open, and its tasks are to end.
    std::string breaker_name;
  };

  struct rated_kind {
    std::string name;
    token_bucket bucket;
    room_number room = unlimited;
    std::size_t room_before = 0;
  };

  kind_state read_kind(transaction& tx, const std::string& kind);
  room_number breaker_room(transaction& tx, const std::string& name, kind_state& of);
  room_number queue_room(snapshot& db, const std::string& queue, std::int64_t capacity);
  std::size_t tenant_of(snapshot& db, const statement& row);
  room_number add_room(std::size_t tasks);
  void look_again_at(std::int64_t time_ms);

  std::int64_t now_ms_;
  std::vector<std::size_t> left_;
  std::vector<kind_state> kinds_;
  std::vector<rated_kind> rated_;
  std::vector<lane> lanes_;
  std::vector<std::array<room_number, 4>> rooms_of_lanes_;
  std::vector<tenant> tenants_;
  std::vector<room_number> rooms_of_tenants_;
  std::vector<ending_lane> ending_;
  std::map<std::string, room_number> queues_;
  std::map<std::string, std::size_t, std::less<>> tenant_numbers_;
  std::map<std::string, kind_state> breakers_;
  std::optional<std::int64_t> again_at_ms_;
};

} // namespace quire::storage

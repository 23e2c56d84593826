#include "quire/storage/sqlite/lane_rooms.hpp"

#include "quire/storage/sqlite/kind_store.hpp"
#include "quire/storage/sqlite/task_sql.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view take_tokens_sql =
  "UPDATE quire_kind SET full_at_us = ?2 WHERE kind = ?1";

/// Returns how many more may start of which `capacity` may run at a time.
std::size_t places(std::int64_t capacity, std::int64_t running) {
  return capacity > running ? static_cast<std::size_t>(capacity - running) : 0;
}

template <class... Values>
std::int64_t count_of(snapshot& db, std::string_view sql, const Values&... values) {
  auto stmt = db.prepare(sql);
  return stmt->bind(values...).step() ? stmt->int64(0) : 0;
}

} // namespace

lane_rooms::lane_rooms(transaction& tx, std::span<const std::string> kinds, std::int64_t now_ms)
  : now_ms_(now_ms) {
  add_room(std::numeric_limits<std::size_t>::max());
  std::map<std::string, std::size_t, std::less<>> known; // A kind may be named twice.
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    kinds_.push_back(read_kind(tx, kinds[kind]));
    known.emplace(kinds[kind], kind);
  }
  auto stmt = tx.prepare(task_sql::waiting_lanes);
  while (stmt->step()) {
    auto found = known.find(stmt->text(6));
    if (found == known.end())
      continue;
    auto id = stmt->int64(0);
    auto kind = found->second;
    auto& state = kinds_[kind];
    if (state.ends_as) {
      ending_.push_back({id, *state.ends_as, state.breaker_name});
      continue;
    }
    auto queue = stmt->is_null(1) ? unlimited : queue_room(tx, stmt->text(2), stmt->int64(1));
    auto whose = tenant_of(tx, *stmt);
    lanes_.push_back({id, kind, whose});
    rooms_of_lanes_.push_back({state.room, state.breaker, queue, rooms_of_tenants_[whose]});
  }
}

std::size_t lane_rooms::room(std::size_t index) const noexcept {
  auto [kind, breaker, queue, whose] = rooms_of_lanes_[index];
  return std::min({left_[kind], left_[breaker], left_[queue], left_[whose]});
}

void lane_rooms::take(std::size_t index) noexcept {
  for (auto number : rooms_of_lanes_[index])
    --left_[number];
}

std::optional<std::int64_t> lane_rooms::save(transaction& tx) {
  for (auto& kind : rated_) {
    if (auto taken = kind.room_before - left_[kind.room]; taken > 0) {
      kind.bucket.take(taken, now_ms_ * 1000);
      tx.execute(take_tokens_sql, kind.name, kind.bucket.full_at_us());
    }
    if (auto next_us = kind.bucket.next_us(now_ms_ * 1000); next_us > now_ms_ * 1000)
      look_again_at((next_us + 999) / 1000);
  }
  return again_at_ms_;
}

lane_rooms::kind_state lane_rooms::read_kind(transaction& tx, const std::string& kind) {
  kind_state state;
  std::optional<std::int64_t> capacity;
  std::optional<token_bucket> bucket;
  std::string breaker;
  {
    auto stmt = tx.prepare(task_sql::kind_row);
    if (!stmt->bind(kind).step())
      return state;
    capacity = stmt->optional_int64(0);
    if (!stmt->is_null(1))
      bucket.emplace(read_rate(*stmt, 1), stmt->int64(4));
    if (!stmt->is_null(5))
      breaker = stmt->text(5);
  }
  state.free = false;
  state.guarded = !breaker.empty();
  if (state.guarded)
    state.breaker = breaker_room(tx, breaker, state);
  auto room = left_[unlimited];
  if (capacity)
    room = places(*capacity, count_of(tx, task_sql::running_of_kind, kind));
  if (bucket) {
    if (bucket->heed_clock(now_ms_ * 1000))
      tx.execute(take_tokens_sql, kind, bucket->full_at_us());
    room = std::min(room, bucket->tokens(now_ms_ * 1000));
  }
  if (capacity || bucket)
    state.room = add_room(room);
  if (bucket)
    rated_.push_back({kind, *bucket, state.room, room});
  return state;
}

lane_rooms::room_number lane_rooms::breaker_room(transaction& tx, const std::string& name,
                                                 kind_state& of) {
  auto [known, is_new] = breakers_.try_emplace(name);
  if (is_new) {
    if (auto row = read_breaker(tx, name)) {
      circuit_breaker breaker(row->policy, row->memory);
      breaker.heed_clock(now_ms_);
      if (breaker.memory() != row->memory)
        write_breaker(tx, name, breaker.memory());
      auto state = breaker.state(now_ms_);
      if (state == breaker_state::half_open)
        known->second.room = add_room(
          breaker.room(static_cast<std::size_t>(count_of(tx, task_sql::running_of_breaker, name,
                                                         *breaker.memory().probe_at_ms)),
                       now_ms_));
      else if (state == breaker_state::open)
        known->second.room = add_room(0);
      if (state == breaker_state::open && row->policy.mode != breaker_mode::hold)
        known->second.ends_as = row->policy.mode;
      if (auto when = breaker.half_open_at(now_ms_))
        look_again_at(*when);
    }
  }
  of.ends_as = known->second.ends_as;
  of.breaker_name = name;
  return known->second.room;
}

lane_rooms::room_number lane_rooms::queue_room(snapshot& db, const std::string& queue,
                                               std::int64_t capacity) {
  auto [known, is_new] = queues_.try_emplace(queue);
  if (is_new)
    known->second = add_room(places(capacity, count_of(db, task_sql::running_of_queue, queue)));
  return known->second;
}

/// `row` is one of `waiting_lanes`.
std::size_t lane_rooms::tenant_of(snapshot& db, const statement& row) {
  auto [known, is_new] = tenant_numbers_.try_emplace(row.text(3), tenants_.size());
  if (is_new) {
    auto& name = known->first;
    tenants_.push_back({name, row.is_null(4) ? 1 : row.int64(4)});
    rooms_of_tenants_.push_back(
      row.is_null(5)
        ? unlimited
        : add_room(places(row.int64(5), count_of(db, task_sql::running_of_tenant, name))));
  }
  return known->second;
}

lane_rooms::room_number lane_rooms::add_room(std::size_t tasks) {
  left_.push_back(tasks);
  return left_.size() - 1;
}

void lane_rooms::look_again_at(std::int64_t time_ms) {
  again_at_ms_ = again_at_ms_ ? std::min(*again_at_ms_, time_ms) : time_ms;
}

} // namespace quire::storage

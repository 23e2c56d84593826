#include "quire/storage/sqlite/kind_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/decisions.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/token_bucket.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view put_sql = R"(
  INSERT INTO quire_kind(kind, capacity, rate_count, rate_ms, burst, breaker)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT(kind) DO UPDATE
  SET full_at_us = CASE WHEN rate_count IS excluded.rate_count AND rate_ms IS excluded.rate_ms
                             AND burst IS excluded.burst THEN full_at_us ELSE 0 END,
      capacity = excluded.capacity, rate_count = excluded.rate_count, rate_ms = excluded.rate_ms,
      burst = excluded.burst, breaker = excluded.breaker)";

constexpr std::string_view drop_sql = "DELETE FROM quire_kind WHERE kind = ?1";

constexpr std::string_view policies_sql =
  "SELECT kind, capacity, rate_count, rate_ms, burst, full_at_us, breaker FROM quire_kind";

constexpr int many = 100'000;
constexpr std::chrono::milliseconds period_max{std::chrono::hours{30 * 24}};

using kinds = std::map<std::string, kind_record, std::less<>>;

void check(snapshot& db, const std::string& name, const kind_policy& policy) {
  auto within = [](auto x, auto low, auto high) { return x >= low && x <= high; };
  require(within(name.size(), 1U, 100U), "the name of a kind must be 1 to 100 bytes long");
  require(!policy.limit || within(*policy.limit, 1, many),
          "the limit of a kind must be 1 to 100000");
  if (auto& rate = policy.rate) {
    require(within(rate->count, 1, many), "count of a rate must be 1 to 100000");
    require(within(rate->burst, 1, many), "burst of a rate must be 1 to 100000");
    require(within(rate->period, std::chrono::milliseconds{1}, period_max),
            "the period of a rate must be 1 ms to 30 days");
    require(rate->count <= rate->period.count(), "a rate must be at most 1000 a second");
  }
  if (!policy.breaker.empty() && !read_breaker(db, policy.breaker))
    throw error(errc::not_found, "there is no breaker '" + policy.breaker
                                   + "'; nothing was changed; create it first");
}

kinds read_kinds(snapshot& db, std::int64_t now_ms) {
  kinds found;
  for (auto& lane : count_lanes(db)) {
    auto& kind = found[lane.kind];
    kind.ready += lane.ready;
    kind.running += lane.running;
  }
  {
    auto stmt = db.prepare(policies_sql);
    while (stmt->step()) {
      auto& kind = found[stmt->text(0)];
      if (!stmt->is_null(1))
        kind.policy.limit = static_cast<int>(stmt->int64(1));
      if (!stmt->is_null(2)) {
        auto& rate = kind.policy.rate.emplace(read_rate(*stmt, 2));
        auto next_us = token_bucket(rate, stmt->int64(5)).next_us(now_ms * 1000);
        if (next_us > now_ms * 1000)
          kind.next_start_ms = (next_us + 999) / 1000;
      }
      if (!stmt->is_null(6))
        kind.policy.breaker = stmt->text(6);
    }
  }
  for (auto& [name, kind] : found)
    kind.name = name;
  return found;
}

} // namespace

rate_limit read_rate(const statement& row, int first_column) {
  // A damaged file must not end the process: what is outside of its limits is taken for the
  // nearest that is not.
  auto within = [&](int column, std::int64_t most) {
    return std::clamp<std::int64_t>(row.int64(first_column + column), 1, most);
  };
  return {static_cast<int>(within(0, many)), std::chrono::milliseconds{within(1, period_max.count())},
          static_cast<int>(within(2, many))};
}

kind_record set_kind_policy(transaction& tx, const std::string& name, const kind_policy& policy,
                            std::int64_t now_ms) {
  check(tx, name, policy);
  if (policy == kind_policy{}) {
    tx.execute(drop_sql, name);
  } else {
    std::optional<std::int64_t> count;
    std::optional<std::int64_t> period_ms;
    std::optional<std::int64_t> burst;
    if (auto& rate = policy.rate) {
      count = rate->count;
      period_ms = rate->period.count();
      burst = rate->burst;
    }
    std::optional<std::string_view> breaker;
    if (!policy.breaker.empty())
      breaker = policy.breaker;
    tx.execute(put_sql, name, policy.limit, count, period_ms, burst, breaker);
  }
  announce_ready(tx);
  auto found = read_kinds(tx, now_ms);
  auto& kind = found[name];
  kind.name = name;
  return std::move(kind);
}

std::vector<kind_record> list_kinds(snapshot& db, std::int64_t now_ms) {
  std::vector<kind_record> result;
  for (auto& [name, kind] : read_kinds(db, now_ms))
    result.push_back(std::move(kind));
  return result;
}

} // namespace quire::storage

#include "quire/storage/sqlite/tenant_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/decisions.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/tenant_shares.hpp"

#include <map>
#include <string_view>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view put_sql = R"(
  INSERT INTO quire_tenant(tenant, weight, capacity, paused) VALUES(?1, ?2, ?3, ?4)
  ON CONFLICT(tenant) DO UPDATE
  SET weight = excluded.weight, capacity = excluded.capacity, paused = excluded.paused)";

// Of one that is as all are nothing has to be kept.
constexpr std::string_view drop_sql = "DELETE FROM quire_tenant WHERE tenant = ?1";

constexpr std::string_view policies_sql = "SELECT tenant, weight, capacity, paused FROM quire_tenant";

using tenants = std::map<std::string, tenant_record, std::less<>>;

void check(const std::string& name, const tenant_policy& policy) {
  auto within = [](auto x, auto low, auto high) { return x >= low && x <= high; };
  require(within(name.size(), 1U, 100U), "the name of a tenant must be 1 to 100 bytes long");
  require(within(std::int64_t{policy.weight}, std::int64_t{1}, tenant_shares::weight_max),
          "the weight of a tenant must be 1 to 1000");
  require(!policy.limit || within(*policy.limit, 1, 100'000),
          "the limit of a tenant must be 1 to 100000; to start none of its tasks, pause it");
}

tenants read_tenants(snapshot& db) {
  tenants found;
  for (auto& lane : count_lanes(db))
    add_lane(found[lane.tenant], lane);
  {
    auto stmt = db.prepare(policies_sql);
    while (stmt->step()) {
      auto& policy = found[stmt->text(0)].policy;
      policy.weight = static_cast<int>(stmt->int64(1));
      if (!stmt->is_null(2))
        policy.limit = static_cast<int>(stmt->int64(2));
      policy.paused = stmt->int64(3) != 0;
    }
  }
  for (auto& [name, tenant] : found)
    tenant.name = name;
  return found;
}

} // namespace

tenant_record set_tenant_policy(transaction& tx, const std::string& name,
                                const tenant_policy& policy) {
  check(name, policy);
  if (policy == tenant_policy{})
    tx.execute(drop_sql, name);
  else
    tx.execute(put_sql, name, policy.weight, policy.limit, policy.paused);
  announce_ready(tx);
  auto found = read_tenants(tx);
  auto& tenant = found[name];
  tenant.name = name;
  return std::move(tenant);
}

std::vector<tenant_record> list_tenants(snapshot& db) {
  std::vector<tenant_record> result;
  for (auto& [name, tenant] : read_tenants(db))
    result.push_back(std::move(tenant));
  return result;
}

} // namespace quire::storage

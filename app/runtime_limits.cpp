#include "quire/app/runtime.hpp"
#include "quire/app/runtime_impl.hpp"
#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/kind_store.hpp"
#include "quire/storage/sqlite/tenant_store.hpp"

namespace quire {

// What is decided about kinds and breakers is read with each claim: no service has to be told.

kind_record runtime::set_kind_policy(const std::string& kind, const kind_policy& policy) {
  impl_->require_open();
  impl_->require_schema();
  return write([kind, policy, now_ms = impl_->chosen.clock->unix_ms()](storage::transaction& tx) {
    return storage::set_kind_policy(tx, kind, policy, now_ms);
  });
}

std::vector<kind_record> runtime::kinds() {
  impl_->require_schema();
  return read([now_ms = impl_->chosen.clock->unix_ms()](storage::snapshot& db) {
    return storage::list_kinds(db, now_ms);
  });
}

tenant_record runtime::set_tenant_policy(const std::string& tenant, const tenant_policy& policy) {
  impl_->require_open();
  impl_->require_schema();
  return write([tenant, policy](storage::transaction& tx) {
    return storage::set_tenant_policy(tx, tenant, policy);
  });
}

std::vector<tenant_record> runtime::tenants() {
  impl_->require_schema();
  return read([](storage::snapshot& db) { return storage::list_tenants(db); });
}

breaker_record runtime::put_breaker(const std::string& name, const breaker_policy& policy) {
  impl_->require_open();
  impl_->require_schema();
  return write([name, policy, now_ms = impl_->chosen.clock->unix_ms()](storage::transaction& tx) {
    return storage::put_breaker(tx, name, policy, now_ms);
  });
}

breaker_record runtime::open_breaker(const std::string& name) {
  impl_->require_open();
  impl_->require_schema();
  return write([name, now_ms = impl_->chosen.clock->unix_ms()](storage::transaction& tx) {
    return storage::open_breaker(tx, name, now_ms);
  });
}

breaker_record runtime::close_breaker(const std::string& name) {
  impl_->require_open();
  impl_->require_schema();
  return write([name, now_ms = impl_->chosen.clock->unix_ms()](storage::transaction& tx) {
    return storage::close_breaker(tx, name, now_ms);
  });
}

void runtime::remove_breaker(const std::string& name) {
  impl_->require_open();
  impl_->require_schema();
  write([name](storage::transaction& tx) { storage::remove_breaker(tx, name); });
}

std::vector<breaker_record> runtime::breakers() {
  impl_->require_schema();
  return read([now_ms = impl_->chosen.clock->unix_ms()](storage::snapshot& db) {
    return storage::list_breakers(db, now_ms);
  });
}

} // namespace quire

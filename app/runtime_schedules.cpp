#include "quire/app/runtime.hpp"
#include "quire/app/runtime_impl.hpp"
#include "quire/storage/sqlite/schedule_store.hpp"

namespace quire {

// The commit tells the service when to look: nobody else is needed.

schedule_record runtime::put_schedule(schedule_spec schedule) {
  impl_->require_open();
  impl_->require_schema();
  auto shared = std::make_shared<const schedule_spec>(std::move(schedule));
  return write([shared, now_ms = impl_->chosen.clock->unix_ms()](storage::transaction& tx) {
    return storage::put_schedule(tx, *shared, now_ms);
  });
}

bool runtime::remove_schedule(const std::string& name) {
  impl_->require_open();
  impl_->require_schema();
  return write([name](storage::transaction& tx) { return storage::remove_schedule(tx, name); });
}

schedule_record runtime::pause_schedule(const std::string& name) {
  impl_->require_open();
  impl_->require_schema();
  return write([name, now_ms = impl_->chosen.clock->unix_ms()](storage::transaction& tx) {
    return storage::pause_schedule(tx, name, now_ms);
  });
}

schedule_record runtime::resume_schedule(const std::string& name) {
  impl_->require_open();
  impl_->require_schema();
  return write([name, now_ms = impl_->chosen.clock->unix_ms()](storage::transaction& tx) {
    return storage::resume_schedule(tx, name, now_ms);
  });
}

std::vector<schedule_record> runtime::schedules() {
  impl_->require_schema();
  return read([](storage::snapshot& db) { return storage::list_schedules(db); });
}

std::optional<schedule_details> runtime::find_schedule(const std::string& name) {
  impl_->require_schema();
  return read([name](storage::snapshot& db) { return storage::find_schedule(db, name); });
}

} // namespace quire

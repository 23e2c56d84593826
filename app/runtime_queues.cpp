#include "quire/app/runtime.hpp"
#include "quire/app/runtime_impl.hpp"
#include "quire/storage/sqlite/queue_store.hpp"

namespace quire {

// What is decided about a queue is read with each claim: no service has to be told.

queue_record runtime::pause_queue(const std::string& name) {
  impl_->require_open();
  impl_->require_schema();
  return write([name, now_ms = impl_->chosen.clock->unix_ms()](storage::transaction& tx) {
    return storage::pause_queue(tx, name, now_ms);
  });
}

queue_record runtime::resume_queue(const std::string& name) {
  impl_->require_open();
  impl_->require_schema();
  return write([name](storage::transaction& tx) { return storage::resume_queue(tx, name); });
}

queue_record runtime::limit_queue(const std::string& name, std::optional<int> limit) {
  impl_->require_open();
  impl_->require_schema();
  return write(
    [name, limit](storage::transaction& tx) { return storage::limit_queue(tx, name, limit); });
}

std::vector<queue_record> runtime::queues() {
  impl_->require_schema();
  return read([](storage::snapshot& db) { return storage::list_queues(db); });
}

} // namespace quire

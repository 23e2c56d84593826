#include "quire/app/runtime.hpp"
#include "quire/app/runtime_impl.hpp"
#include "quire/storage/sqlite/public_id_store.hpp"
#include "quire/storage/sqlite/subtasks.hpp"
#include "quire/storage/sqlite/task_bulk.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace quire {

namespace {

constexpr std::int64_t portion_max = 500;

constexpr std::size_t refusals_max = 10;

using portion_work = std::function<storage::bulk_portion(storage::transaction&)>;

/// Writes one portion, behind all that others want to write.
storage::bulk_portion write_portion(runtime::impl& impl, portion_work work) {
  auto result = std::make_shared<storage::bulk_portion>();
  messages::write_call call;
  call.terms.lane = lane::bulk;
  call.run = std::make_shared<const std::function<void(storage::transaction&)>>(
    [result, work = std::move(work)](storage::transaction& tx) { *result = work(tx); });
  impl.write<actors::call_request>(std::move(call));
  return std::move(*result);
}

void add(task_changes& sum, task_changes more) {
  sum.changed += more.changed;
  sum.asked += more.asked;
  sum.refused += more.refused;
  for (auto& why : more.refusals)
    if (sum.refusals.size() < refusals_max)
      sum.refusals.push_back(std::move(why));
}

/// Calls `work_on(filter, limit)` for what writes each portion.
template <class WorkOn>
task_changes change_all(runtime::impl& impl, task_filter filter, WorkOn work_on) {
  task_changes done;
  for (bool more = true; more;) {
    auto left = filter.limit ? *filter.limit - done.changed - done.refused : portion_max;
    if (left <= 0)
      break;
    try {
      auto portion =
        write_portion(impl, work_on(filter, static_cast<int>(std::min(left, portion_max))));
      add(done, std::move(portion.changes));
      filter.after = portion.last;
      more = portion.more;
    } catch (const failure& stopped) {
      if (done.changed == 0)
        throw;
      throw failure(stopped.code(),
                    std::string{stopped.what()}
                      + "; it stopped before its end: " + std::to_string(done.changed)
                      + " tasks were changed and stay so; do it again for the others",
                    stopped.retry_after());
    }
  }
  return done;
}

} // namespace

task_id runtime::enqueue(task_spec task) {
  return submit(std::move(task)).id;
}

enqueued_task runtime::submit(task_spec task) {
  std::vector<task_spec> tasks;
  tasks.push_back(std::move(task));
  auto put = impl_->enqueue(std::move(tasks));
  return {put.ids.front(), put.existing.empty()};
}

std::vector<task_id> runtime::enqueue(std::vector<task_spec> tasks) {
  return impl_->enqueue(std::move(tasks)).ids;
}

task_record runtime::wait(task_id task, std::chrono::milliseconds timeout) {
  return impl_->wait(impl_->awaited_tasks, task, messages::await_task{task}, timeout);
}

task_state runtime::cancel(task_id task, std::string reason) {
  return impl_->call<messages::task_changed>(messages::cancel_task{task, std::move(reason)}).state;
}

task_state runtime::retry(task_id task) {
  return impl_->call<messages::task_changed>(messages::retry_task{task}).state;
}

std::vector<task_record> runtime::tasks(const task_filter& filter) {
  impl_->require_schema();
  return read([filter](storage::snapshot& db) { return storage::list_tasks(db, filter); });
}

std::optional<task_details> runtime::find(task_id task) {
  impl_->require_schema();
  return read([task](storage::snapshot& db) { return storage::find_task(db, task); });
}

storage::public_ids runtime::public_ids() {
  impl_->require_schema();
  return read([](storage::snapshot& db) { return storage::public_ids_of(db); });
}

std::optional<task_id> runtime::find_public(std::string public_id) {
  impl_->require_schema();
  return read([public_id = std::move(public_id)](storage::snapshot& db) {
    return storage::find_public_task(db, public_id);
  });
}

std::vector<subtask_result> runtime::subtask_results(task_id task) {
  impl_->require_schema();
  return read([task](storage::snapshot& db) { return storage::subtask_results(db, task); });
}

task_counts runtime::count_tasks(const task_filter& filter) {
  impl_->require_schema();
  return read([filter](storage::snapshot& db) { return storage::count_tasks(db, filter); });
}

// The commits tell the services what to stop and what to run: nobody else is needed.

task_changes runtime::cancel_tasks(const task_filter& filter, std::string reason) {
  impl_->require_open();
  impl_->require_schema();
  if (reason.empty())
    reason = "cancelled on request";
  auto bounded =
    read([filter](storage::snapshot& db) { return storage::within_bounds(db, filter); });
  return change_all(*impl_, bounded, [&](const task_filter& from, int limit) -> portion_work {
    return [from, limit, reason, now_ms = impl_->chosen.clock->unix_ms()](auto& tx) {
      return storage::cancel_tasks(tx, from, reason, now_ms, limit);
    };
  });
}

task_changes runtime::retry_tasks(const task_filter& filter) {
  impl_->require_open();
  impl_->require_schema();
  auto bounded =
    read([filter](storage::snapshot& db) { return storage::within_bounds(db, filter); });
  return change_all(*impl_, bounded, [&](const task_filter& from, int limit) -> portion_work {
    return [from, limit, now_ms = impl_->chosen.clock->unix_ms()](auto& tx) {
      return storage::retry_tasks(tx, from, now_ms, limit);
    };
  });
}

} // namespace quire

#pragma once

// How public types travel between processes: one `inspect` for each, written so
// that CAF 0.17 and 1.x take it. They are here, not beside the types, because
// messages/types knows nothing but the standard library.

#include "quire/messages/lifecycle.hpp"
#include "quire/messages/maintenance.hpp"
#include "quire/messages/pipeline.hpp"
#include "quire/messages/query.hpp"
#include "quire/messages/task.hpp"
#include "quire/messages/types/errc.hpp"
#include "quire/messages/types/event.hpp"
#include "quire/messages/types/ids.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/sql.hpp"
#include "quire/messages/types/status.hpp"
#include "quire/messages/types/task.hpp"
#include "quire/messages/types/value.hpp"
#include "quire/messages/write.hpp"

#include "quire/messages/caf_compat.hpp"

#include <bit>
#include <cstdint>
#include <optional>
#include <string>

namespace quire {

namespace detail {

/// An optional on its way: CAF 0.17 knows no std::optional.
template <class T>
struct optional_reference {
  std::optional<T>* target;
  bool present = false;
  T content{};
};

template <class T>
optional_reference<T> by_reference(std::optional<T>& x) {
  optional_reference<T> result{&x};
  result.present = x.has_value();
  if (x)
    result.content = *x;
  return result;
}

template <class Inspector, class T>
auto inspect(Inspector& f, optional_reference<T>& x) {
  auto assign = [&x] {
    if (x.present)
      *x.target = x.content;
    else
      x.target->reset();
  };
  return inspect_through(f, "optional", assign, x.present, x.content);
}

} // namespace detail

// -- vocabulary ----------------------------------------------------------------

template <class Inspector, class Tag>
auto inspect(Inspector& f, id<Tag>& x) {
  return inspect_members(f, x, "id", x.value);
}

template <class Inspector>
auto inspect(Inspector& f, value& x) {
  auto kind = static_cast<std::uint8_t>(x.type());
  std::int64_t integer = x.type() == value::kind::integer ? x.integer() : 0;
  // As its bits: CAF 0.17 makes garbage of infinity and NaN.
  std::uint64_t real = x.type() == value::kind::real ? std::bit_cast<std::uint64_t>(x.real()) : 0;
  std::string bytes;
  if (x.type() == value::kind::text)
    bytes = x.text();
  else if (x.type() == value::kind::bytes)
    bytes.assign(reinterpret_cast<const char*>(x.bytes().data()), x.bytes().size());
  auto assign = [&] {
    switch (static_cast<value::kind>(kind)) {
      case value::kind::integer: x = value{integer}; break;
      case value::kind::real: x = value{std::bit_cast<double>(real)}; break;
      case value::kind::text: x = value{bytes}; break;
      case value::kind::bytes: {
        auto* first = reinterpret_cast<const std::byte*>(bytes.data());
        x = value{blob(first, first + bytes.size())};
        break;
      }
      default: x = value{};
    }
  };
  return inspect_through(f, "value", assign, kind, integer, real, bytes);
}

template <class Inspector>
auto inspect(Inspector& f, row_set& x) {
  std::vector<std::string> columns = x.columns;
  return inspect_through(
    f, "row_set", [&] { x.columns = std::move(columns); }, columns, x.rows);
}

template <class Inspector>
auto inspect(Inspector& f, sql_statement& x) {
  return inspect_members(f, x, "sql_statement", x.sql, x.params);
}

template <class Inspector>
auto inspect(Inspector& f, request_terms& x) {
  auto timeout = detail::by_reference(x.timeout);
  return inspect_members(f, x, "request_terms", x.lane, timeout, x.client, x.request);
}

template <class Inspector>
auto inspect(Inspector& f, event& x) {
  return inspect_members(f, x, "event", x.what, x.ref);
}

template <class Inspector>
auto inspect(Inspector& f, counter& x) {
  return inspect_members(f, x, "counter", x.name, x.value);
}

template <class Inspector>
auto inspect(Inspector& f, service_status& x) {
  return inspect_members(f, x, "service_status", x.service, x.state, x.restarts, x.counters,
                         x.note);
}

template <class Inspector>
auto inspect(Inspector& f, runtime_status& x) {
  return inspect_members(f, x, "runtime_status", x.database, x.boot, x.services);
}

template <class Inspector>
auto inspect(Inspector& f, retry_policy& x) {
  return inspect_members(f, x, "retry_policy", x.attempts_max, x.base, x.factor, x.cap, x.jitter);
}

template <class Inspector>
auto inspect(Inspector& f, unique_key& x) {
  return inspect_members(f, x, "unique_key", x.key, x.kept_for, x.found);
}

template <class Inspector>
auto inspect(Inspector& f, task_spec& x) {
  auto run_at = detail::by_reference(x.run_at_ms);
  return inspect_members(f, x, "task_spec", x.kind, x.payload, x.queue, x.priority, x.retry,
                         x.timeout, run_at, x.gate, x.gate_capacity, x.crashes_max, x.unique,
                         x.start_within, x.end_within, x.heartbeat, x.tenant, x.subtasks,
                         x.head_start);
}

template <class Inspector>
auto inspect(Inspector& f, task_record& x) {
  auto run_at = detail::by_reference(x.run_at_ms);
  auto started_at = detail::by_reference(x.started_at_ms);
  auto finished_at = detail::by_reference(x.finished_at_ms);
  auto expires_at = detail::by_reference(x.expires_at_ms);
  return inspect_members(f, x, "task_record", x.id, x.queue, x.kind, x.state, x.priority, x.attempt,
                         x.attempts_max, x.crashes, x.snoozes, x.epoch, x.cancel_requested, x.gate,
                         x.unique_key, x.run, x.stage, x.item, x.created_at_ms, run_at, started_at,
                         finished_at, x.error_kind, x.error, expires_at, x.progress, x.step,
                         x.tenant, x.parent, x.subtasks, x.subtasks_open);
}

template <class Inspector>
auto inspect(Inspector& f, stage_record& x) {
  auto started_at = detail::by_reference(x.started_at_ms);
  auto finished_at = detail::by_reference(x.finished_at_ms);
  return inspect_members(f, x, "stage_record", x.id, x.name, x.state, x.total, x.completed,
                         x.partial_success, x.failed, x.cancelled, x.skipped, x.sealed, started_at,
                         finished_at, x.error);
}

template <class Inspector>
auto inspect(Inspector& f, run_record& x) {
  auto finished_at = detail::by_reference(x.finished_at_ms);
  return inspect_members(f, x, "run_record", x.id, x.pipeline, x.state, x.params, x.created_at_ms,
                         finished_at, x.recovered, x.boots, x.cancel_requested, x.stages);
}

// -- requests and replies ------------------------------------------------------

namespace messages {

template <class Inspector>
auto inspect(Inspector& f, expectation& x) {
  return inspect_members(f, x, "expectation", x.statement, x.what, x.rows);
}

template <class Inspector>
auto inspect(Inspector& f, write_batch& x) {
  auto sync = quire::detail::by_reference(x.sync);
  return inspect_members(f, x, "write_batch", x.statements, sync, x.terms, x.expect,
                         x.idempotency_key);
}

template <class Inspector>
auto inspect(Inspector& f, cancel_request& x) {
  return inspect_members(f, x, "cancel_request", x.client, x.request);
}

template <class Inspector>
auto inspect(Inspector& f, request_cancelled& x) {
  return inspect_members(f, x, "request_cancelled", x.found);
}

template <class Inspector>
auto inspect(Inspector& f, receipt& x) {
  return inspect_members(f, x, "receipt", x.commit_seq, x.rows_changed, x.last_rowid, x.results,
                         x.repeated);
}

template <class Inspector>
auto inspect(Inspector& f, query& x) {
  return inspect_members(f, x, "query", x.statements, x.rows_max, x.bytes_max, x.terms);
}

template <class Inspector>
auto inspect(Inspector& f, query_result& x) {
  return inspect_members(f, x, "query_result", x.results);
}

template <class Inspector>
auto inspect(Inspector& f, open_stream& x) {
  return inspect_members(f, x, "open_stream", x.statement, x.rows_max, x.bytes_max);
}

template <class Inspector>
auto inspect(Inspector& f, stream_opened& x) {
  return inspect_members(f, x, "stream_opened", x.stream, x.columns);
}

template <class Inspector>
auto inspect(Inspector& f, row_chunk& x) {
  return inspect_members(f, x, "row_chunk", x.rows, x.last);
}

template <class Inspector>
auto inspect(Inspector& f, writes_held& x) {
  return inspect_members(f, x, "writes_held", x.hold, x.commit_seq);
}

template <class Inspector>
auto inspect(Inspector& f, release_writes& x) {
  return inspect_members(f, x, "release_writes", x.hold);
}

template <class Inspector>
auto inspect(Inspector& f, committed& x) {
  return inspect_members(f, x, "committed", x.commit_seq, x.events);
}

template <class Inspector>
auto inspect(Inspector& f, enqueue_tasks& x) {
  auto sync = quire::detail::by_reference(x.sync);
  return inspect_members(f, x, "enqueue_tasks", x.tasks, x.terms, sync);
}

template <class Inspector>
auto inspect(Inspector& f, tasks_enqueued& x) {
  return inspect_members(f, x, "tasks_enqueued", x.ids, x.existing);
}

template <class Inspector>
auto inspect(Inspector& f, cancel_task& x) {
  return inspect_members(f, x, "cancel_task", x.task, x.reason);
}

template <class Inspector>
auto inspect(Inspector& f, retry_task& x) {
  return inspect_members(f, x, "retry_task", x.task);
}

template <class Inspector>
auto inspect(Inspector& f, task_changed& x) {
  return inspect_members(f, x, "task_changed", x.task, x.state);
}

template <class Inspector>
auto inspect(Inspector& f, await_task& x) {
  return inspect_members(f, x, "await_task", x.task);
}

template <class Inspector>
auto inspect(Inspector& f, start_run& x) {
  return inspect_members(f, x, "start_run", x.definition, x.params);
}

template <class Inspector>
auto inspect(Inspector& f, run_started& x) {
  return inspect_members(f, x, "run_started", x.run);
}

template <class Inspector>
auto inspect(Inspector& f, cancel_run& x) {
  return inspect_members(f, x, "cancel_run", x.run, x.reason);
}

template <class Inspector>
auto inspect(Inspector& f, run_changed& x) {
  return inspect_members(f, x, "run_changed", x.run, x.state);
}

template <class Inspector>
auto inspect(Inspector& f, await_run& x) {
  return inspect_members(f, x, "await_run", x.run);
}

template <class Inspector>
auto inspect(Inspector& f, operation_report& x) {
  return inspect_members(f, x, "operation_report", x.operation, x.rows, x.error);
}

template <class Inspector>
auto inspect(Inspector& f, maintenance_done& x) {
  return inspect_members(f, x, "maintenance_done", x.operations);
}

template <class Inspector>
auto inspect(Inspector& f, upkeep_request& x) {
  return inspect_members(f, x, "upkeep_request", x.truncate, x.optimize);
}

template <class Inspector>
auto inspect(Inspector& f, upkeep_done& x) {
  return inspect_members(f, x, "upkeep_done", x.frames, x.moved);
}

template <class Inspector>
auto inspect(Inspector& f, wal_signal& x) {
  return inspect_members(f, x, "wal_signal", x.what, x.generation);
}

template <class Inspector>
auto inspect(Inspector& f, timer& x) {
  return inspect_members(f, x, "timer", x.generation);
}

template <class Inspector>
auto inspect(Inspector& f, subscribe& x) {
  return inspect_members(f, x, "subscribe", x.subscriber);
}

// Those without members say only that they were sent.
#define QUIRE_INSPECT_EMPTY(type)                                                                  \
  template <class Inspector>                                                                       \
  auto inspect(Inspector& f, type& x) {                                                            \
    return inspect_members(f, x, #type);                                                           \
  }
QUIRE_INSPECT_EMPTY(status_request)
QUIRE_INSPECT_EMPTY(runtime_status_request)
QUIRE_INSPECT_EMPTY(drain)
QUIRE_INSPECT_EMPTY(drained)
QUIRE_INSPECT_EMPTY(subscribed)
QUIRE_INSPECT_EMPTY(run_maintenance)
QUIRE_INSPECT_EMPTY(read_done)
QUIRE_INSPECT_EMPTY(next_chunk)
QUIRE_INSPECT_EMPTY(hold_writes)
#undef QUIRE_INSPECT_EMPTY

} // namespace messages

} // namespace quire

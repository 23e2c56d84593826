#include "quire/app/runtime_parts.hpp"

#include "quire/actors/command_handler.hpp"
#include "quire/app/failure.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

namespace quire {

system_config::system_config() {
  set("scheduler.policy", caf::atom("sharing"));
  // By default a turn ends only when the mailbox is empty: an actor that goes on sending to
  // itself, and is answered at once, would keep its thread for ever.
  set("scheduler.max-throughput", std::size_t{2000});
  set("scheduler.max-threads", std::max<std::size_t>(2, std::thread::hardware_concurrency()));
  add_thread_hook<thread_mark>();
}

std::uint64_t thread_number() {
  static std::atomic<std::uint64_t> threads{std::uint64_t{1} << 62};
  thread_local const std::uint64_t number = threads.fetch_add(1);
  return number;
}

options checked(options chosen) {
  chosen.validate();
  if (!chosen.clock)
    chosen.clock = std::make_shared<system_clock_source>();
  if (chosen.seed == 0)
    chosen.seed = std::random_device{}() | 1u;
  chosen.handlers["command"] = actors::command_handler();
  return chosen;
}

opened_database open_or_fail(const options& options) {
  try {
    return open_database(options);
  } catch (const storage::error& error) {
    throw failure(error.code(), error.what());
  }
}

actors::service_tree_options tree_options(const options& from, const opened_database& database) {
  actors::service_tree_options to;
  to.env.clock = from.clock;
  to.env.seed = from.seed;
  to.env.request_timeout = from.request_timeout + from.patience;
  to.database = database.connection;
  to.boot = database.report.boot;
  to.sync = from.sync;
  to.writes = from.mode != access_mode::look;
  to.checkpoints = from.mode == access_mode::own;
  to.services = from.mode == access_mode::own;
  to.readers = from.readers;
  to.quick_readers = from.quick_readers < 0
                       ? static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 2u))
                       : from.quick_readers;
  to.lent_readers = from.lent_readers;
  to.queries_waiting_max = from.queries_waiting_max;
  to.client_waiting_max = from.client_waiting_max;
  to.client_waiting_bytes_max = from.client_waiting_bytes_max;
  to.snapshot_lease = from.snapshot_lease;
  to.key_retention = from.key_retention;
  to.output_bytes_inline = from.output_bytes_inline;
  to.wal.refuse_bytes = from.wal_bytes_max;
  to.wal.expire_bytes = from.wal_bytes_max / 4;
  to.wal.end_bytes = from.wal_bytes_max / 2;
  to.batch_members_max = from.batch_members_max;
  to.waiting_max = from.waiting_max;
  to.waiting_bytes_max = from.waiting_bytes_max;
  to.workers = from.workers;
  to.handlers = from.handlers;
  to.query_limit = from.request_timeout;
  to.drain_timeout = from.drain_timeout;
  to.maintenance_interval = from.maintenance_interval;
  to.retention = from.retention;
  to.stuck_after = from.stuck_after;
  to.on_failed = from.on_failed;
  return to;
}

} // namespace quire

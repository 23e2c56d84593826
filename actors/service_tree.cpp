#include "quire/actors/service_tree.hpp"

#include "quire/actors/gateway.hpp"
#include "quire/actors/maintenance_service.hpp"
#include "quire/actors/pipeline_service.hpp"
#include "quire/actors/port_steps.hpp"
#include "quire/actors/reader_pool.hpp"
#include "quire/actors/supervisor.hpp"
#include "quire/actors/task_service.hpp"
#include "quire/actors/waiting_thread.hpp"
#include "quire/actors/writer.hpp"

#include <memory>
#include <utility>

namespace quire::actors {

namespace {

using messages::services;
using shared_options = std::shared_ptr<const service_tree_options>;

template <class Handle>
Handle typed(const caf::actor& handle) {
  return caf::actor_cast<Handle>(handle);
}

child_spec writer_spec(shared_options options, std::shared_ptr<write_port> writes,
                       std::shared_ptr<read_port> reads) {
  return {"writer", [options, writes, reads](caf::actor_system& system, services& handles) {
            writer_options own;
            own.env = options->env;
            own.open = [options] { return storage::connection::open_writer(options->database); };
            own.sync = options->sync;
            own.write_limit = options->query_limit;
            own.batch_members_max = options->batch_members_max;
            own.patience = options->database.patience;
            own.port = writes;
            own.reads = reads;
            own.wal = options->wal;
            own.checkpoints = options->checkpoints;
            handles.writer = caf::actor_cast<caf::actor>(spawn_writer(system, std::move(own)));
            return handles.writer;
          }};
}

child_spec reader_pool_spec(shared_options options, std::shared_ptr<read_port> reads) {
  return {"reader_pool", [options, reads](caf::actor_system& system, services& handles) {
            reader_pool_options own;
            own.env = options->env;
            own.open = [options] { return storage::connection::open_reader(options->database); };
            own.query_limit = options->query_limit;
            own.readers = options->readers;
            own.quick_readers = options->quick_readers;
            own.lent_readers = options->lent_readers;
            own.lease = options->snapshot_lease;
            own.port = reads;
            own.writer = typed<messages::writer_actor>(handles.writer);
            handles.readers =
              caf::actor_cast<caf::actor>(spawn_reader_pool(system, std::move(own)));
            return handles.readers;
          }};
}

/// Where large outputs go; nowhere with a VFS that may have no files.
std::optional<storage::result_files> files_of(const service_tree_options& options) {
  auto& vfs = options.database.vfs;
  if (!vfs.empty() && vfs != "unix-excl")
    return std::nullopt;
  return storage::result_files{options.database.path};
}

child_spec task_service_spec(shared_options options, std::shared_ptr<step_keeper> steps) {
  child_spec spec{
    "task_execution_service", [options, steps](caf::actor_system& system, services& handles) {
      task_service_options own;
      own.env = options->env;
      own.writer = typed<messages::writer_actor>(handles.writer);
      own.readers = typed<messages::reader_pool_actor>(handles.readers);
      own.handlers = options->handlers;
      own.steps = steps;
      own.large.inline_max = options->output_bytes_inline;
      own.large.files = files_of(*options);
      own.workers = options->workers;
      own.boot = options->boot;
      own.drain_timeout = options->drain_timeout;
      handles.tasks = caf::actor_cast<caf::actor>(spawn_task_service(system, std::move(own)));
      return handles.tasks;
    }};
  // Tasks may finish, then programs get TERM and KILL, then outcomes are written.
  spec.stop_timeout += options->drain_timeout;
  return spec;
}

child_spec pipeline_service_spec(shared_options options) {
  return {"pipeline_execution_service", [options](caf::actor_system& system, services& handles) {
            pipeline_service_options own;
            own.env = options->env;
            own.writer = typed<messages::writer_actor>(handles.writer);
            own.readers = typed<messages::reader_pool_actor>(handles.readers);
            own.boot = options->boot;
            handles.pipelines =
              caf::actor_cast<caf::actor>(spawn_pipeline_service(system, std::move(own)));
            return handles.pipelines;
          }};
}

child_spec maintenance_service_spec(shared_options options) {
  return {"maintenance_service", [options](caf::actor_system& system, services& handles) {
            maintenance_service_options own;
            own.env = options->env;
            own.writer = typed<messages::writer_actor>(handles.writer);
            own.readers = typed<messages::reader_pool_actor>(handles.readers);
            own.interval = options->maintenance_interval;
            own.retention = options->retention;
            own.stuck_after = options->stuck_after;
            own.key_retention = options->key_retention;
            own.outputs = files_of(*options);
            handles.maintenance =
              caf::actor_cast<caf::actor>(spawn_maintenance_service(system, std::move(own)));
            return handles.maintenance;
          }};
}

} // namespace

service_tree spawn_service_tree(caf::actor_system& system, service_tree_options options) {
  auto shared = std::make_shared<const service_tree_options>(std::move(options));
  supervisor_options own;
  own.env = shared->env;
  own.database = shared->database.path;
  own.boot = shared->boot;
  own.limits = shared->limits;
  own.on_failed = shared->on_failed;
  service_tree result;
  read_limits reading;
  reading.requests_max = shared->queries_waiting_max;
  reading.client_requests_max = reading.requests_max;
  reading.timeout = shared->query_limit;
  result.reads = std::make_shared<read_port>(reading, shared->env.clock);
  if (shared->writes) {
    write_limits limits;
    limits.requests_max = shared->waiting_max;
    limits.bytes_max = shared->waiting_bytes_max;
    limits.client_requests_max = shared->client_waiting_max;
    limits.client_bytes_max = shared->client_waiting_bytes_max;
    limits.timeout = shared->query_limit + shared->database.patience;
    limits.key_retention = shared->key_retention;
    result.writes = std::make_shared<write_port>(limits, shared->env.clock);
    own.children.push_back(writer_spec(shared, result.writes, result.reads));
  }
  own.children.push_back(reader_pool_spec(shared, result.reads));
  if (shared->services) {
    auto steps = make_step_keeper(result.writes, shared->sync,
                                  shared->env.request_timeout + answer_margin, shared->env.clock);
    own.children.push_back(task_service_spec(shared, std::move(steps)));
    own.children.push_back(pipeline_service_spec(shared));
    own.children.push_back(maintenance_service_spec(shared));
  }
  gateway_options ports{result.writes, result.reads, shared->sync};
  own.gateway = spawn_gateway(system, ports);
  result.gateway = gateway_for_clients(system, own.gateway, ports);
  try {
    result.supervisor = spawn_supervisor(system, std::move(own));
    return result;
  } catch (...) {
    caf::anon_send_exit(result.gateway, caf::exit_reason::kill);
    throw;
  }
}

} // namespace quire::actors

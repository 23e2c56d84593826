#include "quire/actors/service_tree.hpp"

#include "quire/actors/admission.hpp"
#include "quire/actors/gateway.hpp"
#include "quire/actors/maintenance_service.hpp"
#include "quire/actors/pipeline_service.hpp"
#include "quire/actors/reader_pool.hpp"
#include "quire/actors/supervisor.hpp"
#include "quire/actors/task_service.hpp"
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

child_spec writer_spec(shared_options options) {
  return {"writer", [options](caf::actor_system& system, services& handles) {
            writer_options own;
            own.env = options->env;
            own.open = [options] { return storage::connection::open_writer(options->database); };
            own.sync = options->sync;
            own.write_limit = options->query_limit;
            own.batch_members_max = options->batch_members_max;
            // A new one for each writer: what the last one had not answered is not waiting any more.
            own.waiting = std::make_shared<admission>(options->waiting_max, options->waiting_bytes_max);
            own.checkpoints = options->checkpoints;
            handles.waiting = own.waiting;
            handles.writer = caf::actor_cast<caf::actor>(spawn_writer(system, std::move(own)));
            return handles.writer;
          }};
}

child_spec reader_pool_spec(shared_options options) {
  return {"reader_pool", [options](caf::actor_system& system, services& handles) {
            reader_pool_options own;
            own.env = options->env;
            own.open = [options] { return storage::connection::open_reader(options->database); };
            own.query_limit = options->query_limit;
            own.readers = options->readers;
            own.waiting_max = options->queries_waiting_max;
            handles.readers = caf::actor_cast<caf::actor>(spawn_reader_pool(system, std::move(own)));
            return handles.readers;
          }};
}

child_spec task_service_spec(shared_options options) {
  child_spec spec{"task_execution_service", [options](caf::actor_system& system, services& handles) {
                    task_service_options own;
                    own.env = options->env;
                    own.writer = typed<messages::writer_actor>(handles.writer);
                    own.readers = typed<messages::reader_pool_actor>(handles.readers);
                    own.handlers = options->handlers;
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
  if (shared->writes)
    own.children.push_back(writer_spec(shared));
  own.children.push_back(reader_pool_spec(shared));
  if (shared->services) {
    own.children.push_back(task_service_spec(shared));
    own.children.push_back(pipeline_service_spec(shared));
    own.children.push_back(maintenance_service_spec(shared));
  }
  own.gateway = spawn_gateway(system);
  auto gateway = own.gateway;
  try {
    return {gateway, spawn_supervisor(system, std::move(own))};
  } catch (...) {
    caf::anon_send_exit(gateway, caf::exit_reason::kill);
    throw;
  }
}

} // namespace quire::actors

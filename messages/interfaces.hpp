#pragma once

#include "quire/messages/type_ids.hpp"

/// All conversations of Quire on one screen. Every request is answered, with its
/// reply or with an error of category `errc`.
namespace quire::messages {

/// What every supervised service answers, so that the supervisor and the status
/// command need to know no service in particular.
using service_actor = caf::typed_actor<
  // Reports health and counters. Never waits for SQLite.
  on<service_status(status_request)>,
  // Takes nothing new, finishes what runs, answers, quits.
  on<drained(drain)>>;

/// Owns the only connection that writes.
using writer_actor = service_actor::extend<
  // Runs statements as one unit; answers after COMMIT.
  on<receipt(write_batch)>,
  // Runs a function of this process as one unit; answers after COMMIT.
  on<receipt(write_call)>,
  // Puts tasks into their queues; answers after COMMIT.
  on<tasks_enqueued(enqueue_tasks)>,
  // Checkpoints and optimizes, between two batches.
  on<upkeep_done(upkeep_request)>,
  // Sends `committed` to somebody from now on.
  on<subscribed(subscribe)>,
  // Lets nobody commit, in this process or another, for a moment.
  on<writes_held(hold_writes)>, on<void(release_writes)>>;

/// Keeps the readers, each of which owns one read-only connection.
using reader_pool_actor = service_actor::extend<
  // Answers queries, all of one request on one snapshot.
  on<query_result(query)>,
  // Runs a function of this process on a snapshot.
  on<read_done(read_call)>,
  // Runs several on one identical snapshot.
  on<read_done(read_together)>,
  // Opens a stream of rows.
  on<stream_opened(open_stream)>>;

/// Sends the rows of one query, portion by portion.
using row_stream_actor = service_actor::extend<on<row_chunk(next_chunk)>>;

/// The durable queue: claims tasks, gives them to workers, writes what became
/// of them.
using task_service_actor =
  service_actor::extend<on<task_changed(cancel_task)>, on<task_changed(retry_task)>,
                        on<task_record(await_task)>,
                        // From the writer: a commit concerns tasks.
                        on<void(committed)>>;

/// Runs handlers, one task at a time.
using worker_actor = service_actor::extend<
  // Runs attempts one after the other.
  on<burst_done(run_burst)>>;

/// What an actor of the application is that handles a kind of tasks (app/actors.hpp).
using task_handler_actor = caf::typed_actor<on<task_outcome(handle_task)>, on<void(stop_task)>>;

/// Walks the stages of runs: creates the tasks of each stage that may start.
using pipeline_service_actor =
  service_actor::extend<on<run_started(start_run)>, on<run_changed(cancel_run)>,
                        on<run_record(await_run)>,
                        // From the writer: a commit concerns stages or runs.
                        on<void(committed)>>;

/// Gives up stuck tasks, forgets old ones, checkpoints.
using maintenance_service_actor = service_actor::extend<on<maintenance_done(run_maintenance)>>;

/// The one address clients keep, across restarts of what is behind it. Writes and reads
/// wait while their service is started again; the others answer `errc::unavailable`
/// meanwhile. Past its limits it answers `errc::overloaded`. Every request is answered, at
/// its deadline at the latest: clients need no timer of their own.
using gateway_actor = service_actor::extend<
  on<receipt(write_batch)>, on<receipt(write_call)>, on<request_cancelled(cancel_request)>,
  on<query_result(query)>, on<read_done(read_call)>, on<read_done(read_together)>,
  on<stream_opened(open_stream)>, on<tasks_enqueued(enqueue_tasks)>, on<task_changed(cancel_task)>,
  on<task_changed(retry_task)>, on<task_record(await_task)>, on<run_started(start_run)>,
  on<run_changed(cancel_run)>, on<run_record(await_run)>, on<maintenance_done(run_maintenance)>,
  on<runtime_status(runtime_status_request)>,
  // From the supervisor: who answers from now on.
  on<void(services)>>;

/// Starts the services in order, watches them, restarts, escalates, stops them
/// in reverse order.
using supervisor_actor = service_actor::extend<on<runtime_status(runtime_status_request)>>;

} // namespace quire::messages

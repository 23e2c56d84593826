#pragma once

// Registers every message with CAF, once.

#include "quire/messages/inspect.hpp"
#include "quire/messages/services.hpp"
#include "quire/messages/worker.hpp"

#include "quire/messages/caf_compat.hpp"

CAF_BEGIN_TYPE_ID_BLOCK(quire, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(quire, (quire::value))
  CAF_ADD_TYPE_ID(quire, (quire::row_set))
  CAF_ADD_TYPE_ID(quire, (quire::sql_statement))
  CAF_ADD_TYPE_ID(quire, (quire::event))
  CAF_ADD_TYPE_ID(quire, (quire::service_status))
  CAF_ADD_TYPE_ID(quire, (quire::runtime_status))
  CAF_ADD_TYPE_ID(quire, (quire::task_spec))
  CAF_ADD_TYPE_ID(quire, (quire::task_record))
  CAF_ADD_TYPE_ID(quire, (quire::run_record))
  CAF_ADD_TYPE_ID(quire, (quire::messages::write_batch))
  CAF_ADD_TYPE_ID(quire, (quire::messages::receipt))
  CAF_ADD_TYPE_ID(quire, (quire::messages::query))
  CAF_ADD_TYPE_ID(quire, (quire::messages::query_result))
  CAF_ADD_TYPE_ID(quire, (quire::messages::read_done))
  CAF_ADD_TYPE_ID(quire, (quire::messages::committed))
  CAF_ADD_TYPE_ID(quire, (quire::messages::enqueue_tasks))
  CAF_ADD_TYPE_ID(quire, (quire::messages::tasks_enqueued))
  CAF_ADD_TYPE_ID(quire, (quire::messages::cancel_task))
  CAF_ADD_TYPE_ID(quire, (quire::messages::retry_task))
  CAF_ADD_TYPE_ID(quire, (quire::messages::task_changed))
  CAF_ADD_TYPE_ID(quire, (quire::messages::await_task))
  CAF_ADD_TYPE_ID(quire, (quire::messages::start_run))
  CAF_ADD_TYPE_ID(quire, (quire::messages::run_started))
  CAF_ADD_TYPE_ID(quire, (quire::messages::cancel_run))
  CAF_ADD_TYPE_ID(quire, (quire::messages::run_changed))
  CAF_ADD_TYPE_ID(quire, (quire::messages::await_run))
  CAF_ADD_TYPE_ID(quire, (quire::messages::run_maintenance))
  CAF_ADD_TYPE_ID(quire, (quire::messages::operation_report))
  CAF_ADD_TYPE_ID(quire, (quire::messages::maintenance_done))
  CAF_ADD_TYPE_ID(quire, (quire::messages::upkeep_request))
  CAF_ADD_TYPE_ID(quire, (quire::messages::upkeep_done))
  CAF_ADD_TYPE_ID(quire, (quire::messages::status_request))
  CAF_ADD_TYPE_ID(quire, (quire::messages::runtime_status_request))
  CAF_ADD_TYPE_ID(quire, (quire::messages::drain))
  CAF_ADD_TYPE_ID(quire, (quire::messages::drained))
  CAF_ADD_TYPE_ID(quire, (quire::messages::subscribe))
  CAF_ADD_TYPE_ID(quire, (quire::messages::subscribed))
  CAF_ADD_TYPE_ID(quire, (quire::messages::timer))
  CAF_ADD_TYPE_ID(quire, (quire::messages::write_call))
  CAF_ADD_TYPE_ID(quire, (quire::messages::read_call))
  CAF_ADD_TYPE_ID(quire, (quire::messages::attempt))
  CAF_ADD_TYPE_ID(quire, (quire::messages::attempt_report))
  CAF_ADD_TYPE_ID(quire, (quire::messages::services))
CAF_END_TYPE_ID_BLOCK(quire)

// They carry functions or pointers: never to another process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(quire::messages::write_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(quire::messages::read_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(quire::messages::attempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(quire::messages::attempt_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(quire::messages::services)

QUIRE_ERROR_ENUM(quire::errc)

#pragma once

#include "quire/app/cli/arguments.hpp"
#include "quire/app/cli/console.hpp"
#include "quire/app/cli/exit_status.hpp"

namespace quire::cli {

// What each command does. All throw usage_error, command_error, failure,
// output_closed.

exit_status run_pipeline(const run_arguments& arguments, console& to);
exit_status run_sql(const sql_arguments& arguments, console& to);
exit_status list_tasks(const task_list_arguments& arguments, console& to);
exit_status show_task(const task_show_arguments& arguments, console& to);
exit_status submit_task(const task_submit_arguments& arguments, console& to);
exit_status change_tasks(const task_change_arguments& arguments, console& to);
exit_status change_matching_tasks(const task_bulk_arguments& arguments, console& to);
exit_status wait_for_tasks(const task_wait_arguments& arguments, console& to);
exit_status put_schedule(const schedule_put_arguments& arguments, console& to);
exit_status list_schedules(const schedule_list_arguments& arguments, console& to);
exit_status show_schedule(const schedule_show_arguments& arguments, console& to);
exit_status change_schedules(const schedule_change_arguments& arguments, console& to);
exit_status show_next_times(const schedule_next_arguments& arguments, console& to);
exit_status list_queues(const queue_list_arguments& arguments, console& to);
exit_status change_queues(const queue_change_arguments& arguments, console& to);
exit_status list_kinds(const kind_list_arguments& arguments, console& to);
exit_status set_kind(const kind_set_arguments& arguments, console& to);
exit_status list_tenants(const tenant_list_arguments& arguments, console& to);
exit_status set_tenant(const tenant_set_arguments& arguments, console& to);
exit_status list_breakers(const breaker_list_arguments& arguments, console& to);
exit_status put_breaker(const breaker_put_arguments& arguments, console& to);
exit_status change_breakers(const breaker_change_arguments& arguments, console& to);
exit_status list_pipelines(const pipeline_list_arguments& arguments, console& to);
exit_status show_pipeline(const pipeline_show_arguments& arguments, console& to);
exit_status show_status(const status_arguments& arguments, console& to);
exit_status run_doctor(const doctor_arguments& arguments, console& to);

} // namespace quire::cli

#pragma once

#include "quire/actors/json_cursor.hpp"

namespace quire::actors {

/// Refuses templates where the data that is filled in would be run: as the
/// program, as the script of a shell or of another interpreter, as the text behind
/// their `-c` or `-e`, or as the input of a shell that runs what it reads. Knows
/// the shells, the common interpreters, and programs that run another one (`env`,
/// `timeout`, `xargs`, ...).
///
/// It is a help against mistakes: no list of programs is complete, and what a
/// program makes of its arguments is its own affair.
/// @param task the task, for its `stdin`; `argv` its arguments, all of them texts.
/// @throws pipeline_error that names the place.
void refuse_templates_that_would_run(const json_cursor& task, const json_cursor& argv);

} // namespace quire::actors

#pragma once

#include "quire/actors/task_handler.hpp"

#include <string>
#include <string_view>

namespace quire::actors {

/// What a program says on its descriptor 3 while it runs: lines that are JSON objects with
/// any of these keys:
///
///     {"progress": 30, "step": "reading"}   0 to 100 percent, and what it is doing
///     {"log": "page 1 of 7"}                a line for the log of the task
///     {"output": {"pages": 7}}              its result, instead of its standard output
///     {}                                    nothing but that it is alive
///
/// A line that is none of these changes nothing but the log, which says what is wrong with it.
/// Each line, whatever it says, is a sign of life once its end is there: what a program keeps in
/// its buffer is none.
class command_words {
public:
  explicit command_words(task_context& context) : context_(&context) {}

  void hear(std::string_view line);

  /// Returns the last output as JSON; empty if there was none.
  const std::string& output() const noexcept { return output_; }

private:
  task_context* context_;
  std::string output_;
};

} // namespace quire::actors

#pragma once

#include "quire/app/cli/console.hpp"
#include "quire/messages/types/pipeline.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace quire::cli {

/// What is known when a run begins.
struct run_beginning {
  run_record run;
  std::string database;      ///< With a word on who chose it.
  std::string database_path;
  bool resumed = false;
};

/// Tells somebody how a run goes on, each in its own way.
class run_observer {
public:
  virtual ~run_observer() = default;

  virtual void begin(const run_beginning& beginning) = 0;

  /// Called some times a second.
  virtual void look(const run_record& run, std::int64_t now_ms) = 0;

  /// Called before anything else is printed.
  virtual void end() = 0;
};

/// Redraws a view in place on a terminal.
std::unique_ptr<run_observer> make_live_observer(console& to);

/// Writes a line when a stage starts or ends, and now and then between.
std::unique_ptr<run_observer> make_plain_observer(console& to);

/// Writes the same as JSON lines.
std::unique_ptr<run_observer> make_json_observer(console& to);

/// Says nothing.
std::unique_ptr<run_observer> make_quiet_observer();

} // namespace quire::cli

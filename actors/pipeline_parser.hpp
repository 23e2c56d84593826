#pragma once

#include "quire/messages/types/pipeline.hpp"

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace quire::actors {

/// A pipeline file that is wrong: one line that names the place
/// (`stages[1].task.argv[0]: ...`, or line and column where it is no JSON) and
/// what is expected there.
class pipeline_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Reads a pipeline definition (JSON; the format is in README.md, "The pipeline
/// file") and checks all of it: unknown keys are refused with the nearest known
/// one, and so are wrong types, duplicate names and keys, unknown stages,
/// cycles, templates that name nothing or stand where none is allowed, and a
/// `for_each` over a stage whose output is no list.
/// Limits: 16 MiB, 64 levels of nesting, 1000 stages, 1,000,000 items.
/// @throws pipeline_error
pipeline_spec parse_pipeline(std::string_view json);

/// Returns the values of the run: the defaults with `overrides` over them.
/// @throws pipeline_error if an override names no parameter (it names the nearest),
///         or if its value is no UTF-8.
std::map<std::string, std::string> resolve_params(
  const pipeline_spec& spec, const std::map<std::string, std::string>& overrides);

} // namespace quire::actors

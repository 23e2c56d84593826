#include "quire/app/cli/pipeline_file.hpp"

#include "quire/actors/pipeline_parser.hpp"
#include "quire/app/cli/exit_status.hpp"
#include "quire/app/cli/text_source.hpp"

namespace quire::cli {

namespace {

// One byte over what the parser takes is enough for it to say so.
constexpr std::size_t bytes_max = (std::size_t{16} << 20) + 1;

} // namespace

pipeline_spec read_pipeline(const std::string& file,
                            const std::map<std::string, std::string>& settings) {
  auto text = read_source("quire run", file, bytes_max);
  pipeline_spec pipeline;
  try {
    pipeline = actors::parse_pipeline(text);
  } catch (const actors::pipeline_error& error) {
    throw usage_error("quire run: " + shown_source(file) + ": " + error.what());
  }
  try {
    actors::resolve_params(pipeline, settings);
  } catch (const actors::pipeline_error& error) {
    throw usage_error(std::string{"quire run: --set: "} + error.what());
  }
  return pipeline;
}

} // namespace quire::cli

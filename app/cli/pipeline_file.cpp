#include "quire/app/cli/pipeline_file.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/actors/pipeline_parser.hpp"
#include "quire/app/cli/exit_status.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace quire::cli {

namespace {

// One byte over what the parser takes is enough for it to say so.
constexpr std::size_t bytes_max = (std::size_t{16} << 20) + 1;

std::string shown_name(const std::string& file) {
  return file == "-" ? "the standard input" : actors::printable(file, 200);
}

[[noreturn]] void refuse(const std::string& file, int number) {
  throw usage_error("quire run: cannot read " + shown_name(file) + ": "
                    + std::generic_category().message(number));
}

std::string read_all(const std::string& file, int descriptor) {
  std::string text;
  std::array<char, 65'536> buffer{};
  while (text.size() < bytes_max) {
    auto count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      refuse(file, errno);
    if (count == 0)
      break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

std::string content_of(const std::string& file) {
  if (file == "-")
    return read_all(file, STDIN_FILENO);
  auto descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    refuse(file, errno);
  struct closing {
    int descriptor;
    ~closing() { ::close(descriptor); }
  } guard{descriptor};
  return read_all(file, descriptor);
}

} // namespace

pipeline_spec read_pipeline(const std::string& file,
                            const std::map<std::string, std::string>& settings) {
  auto text = content_of(file);
  pipeline_spec pipeline;
  try {
    pipeline = actors::parse_pipeline(text);
  } catch (const actors::pipeline_error& error) {
    throw usage_error("quire run: " + shown_name(file) + ": " + error.what());
  }
  try {
    actors::resolve_params(pipeline, settings);
  } catch (const actors::pipeline_error& error) {
    throw usage_error(std::string{"quire run: --set: "} + error.what());
  }
  return pipeline;
}

} // namespace quire::cli

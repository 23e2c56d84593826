#include "quire/app/cli/text_source.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/actors/pipeline_parser.hpp"
#include "quire/actors/strict_json.hpp"
#include "quire/app/cli/exit_status.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace quire::cli {

namespace {

std::string read_all(int descriptor, std::size_t bytes_max) {
  std::string text;
  std::array<char, 65'536> buffer{};
  while (text.size() < bytes_max) {
    auto wanted = std::min(buffer.size(), bytes_max - text.size());
    auto count = ::read(descriptor, buffer.data(), wanted);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      throw std::system_error(errno, std::generic_category());
    if (count == 0)
      break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

std::string content_of(const std::string& file, std::size_t bytes_max) {
  if (file == "-")
    return read_all(STDIN_FILENO, bytes_max);
  auto descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw std::system_error(errno, std::generic_category());
  struct closing {
    int descriptor;
    ~closing() { ::close(descriptor); }
  } guard{descriptor};
  return read_all(descriptor, bytes_max);
}

} // namespace

std::string shown_source(const std::string& file) {
  return file == "-" ? "the standard input" : actors::printable(file, 200);
}

std::string read_source(const std::string& command, const std::string& file,
                        std::size_t bytes_max) {
  try {
    return content_of(file, bytes_max);
  } catch (const std::system_error& error) {
    throw usage_error(command + ": cannot read " + shown_source(file) + ": "
                      + error.code().message());
  }
}

std::string read_payload(const std::string& command, const std::string& given, bool any_text) {
  constexpr std::size_t bytes_max = (std::size_t{64} << 20) + 1; // One more is refused later.
  constexpr std::size_t depth_max = 200;
  auto text = given == "-" ? read_source(command, given, bytes_max) : given;
  if (any_text)
    return text;
  try {
    static_cast<void>(actors::parse_strict_json(text, depth_max));
  } catch (const actors::pipeline_error& wrong) {
    throw usage_error(command + ": PAYLOAD is no JSON: " + wrong.what()
                      + "; nothing was created (--text allows any text)");
  }
  return text;
}

} // namespace quire::cli

#pragma once

#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/arguments.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire::cli {

/// @throws usage_error: one line that begins with the command.
[[noreturn]] void refuse(const CLI::App& app, const std::string& what);

inline bool is_option(std::string_view text) {
  return text.size() > 1 && text.front() == '-';
}

inline constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t ten_years_s = std::int64_t{10} * 366 * 24 * 3600;

/// What was given for the options and arguments of one command. What is wrong is refused.
class words {
public:
  explicit words(const CLI::App& app) : app_(&app) {}

  bool flag(const std::string& name) const { return app_->count(name) > 0; }

  /// Everything that was given for an option or argument that may be repeated.
  std::vector<std::string> all(const std::string& name) const;

  std::optional<std::string> text(const std::string& name) const;

  /// The same for what must be there.
  std::string argument(const std::string& name) const;

  /// `text` as a number, which was given for `name`.
  std::int64_t number(const std::string& name, const std::string& text, std::int64_t least,
                      std::int64_t most) const;

  std::optional<std::int64_t> number(const std::string& name, std::int64_t least,
                                     std::int64_t most = largest) const;

  /// A moment in Universal Time, `2026-03-28T12:00Z` or `2026-03-28T12:00:30Z`, from 1970 to
  /// 9999, as Unix milliseconds.
  std::optional<std::int64_t> moment(const std::string& name) const;

  /// One of the texts that `from_string` knows; `known` are all of them.
  template <class Parse>
  auto choice(const std::string& name, const std::string& what, Parse from_string,
              const std::vector<std::string>& known) const -> decltype(from_string(std::string{})) {
    auto value = text(name);
    if (!value)
      return std::nullopt;
    auto result = from_string(*value);
    if (!result)
      refuse(*app_, name + ": unknown " + what + " '" + actors::printable(*value) + "'"
                      + actors::suggestion(*value, known));
    return result;
  }

  const CLI::App& app() const noexcept { return *app_; }

private:
  const CLI::App* app_;
};

/// The task of a line that says what is to be put into a queue; the payload as it is given.
task_spec read_task(const words& line);

given_database read_database(const words& line);

/// What all commands have that open a database and know `--json`.
template <class Arguments>
command with_shared(const words& line, Arguments arguments) {
  arguments.database = read_database(line);
  arguments.json = line.flag("--json");
  return arguments;
}

} // namespace quire::cli

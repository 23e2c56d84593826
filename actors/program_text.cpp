#include "quire/actors/program_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

namespace quire::actors {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, name) != names.end();
}

std::string_view base_name(std::string_view program) {
  return program.substr(program.rfind('/') + 1);
}

bool is_shell(std::string_view program) {
  static constexpr std::array<std::string_view, 7> shells{"sh",  "bash", "dash", "zsh",
                                                          "ksh", "ash",  "fish"};
  return is_one_of(base_name(program), shells);
}

/// Programs that run what follows their options.
bool runs_its_arguments(std::string_view program) {
  static constexpr std::array<std::string_view, 13> wrappers{
    "env",  "timeout", "nice", "nohup", "setsid", "stdbuf", "sudo",
    "doas", "time",    "xargs", "ionice", "busybox", "chronic"};
  return is_one_of(base_name(program), wrappers);
}

/// Programs that run another one somewhere among their arguments.
bool may_run_its_arguments(std::string_view program) {
  static constexpr std::array<std::string_view, 14> others{
    "find",   "parallel", "chroot", "unshare", "taskset",     "chrt",     "flock",
    "strace", "script",   "su",     "runuser", "systemd-run", "fakeroot", "watch"};
  return runs_its_arguments(program) || is_one_of(base_name(program), others);
}

/// Whether `program` is `name`, or that with a version behind it: python3.11, lua5.4.
bool is_version_of(std::string_view program, std::string_view name) {
  return program.starts_with(name)
         && program.find_first_not_of("0123456789.-", name.size()) == std::string_view::npos;
}

/// The letters of the options that program text follows; empty for no interpreter.
std::string_view text_options(std::string_view program) {
  program = base_name(program);
  if (is_version_of(program, "python"))
    return "c";
  if (is_version_of(program, "perl"))
    return "eE";
  if (program == "node" || program == "nodejs")
    return "ep";
  if (is_version_of(program, "php"))
    return "r";
  if (is_version_of(program, "ruby") || is_version_of(program, "lua") || program == "luajit"
      || program == "Rscript")
    return "e";
  return {};
}

bool holds_template(std::string_view text) {
  return text.find("{{") != std::string_view::npos;
}

bool is_option(std::string_view text) {
  return text.size() > 1 && (text.front() == '-' || text.front() == '+');
}

class program_check {
public:
  program_check(const json_cursor& task, const json_cursor& argv) : task_{task}, argv_{argv} {}

  /// Checks the program at `place` and what it would run.
  void check(std::size_t place) {
    refuse(place, "no template may stand here: data must never choose the program");
    const auto& program = text(place);
    if (is_shell(program)) {
      check_shell(place);
      return;
    }
    if (auto letters = text_options(program); !letters.empty())
      check_interpreter(place, letters);
    if (may_run_its_arguments(program))
      for (auto i = place + 1; i < size();)
        i = is_shell(text(i)) ? check_shell(i) : i + 1;
    if (runs_its_arguments(program))
      check_wrapped(place);
  }

private:
  std::size_t size() const { return argv_.value().size(); }

  const std::string& text(std::size_t place) const {
    return argv_.value()[place].get_ref<const std::string&>();
  }

  void refuse(std::size_t place, const std::string& why) const {
    if (place < size() && holds_template(text(place)))
      argv_.element(place).refuse(why);
  }

  void refuse_program_text(std::size_t place) const {
    refuse(place, "a shell would run this as program text: put the template into a later element "
                  "and write \"$1\" here");
  }

  /// A shell takes what follows its options as a program, or else its input. What
  /// stands behind that is $0, $1, ... and harmless. Returns the place behind $0 of a
  /// program text: up to there, a shell's name is no shell.
  std::size_t check_shell(std::size_t place) const {
    auto i = place + 1;
    auto has_text = false;
    for (; i < size(); ++i) {
      refuse_program_text(i);
      const auto& argument = text(i);
      if (argument == "--rcfile" || argument == "--init-file") {
        refuse_program_text(++i);
      } else if (argument == "-" || argument == "--") {
        refuse_program_text(++i);
        break;
      } else if (!is_option(argument)) {
        break;
      } else if (!argument.starts_with("--")) {
        has_text = has_text || (argument.front() == '-' && argument.find('c') != argument.npos);
        if (argument.find('s') != argument.npos && !has_text) {
          check_input();
          return size();
        }
        // In a cluster (-euo pipefail) each of these takes a value.
        for (auto values = count_of(argument, 'o') + count_of(argument, 'O'); values > 0; --values)
          refuse_program_text(++i);
      }
    }
    if (i >= size())
      check_input();
    return has_text ? i + 2 : size();
  }

  void check_input() const {
    auto input = task_.find("stdin");
    if (input && holds_template(input->value().dump()))
      input->refuse("a shell without a program would run this: no template may stand here");
  }

  void check_interpreter(std::size_t place, std::string_view letters) const {
    constexpr auto why = "this is program text: put the template into a later element, where the "
                         "program finds it among its arguments";
    static constexpr std::array<std::string_view, 6> with_value{"-W", "-X", "-I", "-M", "-r", "--require"};
    auto has_text = false;
    for (auto i = place + 1; i < size(); ++i) {
      const auto& argument = text(i);
      auto cluster = is_option(argument) && !argument.starts_with("--");
      if (argument == "--eval" || argument == "--print"
          || (cluster && letters.find(argument.back()) != letters.npos)) {
        refuse(++i, why);
        has_text = true;
      } else if (cluster && argument.find_first_of(letters) != argument.npos) {
        refuse(i, why);
        has_text = true;
      } else if (is_one_of(argument, with_value)) {
        ++i;
      } else if (!is_option(argument)) {
        if (!has_text)
          refuse(i, "no template may stand here: data must never choose the program");
        return;
      }
    }
  }

  /// Options, numbers and NAME=value come before the program.
  void check_wrapped(std::size_t place) {
    for (auto i = place + 1; i < size(); ++i) {
      const auto& argument = text(i);
      auto equals = argument.find('=');
      if (equals != argument.npos && equals > 0 && !is_option(argument)
          && !holds_template(std::string_view{argument}.substr(0, equals)))
        continue;
      refuse(i, "no template may stand here: '" + std::string{base_name(text(place))}
                  + "' runs what follows its options; put it behind the program");
      auto number = !argument.empty() && std::isdigit(static_cast<unsigned char>(argument.front())) != 0;
      if (!is_option(argument) && !number)
        return check(i);
    }
  }

  static std::ptrdiff_t count_of(std::string_view text, char letter) {
    return std::ranges::count(text, letter);
  }

  const json_cursor& task_;
  const json_cursor& argv_;
};

} // namespace

void refuse_templates_that_would_run(const json_cursor& task, const json_cursor& argv) {
  program_check{task, argv}.check(0);
}

} // namespace quire::actors

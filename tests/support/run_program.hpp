#pragma once

// Runs the real program quire in a folder of its own.

#include "quire/actors/process.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace quire::tests {

/// How a program ended and what it said.
struct program_result {
  int status = -1;      ///< 1000 and the number of the signal, if one ended it.
  std::string out;
  std::string err;

  bool out_has(const std::string& text) const {
    return out.find(text) != std::string::npos;
  }

  bool err_has(const std::string& text) const {
    return err.find(text) != std::string::npos;
  }
};

/// What BOOST_TEST shows when a test fails.
inline std::ostream& operator<<(std::ostream& to, const program_result& result) {
  return to << "status " << result.status << "\nout: " << result.out << "\nerr: " << result.err;
}

/// A folder with files and the program quire, which works in it.
class program_folder {
public:
  using words = std::vector<std::string>;

  /// Runs quire with `arguments`.
  program_result quire(words arguments, std::string input = {}) const {
    arguments.insert(arguments.begin(), QUIRE_PROGRAM);
    return run(std::move(arguments), std::move(input));
  }

  /// Runs any program. Its outer limit only ends what hangs.
  program_result run(words argv, std::string input = {}) const {
    actors::process_spec spec;
    spec.argv = std::move(argv);
    spec.working_directory = path();
    spec.environment = {{"QUIRE_DB", ""}, {"QUIRE", QUIRE_PROGRAM}, {"TZ", "UTC"}};
    spec.standard_input = std::move(input);
    spec.stderr_max = std::size_t{1} << 20;
    spec.timeout = std::chrono::minutes{5};
    auto ended = actors::run_process(spec, {});
    using ending = actors::process_result::ending;
    BOOST_REQUIRE((ended.how == ending::exited || ended.how == ending::signalled));
    return {ended.how == ending::exited ? ended.code : 1000 + ended.code,
            std::move(ended.standard_output), std::move(ended.standard_error)};
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    file << text;
    BOOST_REQUIRE(file.good());
  }

  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// The names of all files and folders, sorted.
  words names() const {
    words found;
    for (auto& entry : std::filesystem::directory_iterator(folder_.path()))
      found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }

  std::string path() const {
    return folder_.path().string();
  }

private:
  temp_dir folder_;
};

/// A pipeline `test` of these stages, given as JSON.
inline std::string pipeline_of(const std::string& stages, const std::string& more = {}) {
  return R"({"name": "test", )" + more + R"("stages": [)" + stages + "]}";
}

/// A stage that runs a shell script with `argument` as its `$1`; `more` are other
/// keys of the stage and `task` of its task, each followed by a comma.
inline std::string script_stage(const std::string& name, const std::string& script,
                                const std::string& more = {}, const std::string& task = {},
                                const std::string& argument = {}) {
  return R"({"name": ")" + name + R"(", )" + more + R"("task": {"kind": "command", )" + task
         + R"("argv": ["sh", "-c", ")" + script + R"(", "sh", ")" + argument + R"("]}})";
}

inline std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace quire::tests

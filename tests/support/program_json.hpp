#pragma once

#include "quire/tests/support/run_program.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace quire::tests {

/// What tests of commands have in common that print an object, or refuse a line.
struct command_fixture : program_folder {
  /// The only object that `line` prints with --json.
  nlohmann::json only_object(words line) const {
    line.push_back("--json");
    auto result = quire(std::move(line));
    BOOST_TEST_CONTEXT(result) {
      BOOST_REQUIRE(result.status == 0);
      BOOST_REQUIRE(count_lines(result.out) == 1u);
    }
    return nlohmann::json::parse(result.out);
  }

  /// `line` is refused in one line that holds `why`.
  void refused(words line, int status, const std::string& why) const {
    auto result = quire(std::move(line));
    BOOST_TEST_CONTEXT(result) {
      BOOST_TEST(result.status == status);
      BOOST_TEST(result.out.empty());
      BOOST_TEST(result.err_has(why));
      BOOST_TEST(count_lines(result.err) == 1u);
    }
  }
};

} // namespace quire::tests

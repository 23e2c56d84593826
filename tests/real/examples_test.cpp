#include "quire/tests/support/run_program.hpp"

#include <sstream>

using namespace quire::tests;

namespace {

program_result run_example(const program_folder& folder, const std::string& name) {
  return folder.run({QUIRE_PROGRAMS "/" + name});
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  BOOST_REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string trimmed(const std::string& line) {
  auto first = line.find_first_not_of(' ');
  return first == line.npos ? "" : line.substr(first);
}

} // namespace

BOOST_AUTO_TEST_SUITE(examples)

// Twice each: the second time the database is there.
BOOST_AUTO_TEST_CASE(hello_write_shares_a_database_between_threads) {
  program_folder folder;
  for (auto* said : {"the host was here 1 time(s)\n2 visit(s) in all\n",
                     "the host was here 2 time(s)\n4 visit(s) in all\n"}) {
    auto result = run_example(folder, "hello_write");
    BOOST_TEST_CONTEXT(result) {
      BOOST_TEST(result.status == 0);
      BOOST_TEST(result.err == "");
      BOOST_TEST(result.out_has(said));
    }
  }
  // Nothing is left but the database and the file that its owner locks.
  BOOST_TEST(folder.names() == (program_folder::words{"hello.db", "hello.db.lock"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(hello_tasks_runs_a_handler_and_a_program) {
  program_folder folder;
  for (int i = 0; i < 2; ++i) {
    auto result = run_example(folder, "hello_tasks");
    BOOST_TEST_CONTEXT(result) {
      BOOST_TEST(result.status == 0);
      BOOST_TEST(result.err == "");
      BOOST_TEST(result.out == "greet completed: \"hello, world\"\ncommand completed: \"Linux\"\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(hello_pipeline_runs_to_its_end) {
  program_folder folder;
  for (int i = 0; i < 2; ++i) {
    auto result = run_example(folder, "hello_pipeline");
    BOOST_TEST_CONTEXT(result) {
      BOOST_TEST(result.status == 0);
      BOOST_TEST(result.err == "");
      BOOST_TEST(result.out_has("square: 4 of 4"));
      BOOST_TEST(result.out_has("the sum of the squares is \"30\""));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_example_says_what_is_wrong_with_its_database) {
  program_folder folder;
  folder.write("hello.db", std::string(4096, 'x'));
  auto result = run_example(folder, "hello_write");
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 1);
    BOOST_TEST(count_lines(result.err) == 1u);
    BOOST_TEST(result.err.starts_with("not_a_database: "));
  }
}

// What the README shows of it is what was just run.
BOOST_AUTO_TEST_CASE(the_embedding_code_of_the_readme_is_that_of_the_example) {
  auto readme = text_of_file(QUIRE_SOURCE "/README.md");
  auto example = text_of_file(QUIRE_SOURCE "/app/examples/hello_write.cpp");
  auto begin = readme.find("```cpp\n");
  BOOST_REQUIRE(begin != readme.npos);
  begin += 7;
  std::istringstream shown(readme.substr(begin, readme.find("```", begin) - begin));
  int compared = 0;
  for (std::string line; std::getline(shown, line);) {
    auto code = trimmed(line);
    // The example takes the name of its database from the command line.
    if (code.empty() || code.starts_with("options.database"))
      continue;
    BOOST_TEST(example.find(code) != example.npos, "not in the example: " + code);
    ++compared;
  }
  BOOST_TEST(compared >= 12);
}

BOOST_AUTO_TEST_CASE(the_shipped_pipeline_ends_in_partial_success) {
  program_folder folder;
  auto result = folder.quire({"run", QUIRE_SOURCE "/app/examples/partial.json"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 3);
    BOOST_TEST(result.out_has("count: partial_success, 2 of 3 succeeded, 1 failed"));
    BOOST_TEST(result.out_has("count[2] (task 4): wc exited with status 1"));
    BOOST_TEST(result.out_has("alarm: skipped"));
    BOOST_TEST(result.out_has("farewell: completed"));
    BOOST_TEST(result.out_has("run 1 (partial): partial_success"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

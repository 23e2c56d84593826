#include "quire/actors/large_outputs.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>

using namespace quire;

namespace {

struct outputs_fixture {
  tests::temp_dir dir;
  storage::result_files files{dir / "x.db"};
  actors::large_outputs large{files, 10};
  task_assignment task;

  outputs_fixture() {
    task.id = task_id{3};
    task.epoch = 2;
  }

  task_outcome settled(task_outcome outcome) {
    large.settle(task, outcome);
    return outcome;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(large_outputs, outputs_fixture)

BOOST_AUTO_TEST_CASE(a_small_output_stays_where_it_is) {
  auto outcome = settled(task_outcome::success("0123456789"));
  BOOST_TEST(outcome.output == "0123456789");
  BOOST_TEST(outcome.output_file.empty());
}

BOOST_AUTO_TEST_CASE(a_large_one_goes_into_a_file) {
  auto outcome = settled(task_outcome::partial("0123456789a", "half"));
  BOOST_TEST(outcome.output.empty());
  BOOST_TEST(outcome.output_file == "3-2");
  BOOST_TEST(files.read("3-2").value() == "0123456789a");
}

BOOST_AUTO_TEST_CASE(only_what_is_kept_is_written) {
  auto outcome = task_outcome::failure("no");
  outcome.output = "0123456789a";
  BOOST_TEST(settled(outcome).output_file.empty());
  BOOST_TEST(files.list().empty());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_stays_for_the_database) {
  std::ofstream{dir / "x.db-results"} << "in the way";
  auto outcome = settled(task_outcome::success("0123456789a"));
  BOOST_TEST(outcome.output == "0123456789a");
  BOOST_TEST(outcome.output_file.empty());
  large.files.reset();
  BOOST_TEST(settled(outcome).output == "0123456789a");
}

BOOST_AUTO_TEST_CASE(what_is_too_large_fails_and_says_so) {
  auto outcome = settled(task_outcome::success(std::string(output_bytes_max + 1, 'x')));
  BOOST_TEST((outcome.what == task_outcome::verdict::failed));
  BOOST_TEST((outcome.error_kind == error_class::permanent));
  BOOST_TEST(outcome.error.find("its output has 67108865 bytes") == 0u);
  BOOST_TEST(files.list().empty());
}

BOOST_AUTO_TEST_CASE(a_detail_that_is_too_large_is_dropped) {
  auto outcome = task_outcome::failure("no");
  outcome.detail = std::string(detail_bytes_max + 1, 'x');
  BOOST_TEST(settled(outcome).detail == R"({"dropped_bytes":1048577})");
  outcome.detail = std::string(detail_bytes_max, 'x');
  BOOST_TEST(settled(outcome).detail.size() == detail_bytes_max);
}

// No handler says in which file its output is.
BOOST_AUTO_TEST_CASE(a_file_that_a_handler_names_does_not_count) {
  auto outcome = task_outcome::success("1");
  outcome.output_file = "1-1";
  BOOST_TEST(settled(outcome).output_file.empty());
}

BOOST_AUTO_TEST_SUITE_END()

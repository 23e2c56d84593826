#include "quire/storage/result_files.hpp"

#include "quire/storage/sqlite/subtasks.hpp"
#include "quire/storage/sqlite/task_results.hpp"
#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <set>

using namespace quire;

namespace {

struct files_fixture : tests::run_fixture {
  std::string folder = dir / "quire.db-results";
  storage::result_files files{dir / "quire.db"};

  std::set<std::string> names() {
    std::set<std::string> found;
    for (auto& one : files.list())
      found.insert(one.name);
    return found;
  }

  void write_file(const std::string& name, const std::string& text = "x") {
    std::filesystem::create_directories(folder);
    std::ofstream{folder + "/" + name} << text;
  }

  std::int64_t sweep() {
    auto listed = files.list();
    auto snapshot = view();
    return storage::remove_unnamed(snapshot, listed);
  }

  /// Ends the attempt with an output that is in a file.
  storage::finished_attempt finish_large(const task_assignment& task, const std::string& output) {
    auto outcome = task_outcome::success();
    outcome.output_file = files.put(task.id, task.epoch, output);
    return finish(task, outcome);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(large_results, files_fixture)

BOOST_AUTO_TEST_CASE(what_is_put_is_read_again_and_removed) {
  BOOST_TEST(files.list().empty());
  std::string text(3'000'000, 'x');
  text += "\0\xff";
  auto name = files.put(task_id{7}, 2, text);
  BOOST_TEST((files.read(name) == text));
  BOOST_REQUIRE(files.list().size() == 1u);
  BOOST_TEST(files.list()[0].task.value == 7);
  BOOST_TEST(files.list()[0].epoch == 2);
  BOOST_TEST(files.path_of(name).starts_with(folder));
  files.put(task_id{7}, 2, "again");
  BOOST_TEST(files.read(name).value() == "again");
  files.remove(name);
  files.remove(name);
  BOOST_TEST(!files.read(name).has_value());
  BOOST_TEST(!std::filesystem::exists(folder));
}

BOOST_AUTO_TEST_CASE(other_peoples_files_are_left_alone) {
  for (auto name : {"7", "7-", "-7", "7-1x", "a-1", "0-1", "7-0", "7-1.part.old", "99999999999999999999-1"})
    write_file(name);
  BOOST_TEST(files.list().empty());
  write_file("7-1.part");
  BOOST_TEST((names() == std::set<std::string>{"7-1.part"}));
}

// The name is in a database, which anybody may have written.
BOOST_AUTO_TEST_CASE(no_name_leads_out_of_the_folder) {
  write_file("7-1");
  std::ofstream{dir / "secret"} << "secret";
  for (auto name : {"../secret", "/etc/passwd", "", ".", "7-1/../../secret"})
    BOOST_TEST(!files.read(name).has_value(), name);
  std::filesystem::create_symlink(dir / "secret", folder + "/8-1");
  BOOST_TEST(!files.read("8-1").has_value());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_removed_is_said_and_the_rest_is_removed) {
  std::filesystem::create_directories(folder + "/1-1");
  write_file("2-1");
  write_file("3-1");
  BOOST_TEST(tests::fails_with(errc::io, [&] { sweep(); }));
  BOOST_TEST((names() == std::set<std::string>{"1-1"}));
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_said) {
  std::ofstream{folder} << "in the way";
  BOOST_TEST(tests::fails_with(errc::io, [&] { files.put(task_id{7}, 1, "x"); }));
  BOOST_TEST(!files.read("7-1").has_value());
  BOOST_TEST(files.list().empty());
}

BOOST_AUTO_TEST_CASE(a_task_has_its_output_from_its_file) {
  auto task = enqueue(work());
  auto claimed = claim_one();
  BOOST_TEST(finish_large(claimed, "[1, 2]").accepted);
  BOOST_TEST(details(task).output == "[1, 2]");
  BOOST_TEST(details(task).output_file == files.path_of("1-1"));
  BOOST_TEST(sweep() == 0);
  files.remove("1-1");
  BOOST_TEST(details(task).output.empty());
  BOOST_TEST(!details(task).output_file.empty());
}

BOOST_AUTO_TEST_CASE(files_that_no_task_will_name_are_removed) {
  enqueue(work());
  auto first = claim_one();
  files.put(first.id, first.epoch, "of a claim that is lost");
  // It may still say so.
  BOOST_TEST(sweep() == 0);
  reboot();
  auto second = claim_one();
  files.put(second.id, second.epoch, "of the next one");
  write_file("99-1");
  write_file("1-2.part");
  BOOST_TEST(sweep() == 2);
  BOOST_TEST((names() == std::set<std::string>{"1-2", "1-2.part"}));
  finish_large(second, "7"); // Which takes the place of the unfinished one.
  BOOST_TEST(sweep() == 0);
  BOOST_TEST((names() == std::set<std::string>{"1-2"}));
  now += 1000;
  write([&](auto& tx) { storage::prune_tasks(tx, now); });
  BOOST_TEST(sweep() == 1);
  BOOST_TEST(!std::filesystem::exists(folder));
}

BOOST_AUTO_TEST_CASE(a_task_that_starts_again_has_no_output_any_more) {
  auto task = enqueue(work());
  auto claimed = claim_one();
  auto outcome = task_outcome::partial({}, "half");
  outcome.output_file = files.put(claimed.id, claimed.epoch, "1");
  finish(claimed, outcome);
  BOOST_TEST(details(task).output == "1");
  retry(task);
  BOOST_TEST(details(task).output_file.empty());
  BOOST_TEST(sweep() == 1);
}

BOOST_AUTO_TEST_CASE(a_failure_has_no_output) {
  auto task = enqueue(work());
  auto claimed = claim_one();
  auto outcome = task_outcome::failure("no", error_class::permanent);
  outcome.output_file = files.put(claimed.id, claimed.epoch, "1");
  finish(claimed, outcome);
  BOOST_TEST(details(task).output_file.empty());
  BOOST_TEST(sweep() == 1);
}

BOOST_AUTO_TEST_CASE(stages_and_tasks_take_what_is_in_files) {
  auto run = start(pipeline({stage_after("a"), stage_after("b", {{"a"}})}));
  fan_out(run, "a", 0, 2, true, work("stage"));
  finish(claim(1, {"stage"}).at(0), task_outcome::success("1"));
  finish_large(claim(1, {"stage"}).at(0), "22");
  auto outputs = [&] {
    auto snapshot = view();
    return storage::stage_outputs(snapshot, run, "a");
  };
  BOOST_TEST(outputs() == (std::vector<std::string>{"1", "22"}), boost::test_tools::per_element());
  auto spec = work("whole");
  spec.subtasks = {work("part")};
  auto parent = enqueue(spec);
  auto part = claim(1, {"part"}).at(0);
  finish_large(part, "333");
  auto snapshot = view();
  BOOST_TEST(storage::subtask_results(snapshot, parent).at(0).output == "333");
  for (auto& one : files.list())
    files.remove(one.name);
  BOOST_TEST(tests::fails_with(errc::not_found, outputs));
  auto missing = storage::subtask_results(snapshot, parent).at(0);
  BOOST_TEST(missing.output.empty());
  BOOST_TEST(missing.error.find("put the file back") != std::string::npos, missing.error);
}

BOOST_AUTO_TEST_SUITE_END()

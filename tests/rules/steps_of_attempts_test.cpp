#include "quire/actors/attempt_steps.hpp"

#include "quire/actors/run_attempt.hpp"
#include "quire/storage/error.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace quire;
using namespace quire::actors;

namespace {

/// Remembers in memory.
class remembering final : public step_keeper {
public:
  std::optional<std::string> find(task_id, const std::string& name) override {
    ++looks;
    auto found = kept.find(name);
    return found == kept.end() ? std::nullopt : std::optional{found->second};
  }

  void keep(task_id task, std::int64_t epoch, const std::string& name,
            const std::string& value) override {
    claims.emplace_back(task.value, epoch);
    if (full)
      throw storage::error(errc::disk_full, "no room");
    kept[name] = value;
  }

  std::string transact(task_id, std::int64_t, const std::string&, work) override {
    return "it writes nowhere";
  }

  std::map<std::string, std::string> kept;
  std::vector<std::pair<std::int64_t, std::int64_t>> claims;
  int looks = 0;
  bool full = false;
};

struct steps_fixture {
  attempt_steps attempt(std::int64_t epoch) {
    task_assignment task;
    task.id = task_id{7};
    task.epoch = epoch;
    return {task, cancel, keeper};
  }

  std::string fetch() {
    ++fetched;
    return "page";
  }

  /// Runs `handler` as an attempt of a task.
  task_outcome run(task_handler handler, std::int64_t epoch = 1) {
    auto task = std::make_shared<task_assignment>();
    task->id = task_id{7};
    task->kind = "work";
    task->epoch = epoch;
    return run_attempt({{"work", std::move(handler)}}, {task, cancel},
                       std::make_shared<system_clock_source>(), keeper);
  }

  cancel_token cancel;
  std::shared_ptr<remembering> keeper = std::make_shared<remembering>();
  int fetched = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(steps_of_attempts, steps_fixture)

BOOST_AUTO_TEST_CASE(a_step_is_done_by_the_first_attempt_and_read_by_later_ones) {
  BOOST_TEST(attempt(1).once("fetch", [this] { return fetch(); }) == "page");
  BOOST_TEST(keeper->looks == 0); // Nobody can have kept anything yet.
  BOOST_TEST((keeper->claims.at(0) == std::pair<std::int64_t, std::int64_t>{7, 1}));
  BOOST_TEST(attempt(2).once("fetch", [this] { return fetch(); }) == "page");
  BOOST_TEST(fetched == 1);
  BOOST_TEST(keeper->looks == 1);
}

BOOST_AUTO_TEST_CASE(what_fails_is_not_kept_and_done_again) {
  BOOST_CHECK_THROW(
    attempt(1).once("fetch", []() -> std::string { throw std::runtime_error("x"); }),
    std::runtime_error);
  BOOST_TEST(keeper->kept.empty());
  BOOST_TEST(attempt(2).once("fetch", [this] { return fetch(); }) == "page");
  BOOST_TEST(fetched == 1);
}

BOOST_AUTO_TEST_CASE(a_step_that_cannot_be_kept_fails) {
  keeper->full = true;
  BOOST_CHECK_THROW(attempt(1).once("fetch", [this] { return fetch(); }), storage::error);
  keeper->full = false;
  attempt(2).once("fetch", [this] { return fetch(); });
  BOOST_TEST(fetched == 2);
}

BOOST_AUTO_TEST_CASE(two_steps_of_an_attempt_have_different_names) {
  auto steps = attempt(1);
  steps.once("fetch", [this] { return fetch(); });
  BOOST_CHECK_EXCEPTION(steps.once("fetch", [this] { return fetch(); }), storage::error,
                        [](auto& error) { return error.code() == errc::invalid_argument; });
  BOOST_TEST(fetched == 1);
}

BOOST_AUTO_TEST_CASE(a_step_that_failed_may_be_tried_again_by_the_same_attempt) {
  auto steps = attempt(1);
  BOOST_CHECK_THROW(steps.once("fetch", []() -> std::string { throw std::runtime_error("x"); }),
                    std::runtime_error);
  BOOST_TEST(steps.once("fetch", [this] { return fetch(); }) == "page");
}

BOOST_AUTO_TEST_CASE(a_step_with_a_bad_name_is_not_done) {
  for (auto& name : {std::string{}, std::string(256, 'n')})
    BOOST_CHECK_EXCEPTION(attempt(1).once(name, [this] { return fetch(); }), storage::error,
                          [](auto& error) { return error.code() == errc::invalid_argument; });
  BOOST_TEST(fetched == 0);
}

BOOST_AUTO_TEST_CASE(a_handler_that_catches_its_end_ends_all_the_same) {
  auto ended = run([this](task_context& context) {
    context.cancel.cancel("enough");
    try {
      context.step("fetch", [this] { return fetch(); });
    } catch (const std::exception&) {
    }
    return task_outcome::success();
  });
  BOOST_TEST((ended.what == task_outcome::verdict::cancelled));
  BOOST_TEST(ended.error == "enough");
  BOOST_TEST(fetched == 0);
}

BOOST_AUTO_TEST_CASE(no_step_begins_once_its_attempt_is_to_stop) {
  cancel.cancel("enough");
  BOOST_CHECK_THROW(attempt(1).once("fetch", [this] { return fetch(); }), attempt_stopped);
  BOOST_TEST(fetched == 0);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_stops_between_steps_ends_as_it_was_asked_to) {
  auto stopping = [this](bool release) {
    cancel = {};
    return run([=, this](task_context& context) {
      context.step("first", [this] { return fetch(); });
      context.cancel.cancel("enough", release);
      context.step("second", [this] { return fetch(); });
      return task_outcome::success();
    });
  };
  auto cancelled = stopping(false);
  BOOST_TEST((cancelled.what == task_outcome::verdict::cancelled));
  BOOST_TEST((stopping(true).what == task_outcome::verdict::released));
  BOOST_TEST(fetched == 2); // The first step of both.
}

BOOST_AUTO_TEST_CASE(steps_return_text_or_nothing) {
  int noted = 0;
  auto handler = [&](task_context& context) {
    context.step("note", [&] { ++noted; });
    return task_outcome::success(context.step("fetch", [] { return "page"; }));
  };
  BOOST_TEST(run(handler).output == "page");
  BOOST_TEST(run(handler, 2).output == "page");
  BOOST_TEST(noted == 1);
}

BOOST_AUTO_TEST_CASE(a_step_that_nobody_keeps_is_not_done) {
  keeper = nullptr;
  auto ended = run([this](task_context& context) {
    return task_outcome::success(context.step("fetch", [this] { return fetch(); }));
  });
  BOOST_TEST((ended.what == task_outcome::verdict::failed));
  BOOST_TEST(ended.error.find("the step 'fetch' was not done") == 0u, ended.error);
  BOOST_TEST(fetched == 0);
}

BOOST_AUTO_TEST_SUITE_END()

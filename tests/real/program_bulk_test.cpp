#include "quire/app/runtime.hpp"
#include "quire/tests/support/program_json.hpp"

#include <nlohmann/json.hpp>

using namespace quire;
using namespace quire::tests;
using nlohmann::json;

namespace {

/// A folder whose database has a completed task.
struct bulk_fixture : command_fixture {
  bulk_fixture() {
    write("p.json", pipeline_of(script_stage("one", "true")));
    BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
  }

  void submit(const std::string& kind, words more = {}) const {
    words line{"task", "submit", kind, "{}"};
    line.insert(line.end(), more.begin(), more.end());
    BOOST_REQUIRE(quire(line).status == 0);
  }

  void submit_many(const std::string& kind, std::size_t count) const {
    options visit;
    visit.database = path() + "/var/quire.db";
    visit.mode = access_mode::visit;
    task_spec task;
    task.kind = kind;
    quire::runtime{std::move(visit)}.enqueue(std::vector<task_spec>(count, task));
  }

  std::size_t count(words filter) const {
    words line{"task", "list", "--json"};
    line.insert(line.end(), filter.begin(), filter.end());
    auto result = quire(line);
    BOOST_TEST_CONTEXT(result)
    BOOST_TEST(result.status == 0);
    return count_lines(result.out);
  }

  void refused(words line, const std::string& why) const {
    command_fixture::refused(std::move(line), 2, why);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(program_bulk, bulk_fixture)

BOOST_AUTO_TEST_CASE(a_dry_run_counts_and_changes_nothing) {
  submit("resize", {"--queue", "img"});
  submit("resize");
  auto dry = quire({"task", "cancel", "--kind", "resize", "--dry-run"});
  BOOST_TEST_CONTEXT(dry) {
    BOOST_TEST(dry.status == 0);
    BOOST_TEST(dry.out_has("2 tasks match, 2 would be cancelled; database: "));
    BOOST_TEST(dry.out_has("; nothing was changed\n"));
  }
  auto all = only_object({"task", "cancel", "--all", "--dry-run"});
  BOOST_TEST((all["dry_run"] == true && all["matching"] == 3 && all["would_change"] == 2));
  auto retry = only_object({"task", "retry", "--queue", "img", "--dry-run"});
  BOOST_TEST((retry["matching"] == 1 && retry["would_change"] == 0));
  BOOST_TEST(count({"--state", "ready"}) == 2u);
}

BOOST_AUTO_TEST_CASE(tasks_that_match_are_cancelled_and_start_again) {
  submit("resize", {"--queue", "img"});
  submit("resize");
  submit("sync");
  auto cancelled = quire({"task", "cancel", "--kind", "resize", "--reason", "old images"});
  BOOST_TEST_CONTEXT(cancelled) {
    BOOST_TEST(cancelled.status == 0);
    BOOST_TEST(cancelled.out_has("2 tasks cancelled; database: "));
    BOOST_TEST(cancelled.err == "");
  }
  BOOST_TEST(count({"--state", "cancelled", "--error-text", "old images"}) == 2u);
  BOOST_TEST(count({"--state", "ready"}) == 1u);
  auto again = quire({"task", "retry", "--queue", "img"});
  BOOST_TEST_CONTEXT(again) {
    BOOST_TEST(again.status == 0);
    BOOST_TEST(again.out_has("1 task started again; database: "));
  }
  auto rest = only_object({"task", "retry", "--all"});
  BOOST_TEST((rest["dry_run"] == false && rest["changed"] == 1 && rest["refused"] == 0));
  auto none = only_object({"task", "cancel", "--run", "1"});
  BOOST_TEST((none["changed"] == 0 && none["asked_to_stop"] == 0));
}

BOOST_AUTO_TEST_CASE(more_tasks_than_one_write_takes_are_all_changed) {
  submit_many("resize", 1200);
  auto commits = [&] {
    return only_object({"sql", "SELECT seq FROM quire_commit"})["seq"].get<std::int64_t>();
  };
  auto before = commits();
  auto cancelled = quire({"task", "cancel", "--kind", "resize"});
  BOOST_TEST_CONTEXT(cancelled)
  BOOST_TEST(cancelled.out_has("1200 tasks cancelled; database: "));
  BOOST_TEST(commits() - before >= 3);
  BOOST_TEST(only_object({"task", "retry", "--all", "--dry-run"})["would_change"] == 1200);
}

BOOST_AUTO_TEST_CASE(what_is_refused_is_said_and_the_others_are_changed) {
  submit("sync", {"--unique", "customer 17"});
  submit("sync");
  BOOST_REQUIRE(quire({"task", "cancel", "--kind", "sync"}).status == 0);
  submit("sync", {"--unique", "customer 17"});
  auto again = quire({"task", "retry", "--kind", "sync"});
  BOOST_TEST_CONTEXT(again) {
    BOOST_TEST(again.status == 1);
    BOOST_TEST(again.out_has("1 task started again, 1 refused; database: "));
    BOOST_TEST(again.err_has("task 2 cannot start again: task 4 has its unique key"));
    BOOST_TEST(count_lines(again.err) == 1u);
  }
  auto object = json::parse(quire({"task", "retry", "--kind", "sync", "--json"}).out);
  BOOST_TEST((object["changed"] == 0 && object["refused"] == 1));
  BOOST_TEST(object["refusals"].size() == 1u);
}

BOOST_AUTO_TEST_CASE(lists_have_the_same_filters) {
  submit("sync", {"--queue", "mail", "--gate", "disk", "--unique", "customer 17"});
  write("q.json",
        pipeline_of(script_stage("bad", "echo oh no >&2; exit 3", "", R"("max_attempts": 1, )")));
  BOOST_REQUIRE(quire({"run", "q.json", "--quiet"}).status == 4);
  BOOST_TEST(count({}) == 3u);
  BOOST_TEST(count({"--queue", "mail"}) == 1u);
  BOOST_TEST(count({"--gate", "disk"}) == 1u);
  BOOST_TEST(count({"--unique", "customer 17"}) == 1u);
  BOOST_TEST(count({"--unique", "customer"}) == 0u);
  BOOST_TEST(count({"--error-text", "oh no"}) == 1u);
  auto failed = only_object({"task", "list", "--state", "failed"});
  BOOST_TEST(count({"--error-class", failed["error_class"].get<std::string>()}) == 1u);
  BOOST_TEST(count({"--created-after", "2020-01-01T00:00Z"}) == 3u);
  BOOST_TEST(count({"--created-before", "2020-01-01T00:00Z"}) == 0u);
  BOOST_TEST(count({"--finished-after", "2020-01-01T00:00Z"}) == 2u);
  BOOST_TEST(count({"--finished-before", "2020-01-01T00:00:30Z"}) == 0u);
}

// The stage ends well only if it is told to stop: it waits for a fifo that nobody writes to.
BOOST_AUTO_TEST_CASE(what_another_process_runs_is_asked_to_stop) {
  write("endless.json", R"({"argv": ["sh", "-c", "echo > begun; read x < never"]})");
  const std::string script =
    "mkfifo begun never && \\\"$QUIRE\\\" task submit command - --queue aside "
    "< endless.json && read x < begun && "
    "\\\"$QUIRE\\\" task cancel --queue aside --json > said.txt && "
    "\\\"$QUIRE\\\" task wait 3 --timeout 120; test $? = 4";
  write("p.json", pipeline_of(script_stage("wait", script)));
  auto result = quire({"run", "p.json"});
  BOOST_TEST_CONTEXT(result)
  BOOST_TEST(result.status == 0);
  auto said = json::parse(read("said.txt"));
  BOOST_TEST((said["changed"] == 1 && said["asked_to_stop"] == 1));
  BOOST_TEST(count({"--state", "cancelled"}) == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_changes_nothing) {
  submit("resize");
  refused({"task", "cancel", "--state", "redy"},
          "quire task cancel: --state: unknown state 'redy'; did you mean ready?");
  refused({"task", "retry", "--error-class", "permanet"}, "did you mean permanent?");
  refused({"task", "cancel", "2", "--kind", "resize"}, "ID and --kind contradict each other");
  refused({"task", "cancel", "2", "--all"}, "ID and --all contradict each other");
  refused({"task", "cancel", "2", "--dry-run"}, "ID and --dry-run contradict each other");
  refused({"task", "cancel", "--all", "--kind", "resize"},
          "--all and --kind contradict each other");
  refused({"task", "cancel", "--dry-run"}, "--dry-run needs a filter");
  refused({"task", "cancel"}, "the argument ID is missing, or a filter");
  refused({"task", "cancel", "--kind", ""}, "--kind is empty");
  refused({"task", "cancel", "--created-after", "yesterday"}, "'yesterday' is no time as 2026-");
  refused({"task", "retry", "--all", "--reason", "x"}, "--reason: unknown option");
  refused({"task", "list", "--all"}, "--all: unknown option");
  BOOST_TEST(count({"--state", "ready"}) == 1u);
  auto missing = quire({"task", "cancel", "--all", "--db", "nowhere.db"});
  BOOST_TEST((missing.status == 1 && missing.err_has("there is no database nowhere.db")));
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/tests/support/run_program.hpp"

#include <nlohmann/json.hpp>
#include <sqlite3.h>

using namespace quire::tests;
using nlohmann::json;

namespace {

/// A folder with a database that has two tasks of a gate, and somebody who writes into it
/// as Quire never does.
struct doctor_fixture : program_folder {
  doctor_fixture() {
    write("p.json", pipeline_of(script_stage("one", "true")));
    BOOST_REQUIRE(quire({"run", "p.json", "--quiet"}).status == 0);
    for (int i = 0; i < 2; ++i)
      BOOST_REQUIRE(quire({"task", "submit", "a", "--gate", "g"}).status == 0);
  }

  void meddle(const char* sql) const {
    sqlite3* db = nullptr;
    BOOST_REQUIRE(sqlite3_open((path() + "/var/quire.db").c_str(), &db) == SQLITE_OK);
    BOOST_TEST(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(db));
    BOOST_REQUIRE(sqlite3_close(db) == SQLITE_OK);
  }

  json report(words arguments, int status) const {
    arguments.insert(arguments.begin(), {"doctor", "--json"});
    auto result = quire(arguments);
    BOOST_TEST_CONTEXT(result)
    BOOST_REQUIRE(result.status == status);
    return json::parse(result.out);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(program_doctor, doctor_fixture)

BOOST_AUTO_TEST_CASE(a_database_that_works_is_well) {
  auto result = quire({"doctor"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out_has("The file is sound (quick_check), and all is well in "));
    BOOST_TEST(result.out_has("database: var/quire.db (default)\n"));
    BOOST_TEST(count_lines(result.out) == 1u);
  }
  auto well = report({"--repair"}, 0);
  BOOST_TEST(well["well"] == true);
  BOOST_TEST(well["checks"] > 30);
  BOOST_TEST(well["findings"].empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named_and_repaired_on_request) {
  meddle("UPDATE quire_gate SET used = 5; UPDATE quire_task SET finished_at = NULL");
  auto found = quire({"doctor"});
  BOOST_TEST_CONTEXT(found) {
    BOOST_TEST(found.status == 5);
    BOOST_TEST(found.out_has("WRONG     gate_places: 1 found: gate g\n"));
    BOOST_TEST(found.out_has("WRONG     end_times: 1 found: task 1\n"));
    BOOST_TEST(found.out_has("--repair: counted anew; free places are given away\n"));
    BOOST_TEST(found.out_has("2 of "));
  }
  BOOST_TEST(report({}, 5)["findings"][1]["examples"][0] == "gate g");
  auto repaired = quire({"doctor", "--repair"});
  BOOST_TEST_CONTEXT(repaired) {
    BOOST_TEST(repaired.status == 0);
    BOOST_TEST(repaired.out_has("repaired  gate_places: 1 found and repaired: gate g\n"));
    BOOST_TEST(repaired.out_has("all is well in "));
  }
  BOOST_TEST(report({}, 0)["findings"].empty());
}

// What a repair would have to guess stays as it is, and the caller is told.
BOOST_AUTO_TEST_CASE(what_cannot_be_repaired_is_left_alone) {
  meddle("UPDATE quire_gate SET capacity = 0; DELETE FROM quire_task_body WHERE id = 3");
  auto result = quire({"doctor", "--repair"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 5);
    BOOST_TEST(result.out_has("repaired  waiting_payloads: 1 found and repaired: task 3\n"));
    BOOST_TEST(result.out_has("WRONG     gate_capacities: 1 found: gate g\n"));
    BOOST_TEST(result.out_has("WRONG     other_payloads: 1 found: task 3\n"));
    BOOST_TEST(result.out_has("no repair: "));
  }
  BOOST_TEST(json::parse(quire({"task", "show", "3", "--json"}).out)["state"] == "cancelled");
}

// A task asks for the doctor: its process owns the database for sure.
BOOST_AUTO_TEST_CASE(the_doctor_comes_while_another_process_runs_the_database) {
  const std::string script = "\\\"$QUIRE\\\" doctor --json > seen.json; echo $? > status; "
                             "\\\"$QUIRE\\\" doctor --repair --json > repaired.json; echo $? >> status";
  meddle("UPDATE quire_gate SET used = 0");
  write("p.json", pipeline_of(script_stage("look", script)));
  BOOST_REQUIRE(quire({"run", "p.json"}).status == 0);
  BOOST_TEST(read("status") == "5\n0\n");
  BOOST_TEST(json::parse(read("seen.json"))["findings"].size() == 2u);
  BOOST_TEST(json::parse(read("repaired.json"))["well"] == true);
  BOOST_TEST(report({}, 0)["well"] == true);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_told_and_not_repaired) {
  // A table that opening does not read: else the file is refused.
  meddle("UPDATE quire_gate SET used = 5; PRAGMA wal_checkpoint(TRUNCATE)");
  auto root = json::parse(quire({"sql", "--json", "SELECT rootpage FROM sqlite_schema WHERE name = 'quire_task_attempt'"})
                            .out)["rootpage"].get<std::size_t>();
  auto bytes = read("var/quire.db");
  bytes.replace((root - 1) * 4096, 64, 64, '\x7f');
  write("var/quire.db", bytes);
  auto before = read("var/quire.db");
  auto result = quire({"doctor", "--repair"});
  BOOST_TEST_CONTEXT(result) {
    BOOST_TEST(result.status == 5);
    BOOST_TEST(result.out_has("DAMAGED   "));
    BOOST_TEST(result.out_has("nothing was changed; restore a backup"));
    BOOST_TEST(result.out_has("The file is not sound (quick_check)"));
  }
  BOOST_TEST((read("var/quire.db") == before));
}

BOOST_AUTO_TEST_CASE(where_there_is_no_database_there_is_nobody_to_see) {
  auto missing = quire({"doctor", "--repair", "--db", "nowhere.db"});
  BOOST_TEST(missing.status == 1);
  BOOST_TEST(missing.err_has("there is no database nowhere.db"));
  auto excess = quire({"doctor", "now"});
  BOOST_TEST(excess.status == 2);
}

BOOST_AUTO_TEST_SUITE_END()

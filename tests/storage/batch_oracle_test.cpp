#include "quire/tests/storage/batch_support.hpp"
#include "quire/tests/storage/storage_support.hpp"

#include "quire/storage/sqlite/connection_state.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace quire;
using namespace quire::tests;
using namespace quire::storage;

namespace {

constexpr auto tables_sql = R"(
CREATE TABLE item(id INTEGER PRIMARY KEY, k INTEGER UNIQUE, v TEXT);
CREATE TABLE parent(id INTEGER PRIMARY KEY);
CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE note(k INTEGER UNIQUE);
CREATE TABLE typed(k INTEGER, v TEXT) STRICT;
CREATE TABLE quire_commit(id INTEGER PRIMARY KEY, seq INTEGER, author INTEGER);
INSERT INTO quire_commit VALUES(1, 0, 0))";

constexpr auto triggers_sql = R"(
CREATE TRIGGER noted AFTER INSERT ON item BEGIN INSERT OR IGNORE INTO note VALUES(new.k); END;
CREATE TRIGGER refused AFTER INSERT ON item WHEN new.v = 'abort'
BEGIN INSERT OR IGNORE INTO note VALUES(-new.k); SELECT RAISE(ABORT, 'refused'); END;
CREATE TRIGGER spoiled AFTER INSERT ON item WHEN new.v = 'rollback'
BEGIN SELECT RAISE(ROLLBACK, 'spoiled'); END;
CREATE TRIGGER failed BEFORE INSERT ON item WHEN new.v = 'fail'
BEGIN INSERT OR FAIL INTO note VALUES(10000 + new.k), (10001 + new.k), (10000 + new.k); END)";

struct outcome {
  std::optional<errc> code;
  std::int64_t rows = 0;
  std::size_t events = 0;

  friend bool operator==(const outcome&, const outcome&) = default;
};

/// What the same member does in a transaction of its own.
outcome run_by_itself(connection& db, member one) {
  auto before = db.total_changes();
  try {
    transaction_guard guard{db};
    storage::transaction tx{db};
    {
      transaction_control::restriction no_control{db};
      one.work(tx);
    }
    guard.commit();
    return {std::nullopt, db.total_changes() - before, tx.events().size()};
  } catch (const error& failure) {
    return {failure.code()};
  } catch (const std::exception&) {
    return {errc::function_failed};
  }
}

class generator {
public:
  generator(unsigned seed, bool triggers) : random_(seed), triggers_(triggers) {}

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_);
  }

  member next() {
    auto key = std::to_string(below(400));
    auto insert = [&](const std::string& how, const std::string& what) {
      return "INSERT" + how + " INTO item(k, v) VALUES(" + key + ", '" + what + "')";
    };
    auto word = triggers_ ? std::array{"a", "abort", "rollback", "fail"}[below(4)] : "a";
    auto result = [&]() -> member {
      switch (below(21)) {
        case 0:
        case 1: return single(insert("", "plain"));
        case 2: return single(insert("", word));
        case 3: return single(insert(" OR ROLLBACK", "r"));
        case 4:
          return single("INSERT OR FAIL INTO item(k) VALUES(" + key + " + 1), (" + key + "), ("
                        + key + ")");
        case 5:
          return many(
            {insert("", "m"), "UPDATE item SET v = v || '+' WHERE k % 7 = " + key + " % 7"});
        case 6: return many({insert(" OR REPLACE", "m"), insert("", word)});
        case 7:
          return many({"DELETE FROM item WHERE k < " + key + " % 20", insert(" OR ROLLBACK", "r")});
        case 8: return single("INSERT INTO child(p) VALUES(" + key + ")");
        case 9:
          return many({"INSERT INTO child(p) VALUES(" + key + ")",
                       "INSERT OR IGNORE INTO parent VALUES(" + key + ")"});
        case 10: return single("DELETE FROM parent WHERE id = " + key);
        case 11:
          return member{[sql = insert(" OR IGNORE", "thrown")](auto& tx) {
            tx.execute(sql);
            throw std::runtime_error("a function failed");
          }};
        case 12:
          return member{[sql = insert("", "told")](auto& tx) {
            tx.announce({event::topic::task_ready, 1});
            tx.execute(sql);
          }};
        case 13: return single("SELECT nothing FROM nowhere");
        case 14:
          return single("UPDATE OR FAIL item SET k = k / 2 WHERE k BETWEEN " + key + " AND " + key
                        + " + 9");
        case 15: return single("DELETE FROM item WHERE k % 11 = " + key + " % 11");
        case 16: return single("INSERT INTO typed VALUES(" + key + ", 'a'), ('x', 'b')");
        case 17: return single("INSERT INTO typed VALUES(" + key + ", " + key + ")");
        case 19:
          return single("INSERT INTO typed SELECT value, 'j' FROM (SELECT '[1, 2]' AS j UNION ALL SELECT '[')"
                        ", json_each(j)");
        case 18: return single("INSERT OR IGNORE INTO parent VALUES(" + key + "), ('x')");
        default:
          return many({insert("", "c"), std::array{"COMMIT", "ROLLBACK", "SAVEPOINT x"}[below(3)]});
      }
    }();
    result.apart = below(20) == 0;
    result.how_sure = below(40) == 0 ? durability::full : durability::normal;
    return result;
  }

private:
  std::mt19937 random_;
  bool triggers_;
};

void check_seed(unsigned seed, bool triggers) {
  temp_dir dir;
  batch_executor batch([&] { return connection::open_writer(impatient(dir / "batch.db")); },
                       {}, static_cast<int>(seed % 4));
  auto twin = connection::open_writer(impatient(dir / "twin.db"));
  for (auto* db : {&batch.db(), &twin}) {
    db->execute(tables_sql);
    db->execute(triggers ? triggers_sql : "SELECT 1");
  }
  generator random{seed, triggers};
  for (int round = 0; round < 60; ++round) {
    std::vector<member> members;
    for (auto count = 1 + random.below(32); count > 0; --count)
      members.push_back(random.next());
    auto results = execute(batch, members);
    for (std::size_t i = 0; i < members.size(); ++i) {
      auto expected = run_by_itself(twin, members[i]);
      outcome actual{std::nullopt, results[i].rows_changed, results[i].events.size()};
      if (results[i].failure)
        actual.code = results[i].failure->code();
      BOOST_REQUIRE_MESSAGE(actual == expected,
                            "seed "
                              << seed << " round " << round << " member " << i << ": "
                              << (results[i].failure ? results[i].failure->what() : "committed")
                              << "; rows " << actual.rows << " instead of " << expected.rows);
      BOOST_REQUIRE((results[i].commit_seq != 0) == !expected.code);
      BOOST_REQUIRE(!members[i].apart || members[i].runs == 1);
    }
    for (auto* table : {"item", "parent", "child", "note", "typed"}) {
      auto sql = std::string{"SELECT * FROM "} + table + " ORDER BY 1";
      BOOST_REQUIRE_MESSAGE(rows_of(batch.db(), sql) == rows_of(twin, sql),
                            "seed " << seed << " round " << round << ": " << table << " differs");
    }
  }
  BOOST_TEST(first_of(batch.db(), "SELECT seq FROM quire_commit").integer()
             == batch.totals().commits);
  BOOST_TEST(batch.totals().replays > 0);
  BOOST_TEST(batch.totals().failed > 0);
  BOOST_TEST(batch.totals().members > batch.totals().commits);
}

} // namespace

BOOST_AUTO_TEST_SUITE(batch_oracle)

// Whatever shares a transaction, each member ends as it would have alone.
BOOST_AUTO_TEST_CASE(a_batch_does_what_its_members_do_one_by_one) {
  for (unsigned seed = 1; seed <= 4; ++seed)
    check_seed(seed, false);
}

BOOST_AUTO_TEST_CASE(triggers_make_no_difference) {
  for (unsigned seed = 1; seed <= 4; ++seed)
    check_seed(seed, true);
}

BOOST_AUTO_TEST_SUITE_END()

#include "quire/actors/reader_pool.hpp"

#include "quire/storage/sqlite/transaction.hpp"
#include "quire/tests/support/actor_fixture.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::messages;

namespace {

struct pool_fixture : tests::actor_fixture {
  pool_fixture() {
    database.path = dir / "test.db";
    writer.emplace(storage::connection::open_writer(database));
    writer->execute("CREATE TABLE t(x)");
  }

  ~pool_fixture() {
    self->send_exit(pool, caf::exit_reason::user_shutdown);
    settle();
  }

  void start(int readers, int waiting_max = 100) {
    actors::reader_pool_options options;
    options.env = env;
    options.open = [this] {
      ++opened;
      return storage::connection::open_reader(database);
    };
    options.readers = readers;
    options.waiting_max = waiting_max;
    pool = actors::spawn_reader_pool(system, options);
  }

  static query select(std::string sql) {
    query result;
    result.statements.push_back({std::move(sql), {}});
    return result;
  }

  std::int64_t rows() {
    return call<query_result>(pool, select("SELECT count(*) FROM t"))
      ->results.at(0)
      .rows[0][0]
      .integer();
  }

  tests::temp_dir dir;
  storage::connection_options database;
  std::optional<storage::connection> writer;
  reader_pool_actor pool;
  int opened = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(reader_pool, pool_fixture)

// Readers are shared, and some settings are those of the whole process.
BOOST_AUTO_TEST_CASE(a_query_changes_no_setting) {
  start(1);
  for (auto* sql :
       {"PRAGMA hard_heap_limit=100000", "PRAGMA soft_heap_limit=1",
        "PRAGMA case_sensitive_like=ON", "PRAGMA query_only=OFF", "PRAGMA trusted_schema=ON",
        "PRAGMA mmap_size=1000000", "PRAGMA busy_timeout=0", "PRAGMA locking_mode=EXCLUSIVE",
        "PRAGMA cache_size=1", "PRAGMA writable_schema=ON", "PRAGMA temp_store=MEMORY",
        "PRAGMA wal_checkpoint(TRUNCATE)"})
    BOOST_TEST(call<query_result>(pool, select(sql)).failed_with(errc::sql), sql);
  BOOST_TEST(bool(call<query_result>(pool, select("PRAGMA table_info(t)"))));
  read_call inside;
  inside.run =
    std::make_shared<const std::function<void(storage::snapshot&)>>([](storage::snapshot& db) {
      db.query({"PRAGMA query_only=OFF", {}});
    });
  BOOST_TEST(call<read_done>(pool, inside).failed_with(errc::sql));
  BOOST_TEST(rows() == 0);
}

// The guarantee that makes a pool usable: write, then read what was written.
BOOST_AUTO_TEST_CASE(a_read_sent_after_a_write_sees_it_on_every_reader) {
  start(3);
  for (int i = 1; i <= 30; ++i) {
    writer->execute("INSERT INTO t VALUES(1)");
    BOOST_TEST(rows() == i);
  }
}

BOOST_AUTO_TEST_CASE(queries_that_wait_together_share_one_snapshot) {
  start(1);
  std::vector<decltype(send(pool, select("")))> sent;
  for (int i = 0; i < 10; ++i)
    sent.push_back(send(pool, select("SELECT count(*) FROM t")));
  for (auto& one : sent)
    BOOST_TEST(static_cast<bool>(receive<query_result>(std::move(one))));
  // The writer can empty the log: no snapshot was left open.
  writer->execute("INSERT INTO t VALUES(1)");
  BOOST_TEST(writer->checkpoint(true).complete);
}

BOOST_AUTO_TEST_CASE(several_statements_of_one_query_are_answered_in_order) {
  start(2);
  query two;
  two.statements = {{"SELECT 1", {}}, {"SELECT ?1 AS name", {value{"x"}}}};
  auto answer = call<query_result>(pool, two);
  BOOST_REQUIRE(answer);
  BOOST_TEST(answer->results.at(0).rows[0][0].integer() == 1);
  BOOST_TEST(answer->results.at(1).columns.at(0) == "name");
}

BOOST_AUTO_TEST_CASE(a_reader_does_not_write_by_whatever_words) {
  start(1);
  for (auto* sql :
       {"INSERT INTO t VALUES(1)", "DELETE FROM t", "CREATE TABLE u(x)", "DROP TABLE t"})
    BOOST_TEST(call<query_result>(pool, select(sql)).failed_with(errc::read_only), sql);
  for (auto* sql : {"BEGIN", "COMMIT", "ATTACH 'other.db' AS other", "VACUUM INTO 'copy.db'"})
    BOOST_TEST(call<query_result>(pool, select(sql)).failed_with(errc::sql), sql);
  BOOST_TEST(rows() == 0);
}

BOOST_AUTO_TEST_CASE(limits_on_rows_and_bytes_are_kept) {
  start(1);
  auto many = select(
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100) SELECT x FROM c");
  many.rows_max = 10;
  BOOST_TEST(call<query_result>(pool, many).failed_with(errc::too_large));
  auto wide = select("SELECT zeroblob(5000)");
  wide.bytes_max = 1000;
  BOOST_TEST(call<query_result>(pool, wide).failed_with(errc::too_large));
}

BOOST_AUTO_TEST_CASE(an_error_ends_the_query_and_not_the_reader) {
  start(1);
  BOOST_TEST(call<query_result>(pool, select("SELEKT 1")).failed_with(errc::sql));
  read_call broken;
  broken.run = std::make_shared<const std::function<void(storage::snapshot&)>>(
    [](storage::snapshot&) { throw std::runtime_error("broken on purpose"); });
  auto answer = call<read_done>(pool, broken);
  BOOST_TEST(answer.failed_with(errc::function_failed));
  BOOST_TEST(answer.text() == "broken on purpose");
  BOOST_TEST(rows() == 0);
  BOOST_TEST(opened == 1);
}

BOOST_AUTO_TEST_CASE(past_its_limit_the_pool_refuses_at_once) {
  start(1, 3);
  std::vector<decltype(send(pool, select("")))> sent;
  for (int i = 0; i < 5; ++i)
    sent.push_back(send(pool, select("SELECT 1")));
  // The pool alone handles its messages: the reader has no turn yet.
  int answered = 0;
  int refused = 0;
  for (auto& one : sent) {
    auto answer = receive<query_result>(std::move(one));
    answered += static_cast<bool>(answer);
    refused += answer.failed_with(errc::overloaded);
  }
  BOOST_TEST(answered + refused == 5);
  BOOST_TEST(answered >= 3);
}

BOOST_AUTO_TEST_SUITE_END()

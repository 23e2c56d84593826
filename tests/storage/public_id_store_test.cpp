#include "quire/storage/sqlite/public_id_store.hpp"

#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;

namespace {

struct fixture : tests::store_fixture {
  std::string public_id(task_id task) {
    storage::snapshot seen{db};
    return storage::public_ids_of(seen).of({task.value, record(task).created_at_ms});
  }

  task_id find(const std::string& text) {
    storage::snapshot seen{db};
    return storage::find_public_task(seen, text).value_or(task_id{});
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(public_id_store, fixture)

BOOST_AUTO_TEST_CASE(a_task_is_found_by_its_public_id_for_as_long_as_it_is_there) {
  auto id = enqueue(work());
  auto other = enqueue(work());
  auto text = public_id(id);
  BOOST_TEST(text != public_id(other));
  BOOST_TEST((find(text) == id));
  now += 5;
  finish(claim_one(), task_outcome::success());
  BOOST_TEST(public_id(id) == text);
  write([&](auto& tx) { storage::prune_tasks(tx, now + 1); });
  BOOST_TEST((find(text) == task_id{}));
  BOOST_TEST((find(public_id(other)) == other));
}

BOOST_AUTO_TEST_CASE(what_is_no_public_id_of_a_task_finds_nothing) {
  auto id = enqueue(work());
  storage::snapshot seen{db};
  auto ids = storage::public_ids_of(seen);
  BOOST_TEST((find(ids.of({id.value, now + 1})) == task_id{}));
  BOOST_TEST((find(ids.of({id.value + 1, now})) == task_id{}));
  BOOST_TEST((find("1") == task_id{}));
  BOOST_TEST((find("") == task_id{}));
}

BOOST_AUTO_TEST_CASE(each_database_has_its_own) {
  enqueue(work());
  auto text = public_id(enqueue(work()));
  tests::store_fixture elsewhere;
  storage::snapshot seen{elsewhere.db};
  auto id = elsewhere.enqueue(work());
  BOOST_TEST(storage::public_ids_of(seen).of({id.value, elsewhere.now}) != text);
}

BOOST_AUTO_TEST_SUITE_END()

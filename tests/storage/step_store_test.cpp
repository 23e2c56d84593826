#include "quire/storage/sqlite/step_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/tests/storage/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

using namespace quire;

namespace {

struct steps_fixture : tests::store_fixture {
  std::string keep(const task_assignment& task, const std::string& name, std::string value) {
    return write([&](storage::transaction& tx) {
      return storage::keep_step(
        tx, task.id, task.epoch, name, [&](storage::transaction&) { return value; }, now);
    });
  }

  std::optional<std::string> find(task_id task, const std::string& name) {
    storage::snapshot seen{db};
    return storage::find_step(seen, task, name);
  }

  /// Calls `f`, which is refused with `code` and names `part`.
  template <class F>
  static void refused(errc code, const std::string& part, F f) {
    BOOST_CHECK_EXCEPTION(f(), storage::error, [&](const storage::error& error) {
      BOOST_TEST_INFO(error.what());
      return error.code() == code && std::string{error.what()}.find(part) != std::string::npos;
    });
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(step_store, steps_fixture)

BOOST_AUTO_TEST_CASE(what_a_step_returned_is_found_by_later_attempts) {
  auto id = enqueue(work());
  auto first = claim_one();
  BOOST_TEST(!find(id, "fetch"));
  BOOST_TEST(keep(first, "fetch", "17 pages") == "17 pages");
  now += 5;
  keep(first, "count", ""); // At one time with the next one.
  reboot();
  BOOST_TEST(find(id, "fetch").value() == "17 pages");
  BOOST_TEST(find(id, "count").value().empty());
  auto second = claim_one();
  keep(second, "and send", "ok");
  auto steps = details(id).steps;
  BOOST_REQUIRE(steps.size() == 3u);
  BOOST_TEST(steps[0].name == "fetch");
  BOOST_TEST(steps[0].epoch == first.epoch);
  BOOST_TEST(steps[0].at_ms == now - 5);
  BOOST_TEST(steps[0].bytes == 8);
  BOOST_TEST(steps[1].name == "count");
  BOOST_TEST(steps[2].name == "and send");
  BOOST_TEST(steps[2].epoch == second.epoch);
}

BOOST_AUTO_TEST_CASE(what_it_writes_is_had_with_the_step_or_not_at_all) {
  write([](storage::transaction& tx) { tx.execute("CREATE TABLE sent(x)"); });
  auto id = enqueue(work());
  auto task = claim_one();
  auto send = [&](bool fails) {
    return write([&](storage::transaction& tx) {
      return storage::keep_step(
        tx, id, task.epoch, "send",
        [&](storage::transaction& in) {
          in.execute("INSERT INTO sent VALUES(1)");
          if (fails)
            throw std::runtime_error("no luck");
          return std::string{"sent"};
        },
        now);
    });
  };
  BOOST_CHECK_THROW(send(true), std::runtime_error);
  BOOST_TEST(number("SELECT count(*) FROM sent") == 0);
  BOOST_TEST(!find(id, "send"));
  BOOST_TEST(send(false) == "sent");
  BOOST_TEST(number("SELECT count(*) FROM sent") == 1);
  refused(errc::conflict, "done already", [&] { send(false); });
  BOOST_TEST(number("SELECT count(*) FROM sent") == 1);
}

BOOST_AUTO_TEST_CASE(an_attempt_whose_claim_was_taken_away_keeps_nothing) {
  auto id = enqueue(work());
  auto stale = claim_one();
  reboot();
  refused(errc::conflict, "taken away", [&] { keep(stale, "a", "1"); });
  auto task = claim_one();
  refused(errc::conflict, "taken away", [&] { keep(stale, "a", "1"); });
  BOOST_TEST(!find(id, "a"));
  keep(task, "a", "2");
  finish(task, task_outcome::success());
  refused(errc::conflict, "taken away", [&] { keep(task, "b", "1"); });
  BOOST_TEST(details(id).steps.size() == 1u);
}

BOOST_AUTO_TEST_CASE(limits_are_kept_and_named) {
  enqueue(work());
  auto task = claim_one();
  refused(errc::invalid_argument, "1 to 255 bytes, not 0", [&] { keep(task, "", "1"); });
  refused(errc::invalid_argument, "1 to 255 bytes, not 256",
          [&] { keep(task, std::string(256, 'n'), "1"); });
  keep(task, std::string(255, 'n'), "1");
  refused(errc::invalid_argument, "returned 1048577 bytes of 1048576",
          [&] { keep(task, "large", std::string(1'048'577, 'x')); });
  BOOST_TEST(keep(task, "large", std::string(1'048'576, 'x')).size() == 1'048'576u);
}

BOOST_AUTO_TEST_CASE(a_task_has_so_many_steps_at_most) {
  auto id = enqueue(work());
  auto task = claim_one();
  write([&](storage::transaction& tx) {
    tx.execute("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) "
               "INSERT INTO quire_task_step SELECT ?1, 'page ' || i, i, 1, 7, 0, '' FROM n",
               id.value);
  });
  keep(task, "the last", "");
  refused(errc::invalid_argument, "10000 steps at most", [&] { keep(task, "one more", ""); });
}

BOOST_AUTO_TEST_CASE(steps_stay_when_a_task_is_started_again_and_go_with_it) {
  auto id = enqueue(work());
  auto task = claim_one();
  keep(task, "a", "1");
  finish(task, task_outcome::failure("no", error_class::permanent));
  write([&](auto& tx) { storage::retry_task(tx, id, now); });
  BOOST_TEST(find(id, "a").value() == "1");
  finish(claim_one(), task_outcome::success());
  BOOST_TEST(find(id, "a").value() == "1");
  write([&](auto& tx) { storage::prune_tasks(tx, now + 1); });
  BOOST_TEST(number("SELECT count(*) FROM quire_task_step") == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// Public types can be sent between processes: each is written by CAF's binary
// serializer and read back, and must be what it was.
#include "quire/messages/interfaces.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <vector>

using namespace quire;

namespace {

struct wire {
  caf::actor_system_config config;
  caf::actor_system system{config};

  template <class T>
  T send(T x) {
    std::vector<char> bytes;
    caf::binary_serializer writer{system, bytes};
    BOOST_TEST(!writer(x));
    T result{};
    caf::binary_deserializer reader{system, bytes};
    BOOST_TEST(!reader(result));
    return result;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(inspect, wire)

BOOST_AUTO_TEST_CASE(every_kind_of_value_arrives_as_it_was_also_infinity) {
  std::vector<value> values{
    value{}, value{-1}, value{std::numeric_limits<std::int64_t>::min()}, value{0.1},
    value{std::numeric_limits<double>::infinity()}, value{std::string("with\0zero", 9)}, value{""},
    value{blob{std::byte{0}, std::byte{255}}}, value{blob{}}};
  for (auto& one : values)
    BOOST_TEST((send(one) == one));
}

BOOST_AUTO_TEST_CASE(a_write_keeps_its_statements_and_its_durability) {
  messages::write_batch batch{{{"INSERT INTO t VALUES(?1)", {value{1}}}, {"DELETE FROM t", {}}}, durability::full};
  auto arrived = send(batch);
  BOOST_TEST(arrived.statements.size() == 2u);
  BOOST_TEST(arrived.statements[0].sql == batch.statements[0].sql);
  BOOST_TEST((arrived.statements[0].params == batch.statements[0].params));
  BOOST_TEST((arrived.sync == durability::full));
  BOOST_TEST(!send(messages::write_batch{}).sync.has_value());
}

BOOST_AUTO_TEST_CASE(a_receipt_keeps_its_rows) {
  messages::receipt receipt{7, 2, 9, {{{"a", "b"}, {{value{1}, value{"x"}}}}}};
  auto arrived = send(receipt);
  BOOST_TEST(arrived.commit_seq == 7u);
  BOOST_TEST(arrived.rows_changed == 2);
  BOOST_TEST(arrived.last_rowid == 9);
  BOOST_TEST((arrived.results == receipt.results));
}

BOOST_AUTO_TEST_CASE(a_task_keeps_its_optional_times) {
  task_spec spec;
  spec.kind = "resize";
  spec.run_at_ms = 123;
  spec.retry.attempts_max = 9;
  spec.unique = {"a", std::chrono::milliseconds{7}, on_duplicate::reject};
  auto arrived = send(messages::enqueue_tasks{{spec, task_spec{}}});
  BOOST_TEST(arrived.tasks[0].run_at_ms.value() == 123);
  BOOST_TEST(arrived.tasks[0].retry.attempts_max == 9);
  BOOST_TEST(!arrived.tasks[1].run_at_ms.has_value());
  BOOST_TEST((arrived.tasks[0].unique.key == "a" && arrived.tasks[0].unique.kept_for.count() == 7));
  BOOST_TEST((arrived.tasks[0].unique.found == on_duplicate::reject));

  task_record record;
  record.id = {4};
  record.state = task_state::failed;
  record.finished_at_ms = 5;
  record.error = "why";
  record.unique_key = "a";
  auto back = send(record);
  BOOST_TEST((back.id == task_id{4}));
  BOOST_TEST((back.state == task_state::failed));
  BOOST_TEST(back.finished_at_ms.value() == 5);
  BOOST_TEST(!back.started_at_ms.has_value());
  BOOST_TEST(back.error == "why");
  BOOST_TEST(back.unique_key == "a");
}

BOOST_AUTO_TEST_CASE(a_run_keeps_its_stages) {
  run_record run;
  run.pipeline = "survey";
  run.params = {{"root", "."}};
  run.stages.resize(2);
  run.stages[1].name = "measure";
  run.stages[1].total = 17;
  run.stages[1].started_at_ms = 3;
  auto arrived = send(run);
  BOOST_TEST(arrived.params.at("root") == ".");
  BOOST_TEST(arrived.stages.at(1).name == "measure");
  BOOST_TEST(arrived.stages.at(1).total == 17);
  BOOST_TEST(arrived.stages.at(1).started_at_ms.value() == 3);
  BOOST_TEST(!arrived.finished_at_ms.has_value());
}

BOOST_AUTO_TEST_CASE(an_error_carries_its_code_and_its_text) {
  auto error = caf::make_error(errc::disk_full, std::string{"no space"});
  BOOST_TEST((error == errc::disk_full));
  BOOST_TEST(error.context().get_as<std::string>(0) == "no space");
}

BOOST_AUTO_TEST_SUITE_END()

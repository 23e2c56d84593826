#include "quire/actors/gateway.hpp"

#include "quire/actors/pipeline_service.hpp"
#include "quire/tests/support/service_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

struct gateway_fixture : tests::service_fixture {
  gateway_fixture() {
    actors::write_limits writing;
    writing.requests_max = 3;
    writing.bytes_max = 10'000;
    port = std::make_shared<actors::write_port>(writing, env.clock);
    reads = std::make_shared<actors::read_port>(actors::read_limits{}, env.clock);
    gateway = actors::spawn_gateway(system, {port, reads, durability::normal});
    keep(gateway);
    actors::pipeline_service_options options;
    options.env = env;
    options.writer = relayed;
    options.readers = readers;
    options.boot = boot;
    pipelines = keep(actors::spawn_pipeline_service(system, options));
  }

  void serve() {
    messages::services news;
    news.writer = caf::actor_cast<caf::actor>(writer);
    news.readers = caf::actor_cast<caf::actor>(readers);
    news.pipelines = caf::actor_cast<caf::actor>(pipelines);
    caf::anon_send(caf::actor_cast<caf::actor>(gateway), news);
    settle();
  }

  /// A run of about `bytes`, which a service makes a write of.
  static start_run run_of(std::size_t bytes) {
    return {R"({"name": "p", "stages": [{"name": "s", "task": {"kind": "later", "payload": ")"
              + std::string(bytes, 'x') + R"("}}]})",
            {}};
  }

  static start_run two_kilobytes() { return run_of(2'048); }

  gateway_actor gateway;
  pipeline_service_actor pipelines;
  std::shared_ptr<actors::write_port> port;
  std::shared_ptr<actors::read_port> reads;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(gateway, gateway_fixture)

BOOST_AUTO_TEST_CASE(nobody_is_served_before_the_services_are_there) {
  BOOST_TEST(call<run_started>(gateway, two_kilobytes()).failed_with(errc::unavailable));
  serve();
  BOOST_TEST(bool(call<run_started>(gateway, two_kilobytes())));
  BOOST_TEST(call<task_record>(gateway, await_task{task_id{1}}).failed_with(errc::unavailable));
}

// All that waits anywhere on its way is counted, and counted out in the end.
BOOST_AUTO_TEST_CASE(more_requests_than_may_wait_are_refused) {
  serve();
  auto first = send(gateway, two_kilobytes());
  auto second = send(gateway, two_kilobytes());
  auto third = send(gateway, two_kilobytes());
  auto fourth = send(gateway, two_kilobytes());
  BOOST_TEST(bool(receive<run_started>(std::move(first))));
  BOOST_TEST(bool(receive<run_started>(std::move(second))));
  BOOST_TEST(bool(receive<run_started>(std::move(third))));
  BOOST_TEST(receive<run_started>(std::move(fourth)).failed_with(errc::overloaded));
  BOOST_TEST(number("SELECT count(*) FROM quire_run") == 3);
  BOOST_TEST(port->admitted().waiting() == 0u);
  BOOST_TEST(port->admitted().waiting_bytes() == 0u);
  BOOST_TEST(port->admitted().refused() == 1u);
}

BOOST_AUTO_TEST_CASE(more_bytes_than_may_wait_are_refused) {
  serve();
  auto first = send(gateway, run_of(9'000));
  auto second = send(gateway, two_kilobytes());
  BOOST_TEST(bool(receive<run_started>(std::move(first))));
  BOOST_TEST(receive<run_started>(std::move(second)).failed_with(errc::overloaded));
  BOOST_TEST(bool(call<run_started>(gateway, two_kilobytes())));
}

// Clients need no timer of their own: the gateway watches the deadlines.
BOOST_AUTO_TEST_CASE(a_request_that_nobody_executes_is_answered_at_its_deadline) {
  serve();
  write_batch batch;
  batch.statements = {{"SELECT 1", {}}};
  batch.terms.timeout = 200ms;
  auto written = send(gateway, batch); // No writer is at this port,
  messages::query query;
  query.statements = {{"SELECT 1", {}}};
  query.terms.timeout = 200ms;
  auto read = send(gateway, query); // and no reader.
  advance(150ms);
  BOOST_TEST(port->waiting() == 1u);
  advance(250ms);
  BOOST_TEST(port->waiting() == 0u);
  BOOST_TEST(receive<receipt>(std::move(written)).failed_with(errc::expired));
  BOOST_TEST(receive<query_result>(std::move(read)).failed_with(errc::expired));
}

// They wait for the writer like any other write.
BOOST_AUTO_TEST_CASE(tasks_to_enqueue_need_no_service_and_count_with_their_payload) {
  serve();
  enqueue_tasks request;
  request.tasks.resize(1);
  request.tasks[0].payload.resize(4'000);
  request.terms.timeout = 200ms;
  auto waits = send(gateway, request);
  settle();
  BOOST_TEST(port->waiting() == 1u);
  BOOST_TEST(port->admitted().waiting_bytes() > 4'000u);
  request.tasks[0].payload.resize(9'000);
  BOOST_TEST(call<tasks_enqueued>(gateway, request).failed_with(errc::overloaded));
  advance(400ms);
  BOOST_TEST(receive<tasks_enqueued>(std::move(waits)).failed_with(errc::expired));
  BOOST_TEST(port->admitted().waiting_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_waiting_request_is_cancelled_by_its_number) {
  serve();
  write_batch batch;
  batch.statements = {{"SELECT 1", {}}};
  batch.terms.request = 5;
  auto written = send(gateway, batch);
  settle();
  BOOST_TEST((call<request_cancelled>(gateway, cancel_request{0, 6})->found
              == request_cancelled::stage::unknown));
  BOOST_TEST((call<request_cancelled>(gateway, cancel_request{0, 5})->found
              == request_cancelled::stage::waiting));
  BOOST_TEST(receive<receipt>(std::move(written)).failed_with(errc::cancelled));
  messages::query query;
  query.statements = {{"SELECT 1", {}}};
  query.terms.client = 42;
  query.terms.request = 1;
  auto read = send(gateway, query);
  settle();
  BOOST_TEST((call<request_cancelled>(gateway, cancel_request{42, 1})->found
              == request_cancelled::stage::waiting));
  BOOST_TEST(receive<query_result>(std::move(read)).failed_with(errc::cancelled));
}

// What failed and what a dead service held waits no more.
BOOST_AUTO_TEST_CASE(a_request_that_fails_is_counted_out) {
  serve();
  faults->refused = 1;
  BOOST_TEST(call<run_started>(gateway, two_kilobytes()).failed_with(errc::disk_full));
  BOOST_TEST(port->admitted().waiting() == 0u);
  auto lost = send(gateway, two_kilobytes());
  kill(pipelines);
  BOOST_TEST(!receive<run_started>(std::move(lost)));
  BOOST_TEST(port->admitted().waiting() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

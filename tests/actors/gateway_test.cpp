#include "quire/actors/gateway.hpp"

#include "quire/actors/task_service.hpp"
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
    actors::task_service_options options;
    options.env = env;
    options.writer = relayed;
    options.readers = readers;
    options.boot = boot;
    tasks = keep(actors::spawn_task_service(system, options));
  }

  void serve() {
    messages::services news;
    news.writer = caf::actor_cast<caf::actor>(writer);
    news.readers = caf::actor_cast<caf::actor>(readers);
    news.tasks = caf::actor_cast<caf::actor>(tasks);
    caf::anon_send(caf::actor_cast<caf::actor>(gateway), news);
    settle();
  }

  static enqueue_tasks two_kilobytes() {
    task_spec spec;
    spec.kind = "later";
    spec.payload = std::string(2048, 'x');
    return {{spec}};
  }

  gateway_actor gateway;
  task_service_actor tasks;
  std::shared_ptr<actors::write_port> port;
  std::shared_ptr<actors::read_port> reads;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(gateway, gateway_fixture)

BOOST_AUTO_TEST_CASE(nobody_is_served_before_the_services_are_there) {
  BOOST_TEST(call<tasks_enqueued>(gateway, two_kilobytes()).failed_with(errc::unavailable));
  serve();
  BOOST_TEST(bool(call<tasks_enqueued>(gateway, two_kilobytes())));
  BOOST_TEST(call<run_started>(gateway, start_run{"{}", {}}).failed_with(errc::unavailable));
}

// All that waits anywhere on its way is counted, and counted out in the end.
BOOST_AUTO_TEST_CASE(more_requests_than_may_wait_are_refused) {
  serve();
  auto first = send(gateway, two_kilobytes());
  auto second = send(gateway, two_kilobytes());
  auto third = send(gateway, two_kilobytes());
  auto fourth = send(gateway, two_kilobytes());
  BOOST_TEST(bool(receive<tasks_enqueued>(std::move(first))));
  BOOST_TEST(bool(receive<tasks_enqueued>(std::move(second))));
  BOOST_TEST(bool(receive<tasks_enqueued>(std::move(third))));
  BOOST_TEST(receive<tasks_enqueued>(std::move(fourth)).failed_with(errc::overloaded));
  BOOST_TEST(number("SELECT count(*) FROM quire_task") == 3);
  BOOST_TEST(port->admitted().waiting() == 0u);
  BOOST_TEST(port->admitted().waiting_bytes() == 0u);
  BOOST_TEST(port->admitted().refused() == 1u);
}

BOOST_AUTO_TEST_CASE(more_bytes_than_may_wait_are_refused) {
  serve();
  auto large = two_kilobytes();
  large.tasks.front().payload.resize(9'000);
  auto first = send(gateway, large);
  auto second = send(gateway, two_kilobytes());
  BOOST_TEST(bool(receive<tasks_enqueued>(std::move(first))));
  BOOST_TEST(receive<tasks_enqueued>(std::move(second)).failed_with(errc::overloaded));
  BOOST_TEST(bool(call<tasks_enqueued>(gateway, two_kilobytes())));
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
  BOOST_TEST(call<tasks_enqueued>(gateway, two_kilobytes()).failed_with(errc::disk_full));
  BOOST_TEST(port->admitted().waiting() == 0u);
  auto lost = send(gateway, two_kilobytes());
  kill(tasks);
  BOOST_TEST(!receive<tasks_enqueued>(std::move(lost)));
  BOOST_TEST(port->admitted().waiting() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

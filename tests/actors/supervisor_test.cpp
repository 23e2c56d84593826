#include "quire/actors/supervisor.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/gateway.hpp"
#include "quire/tests/support/actor_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <vector>

using namespace quire;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

/// A service that does nothing but live, and writes down when it starts and ends.
struct plain_state {
  plain_state() = default;
  static inline const char* name = "plain";
};

service_actor::behavior_type plain_service(service_actor::stateful_pointer<plain_state> self,
                                           std::string called, std::vector<std::string>* journal) {
  actors::install_handlers(self, "plain");
  journal->push_back("+" + called);
  return {
    [called](status_request) {
      return service_status{called, "running", 0, {}, {}};
    },
    [self, called, journal](drain) {
      journal->push_back("-" + called);
      self->quit();
      return drained{};
    },
  };
}

struct supervisor_fixture : tests::actor_fixture {
  ~supervisor_fixture() {
    if (supervisor)
      self->send_exit(supervisor, caf::exit_reason::kill);
    for (auto& [name, child] : children)
      self->send_exit(child, caf::exit_reason::kill);
    self->send_exit(gateway, caf::exit_reason::kill);
    settle();
  }

  actors::child_spec spec(const std::string& name) {
    return {name, [this, name](caf::actor_system& in, services&) {
              if (broken == name)
                throw storage::error(errc::io, "broken on purpose");
              children[name] = caf::actor_cast<caf::actor>(in.spawn(plain_service, name, &journal));
              return children[name];
            }};
  }

  void start(std::vector<std::string> names, actors::restart_limits limits = {}) {
    gateway = actors::spawn_gateway(system);
    actors::supervisor_options options;
    options.env = env;
    options.gateway = gateway;
    options.limits = limits;
    options.on_failed = [this](const std::string& reason) { failed = reason; };
    for (auto& name : names)
      options.children.push_back(spec(name));
    supervisor = actors::spawn_supervisor(system, options);
    settle();
  }

  void crash(const std::string& name) {
    self->send_exit(children.at(name), caf::exit_reason::unhandled_exception);
    settle();
  }

  using words = std::vector<std::string>;

  words journal;
  std::map<std::string, caf::actor> children;
  std::string broken;
  std::string failed;
  gateway_actor gateway;
  supervisor_actor supervisor;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(supervisor, supervisor_fixture)

BOOST_AUTO_TEST_CASE(children_start_in_order_and_drain_in_reverse_order) {
  start({"a", "b", "c"});
  BOOST_TEST(static_cast<bool>(call<drained>(supervisor, drain{})));
  BOOST_TEST((journal == words{"+a", "+b", "+c", "-c", "-b", "-a"}));
}

// Rest for one: each child may use those before it, so all after it start over.
BOOST_AUTO_TEST_CASE(a_child_that_ends_takes_everything_after_it_along) {
  start({"a", "b", "c"});
  crash("b");
  BOOST_TEST((journal == words{"+a", "+b", "+c"}));
  advance(250ms);
  BOOST_TEST((journal == words{"+a", "+b", "+c", "+b", "+c"}));
  auto status = call<runtime_status>(supervisor, runtime_status_request{});
  BOOST_REQUIRE(status);
  BOOST_TEST(status->services.at(1).restarts == 0);
  BOOST_TEST(status->services.at(2).restarts == 1);
  BOOST_TEST(status->services.at(3).restarts == 1);
}

BOOST_AUTO_TEST_CASE(a_restart_that_fails_is_tried_again_later) {
  start({"a", "b"});
  broken = "b";
  crash("b");
  advance(1s);
  BOOST_TEST((journal == words{"+a", "+b"}));
  broken.clear();
  advance(5s);
  BOOST_TEST((journal == words{"+a", "+b", "+b"}));
  BOOST_TEST(failed.empty());
}

BOOST_AUTO_TEST_CASE(too_many_ends_fail_the_runtime_and_everybody_is_told) {
  start({"a"}, {2, 60s, 10ms, 10ms, 60s});
  for (int i = 0; i < 3; ++i) {
    crash("a");
    advance(50ms);
  }
  BOOST_TEST(!failed.empty());
  auto answer = call<receipt>(gateway, write_batch{});
  BOOST_TEST(answer.failed_with(errc::unavailable));
  BOOST_TEST(answer.text() == failed);
}

BOOST_AUTO_TEST_CASE(a_first_start_that_fails_is_the_callers_to_know_and_leaves_nothing_running) {
  broken = "b";
  BOOST_CHECK_THROW(start({"a", "b"}), storage::error);
  settle();
  BOOST_TEST(
    call<service_status>(caf::actor_cast<service_actor>(children.at("a")), status_request{})
      .failed_with(errc::unavailable));
}

BOOST_AUTO_TEST_CASE(the_status_names_every_service_also_one_that_is_away) {
  start({"a", "b"});
  self->send_exit(children.at("b"), caf::exit_reason::unhandled_exception);
  settle();
  auto status = call<runtime_status>(supervisor, runtime_status_request{});
  BOOST_REQUIRE(status);
  BOOST_REQUIRE(status->services.size() == 3u);
  BOOST_TEST(status->services[1].state == "running");
  BOOST_TEST(status->services[2].service == "b");
  BOOST_TEST(status->services[2].state == "restarting");
}

BOOST_AUTO_TEST_CASE(the_gateway_answers_unavailable_until_it_knows_somebody) {
  gateway = actors::spawn_gateway(system);
  BOOST_TEST(call<receipt>(gateway, write_batch{}).failed_with(errc::unavailable));
  BOOST_TEST(call<run_started>(gateway, start_run{}).failed_with(errc::unavailable));
}

// The timer of an earlier end must not start what relies on a child that is ending.
BOOST_AUTO_TEST_CASE(a_restart_waits_for_everything_that_is_ending) {
  start({"a", "b", "c"});
  crash("c");
  journal.clear();
  self->send_exit(children.at("a"), caf::exit_reason::unhandled_exception);
  scheduler.run_once(); // The end of a,
  scheduler.run_once(); // of which the supervisor hears: b is told to end.
  scheduler.advance_time(1s);
  advance(2s, 50ms);
  BOOST_TEST((journal == words{"+a", "+b", "+c"}));
}

BOOST_AUTO_TEST_SUITE_END()

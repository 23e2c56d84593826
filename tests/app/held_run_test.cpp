#include "quire/app/cli/held_run.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;

namespace {

struct fixture {
  fixture() {
    stage_spec stage;
    stage.task.kind = "command";
    stage.task.queue = "slow";
    pipeline.stages.push_back(stage);
  }

  static queue_record paused(std::string name) {
    queue_record queue;
    queue.name = std::move(name);
    queue.paused_at_ms = 1'700'000'000'000;
    queue.ready = 3;
    return queue;
  }

  static breaker_record open(std::string name, std::string kind) {
    breaker_record breaker;
    breaker.name = std::move(name);
    breaker.kinds = {std::move(kind)};
    breaker.state = breaker_state::open;
    breaker.probe_at_ms = 1'700'000'000'000;
    return breaker;
  }

  std::string said(const std::vector<queue_record>& queues,
                   const std::vector<breaker_record>& breakers,
                   const std::vector<tenant_record>& tenants = {}) const {
    return cli::what_holds(pipeline, queues, breakers, tenants).value_or("nothing");
  }

  pipeline_spec pipeline;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(held_run, fixture)

BOOST_AUTO_TEST_CASE(a_paused_queue_is_named_with_what_resumes_it) {
  auto text = said({paused("other"), paused("slow")}, {});
  BOOST_TEST(has(text, "queue 'slow' is paused since 2023-11-14"), text);
  BOOST_TEST(has(text, "quire queue resume slow"), text);
}

BOOST_AUTO_TEST_CASE(an_open_breaker_is_named_with_its_time_and_what_closes_it) {
  auto text = said({}, {open("other", "fetch"), open("api", "command")});
  BOOST_TEST(has(text, "breaker 'api' is open until 2023-11-14"), text);
  BOOST_TEST(has(text, "quire breaker close api"), text);
  auto by_hand = open("api", "command");
  by_hand.forced = true;
  BOOST_TEST(has(said({}, {by_hand}), "is open, by hand"));
}

BOOST_AUTO_TEST_CASE(a_paused_tenant_is_named_with_what_resumes_it) {
  tenant_record tenant;
  tenant.name = "acme & co";
  BOOST_TEST(said({}, {}, {tenant}) == "nothing");
  tenant.policy.paused = true;
  auto text = said({}, {}, {tenant});
  BOOST_TEST(has(text, "their tenant 'acme & co' is paused"), text);
  BOOST_TEST(has(text, "quire tenant set 'acme & co' --resume"), text);
}

BOOST_AUTO_TEST_CASE(what_does_not_concern_it_is_not_mentioned) {
  auto empty = paused("slow");
  empty.ready = 0;
  auto running = paused("slow");
  running.paused_at_ms.reset();
  auto probing = open("api", "command");
  probing.state = breaker_state::half_open;
  BOOST_TEST(said({empty, running, paused("other")}, {probing, open("b", "fetch")}) == "nothing");
}

BOOST_AUTO_TEST_SUITE_END()

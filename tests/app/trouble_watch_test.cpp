#include "quire/app/cli/trouble_watch.hpp"

#include <boost/test/unit_test.hpp>

using namespace quire;
using namespace std::chrono_literals;

namespace {

struct fixture {
  static runtime_status with(service_status service) {
    return {"a.db", 1, {{"writer", "running", 0, {}, {}}, std::move(service)}};
  }

  static service_status degraded(errc code) {
    return {"task_execution_service", "degraded", 0, {{"trouble", static_cast<int>(code)}}, "the disk is full"};
  }

  std::optional<std::string> after(std::chrono::seconds time, service_status service) {
    now += time;
    return watch.look(with(std::move(service)), now);
  }

  cli::trouble_watch::time_point now{1000s};
  cli::trouble_watch watch;
  const service_status fine{"task_execution_service", "running", 0, {}, "an old note"};
};

bool says(const std::optional<std::string>& text, const std::string& part) {
  return text && text->find(part) != text->npos;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(trouble_watch, fixture)

BOOST_AUTO_TEST_CASE(what_is_over_soon_is_not_mentioned) {
  BOOST_TEST(!after(1s, fine));
  BOOST_TEST(!after(1s, degraded(errc::disk_full)));
  BOOST_TEST(!after(2s, degraded(errc::disk_full)));
  BOOST_TEST(!after(1s, fine));
  BOOST_TEST(!after(9s, degraded(errc::disk_full))); // It begins anew.
}

BOOST_AUTO_TEST_CASE(what_lasts_is_told_repeated_and_ended) {
  after(1s, degraded(errc::disk_full));
  BOOST_TEST(says(after(3s, degraded(errc::disk_full)), "the disk is full"));
  BOOST_TEST(!after(29s, degraded(errc::disk_full)));
  BOOST_TEST(says(after(1s, degraded(errc::disk_full)), "the disk is full"));
  BOOST_TEST(says(after(1s, fine), "it goes on"));
  BOOST_TEST(!after(1s, fine));
  BOOST_TEST(!watch.hopeless());
}

BOOST_AUTO_TEST_CASE(damage_does_not_go_away_by_waiting) {
  for (auto code : {errc::corrupt, errc::sql}) {
    watch = {};
    after(1s, degraded(code));
    after(9s, degraded(code));
    BOOST_TEST(!watch.hopeless());
    after(1s, degraded(code));
    BOOST_TEST(says(watch.hopeless(), "the disk is full"));
  }
}

BOOST_AUTO_TEST_CASE(waiting_for_something_else_before_does_not_count) {
  after(1s, degraded(errc::disk_full));
  after(30s, degraded(errc::corrupt));
  BOOST_TEST(!watch.hopeless());
  after(9s, degraded(errc::disk_full));
  after(9s, degraded(errc::corrupt));
  BOOST_TEST(!watch.hopeless());
}

BOOST_AUTO_TEST_CASE(a_writer_that_waits_and_a_service_that_starts_again_are_told) {
  service_status silent{"writer", "busy", 0, {}, {}};
  after(1s, silent);
  BOOST_TEST(says(after(3s, silent), "the writer waits"));
  service_status restarting{"reader_pool", "restarting", 3, {}, {}};
  BOOST_TEST(says(after(30s, restarting), "reader_pool is being started again"));
  // Others may take a second for an answer without anybody having to know.
  watch = {};
  service_status slow{"maintenance_service", "busy", 0, {}, {}};
  after(1s, slow);
  BOOST_TEST(!after(60s, slow));
}

BOOST_AUTO_TEST_CASE(what_somebody_decided_is_told_unless_something_is_wrong_as_well) {
  std::string held = "its queue is paused";
  auto look = [&](service_status service) {
    now += 2s;
    return watch.look(with(std::move(service)), now, held).value_or("nothing");
  };
  BOOST_TEST(look(fine) == "nothing");
  BOOST_TEST(look(fine) == "nothing");
  BOOST_TEST(look(fine) == "its queue is paused");
  BOOST_TEST(look(fine) == "nothing"); // It is known.
  now += 30s;
  BOOST_TEST(says(look(degraded(errc::disk_full)), "the disk is full; what has ended is kept"));
  BOOST_TEST(!watch.hopeless());
  BOOST_TEST(says(watch.look(with(fine), now), "it goes on"));
}

BOOST_AUTO_TEST_SUITE_END()

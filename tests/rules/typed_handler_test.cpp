#include "quire/actors/typed_handler.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace {

struct width {
  int pixels = 0;
};

} // namespace

template <>
struct quire::payload_codec<width> {
  static std::string encode(const width& x) { return std::to_string(x.pixels); }
  static width decode(const std::string& text) { return {std::stoi(text)}; }
};

using namespace quire;

BOOST_AUTO_TEST_SUITE(typed_handler)

BOOST_AUTO_TEST_CASE(a_handler_gets_what_was_enqueued) {
  auto spec = task_of("resize", width{640});
  BOOST_TEST(spec.kind == "resize");
  task_assignment task;
  task.payload = spec.payload;
  task_context context{task, {}, nullptr, nullptr};
  auto handler = quire::typed_handler<width>([](const width& x, task_context&) {
    return task_outcome::success(std::to_string(x.pixels * 2));
  });
  BOOST_TEST(handler(context).output == "1280");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_decoded_fails_for_good) {
  task_assignment task;
  task.payload = "wide";
  task_context context{task, {}, nullptr, nullptr};
  auto outcome = quire::typed_handler<width>(
    [](const width&, task_context&) { return task_outcome::success(); })(context);
  BOOST_TEST((outcome.what == task_outcome::verdict::failed));
  BOOST_TEST((outcome.error_kind == error_class::permanent));
  BOOST_TEST(outcome.error.find("its payload cannot be read") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

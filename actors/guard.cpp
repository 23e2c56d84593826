#include "quire/actors/guard.hpp"

namespace quire::actors {

caf::error to_caf(const storage::error& failure) {
  return make_failure(failure.code(), failure.what());
}

caf::error make_failure(errc code, std::string text, std::chrono::milliseconds retry_after) {
  if (retry_after.count() > 0)
    return caf::make_error(code, std::move(text), static_cast<std::int64_t>(retry_after.count()));
  return caf::make_error(code, std::move(text));
}

errc code_of(const caf::error& error) {
  if (error.category() == caf::make_error(errc::internal).category())
    return errc_from_number(error.code()).value_or(errc::internal);
  if (error == caf::sec::request_timeout)
    return errc::timeout;
  if (error == caf::sec::request_receiver_down || error == caf::exit_reason::unreachable
      || error == caf::sec::invalid_argument)
    return errc::unavailable;
  return errc::internal;
}

std::string text_of(const caf::error& error) {
  if (error.context().size() >= 1 && error.context().match_element<std::string>(0))
    return error.context().get_as<std::string>(0);
  if (error == caf::sec::request_timeout)
    return "no answer in time";
  if (error == caf::sec::request_receiver_down)
    return "the service stopped before it answered";
  return std::string{to_string(code_of(error))};
}

std::chrono::milliseconds retry_after_of(const caf::error& error) {
  auto& context = error.context();
  if (context.size() == 2 && context.match_element<std::int64_t>(1))
    return std::chrono::milliseconds{context.get_as<std::int64_t>(1)};
  return std::chrono::milliseconds{0};
}

} // namespace quire::actors

#include "quire/actors/guard.hpp"

namespace quire::actors {

caf::error to_caf(const storage::error& failure) {
  return make_failure(failure.code(), failure.what());
}

caf::error make_failure(errc code, std::string text) {
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
  if (error.context().size() == 1 && error.context().match_element<std::string>(0))
    return error.context().get_as<std::string>(0);
  if (error == caf::sec::request_timeout)
    return "no answer in time";
  if (error == caf::sec::request_receiver_down)
    return "the service stopped before it answered";
  return std::string{to_string(code_of(error))};
}

} // namespace quire::actors

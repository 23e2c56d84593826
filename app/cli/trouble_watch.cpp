#include "quire/app/cli/trouble_watch.hpp"

namespace quire::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto silence = 3s;       // What is over by then is nobody's concern.
constexpr auto repetition = 30s;
constexpr auto certain_after = 10s;

struct trouble {
  std::string text;
  std::optional<errc> code;
  bool decided = false; ///< By somebody: nothing is tried again.
};

/// What a service that works does not answer, or answers.
std::optional<trouble> trouble_of(const service_status& service) {
  if (service.state == "degraded")
    return trouble{service.note, errc_from_number(static_cast<int>(counter_of(service, "trouble")))};
  if (service.state == "restarting")
    return trouble{service.service + " is being started again", std::nullopt};
  if (service.service == "writer" && service.state == "busy")
    return trouble{"the writer waits: another process keeps the database locked, or the disk is slow",
                   std::nullopt};
  return std::nullopt;
}

std::optional<trouble> first_trouble(const runtime_status& status,
                                     const std::optional<std::string>& held) {
  for (auto& service : status.services)
    if (auto found = trouble_of(service))
      return found;
  return held ? std::optional{trouble{*held, std::nullopt, true}} : std::nullopt;
}

bool can_end(const std::optional<errc>& code) {
  if (!code)
    return true;
  switch (*code) {
    case errc::corrupt:
    case errc::not_a_database:
    case errc::cannot_open: // It was moved away.
    case errc::sql:
    case errc::newer_schema:
    case errc::migration_changed: return false;
    default: return true;
  }
}

} // namespace

std::optional<std::string> trouble_watch::look(const runtime_status& status, time_point now,
                                               const std::optional<std::string>& held) {
  auto found = first_trouble(status, held);
  if (!found) {
    auto told = told_at_.has_value();
    since_.reset();
    endless_since_.reset();
    told_at_.reset();
    return told ? std::optional<std::string>{"it goes on"} : std::nullopt;
  }
  if (!since_)
    since_ = now;
  if (can_end(found->code))
    endless_since_.reset();
  else if (!endless_since_)
    endless_since_ = now;
  if (endless_since_ && now - *endless_since_ >= certain_after)
    hopeless_ = found->text;
  if (now - *since_ < silence || (told_at_ && now - *told_at_ < repetition))
    return std::nullopt;
  told_at_ = now;
  return found->text
         + (found->decided ? "" : "; what has ended is kept, and it is tried again");
}

} // namespace quire::cli

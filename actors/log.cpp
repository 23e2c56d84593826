#include "quire/actors/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

namespace quire::actors {

namespace {

constexpr auto logger_name = "quire";

std::shared_ptr<spdlog::logger> logger() {
  static std::mutex creating;
  std::lock_guard guard(creating);
  if (auto known = spdlog::get(logger_name))
    return known;
  auto created = spdlog::stderr_logger_mt(logger_name);
  created->set_level(spdlog::level::warn);
  created->set_pattern("%Y-%m-%dT%H:%M:%S.%e quire %l %v");
  return created;
}

spdlog::level::level_enum to_spdlog(log_level level) {
  switch (level) {
    case log_level::debug: return spdlog::level::debug;
    case log_level::info: return spdlog::level::info;
    case log_level::warn: return spdlog::level::warn;
    case log_level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

} // namespace

void log(log_level level, std::string_view service, std::string_view text) {
  logger()->log(to_spdlog(level), "{}: {}", service, text);
}

void set_log_level(log_level level) {
  logger()->set_level(to_spdlog(level));
}

} // namespace quire::actors

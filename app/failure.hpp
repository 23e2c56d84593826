#pragma once

#include "quire/messages/types/errc.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

namespace quire {

/// What the embedding API throws, also through its futures: what happened, what
/// it means for the data and whether a retry can help.
class failure : public std::runtime_error {
public:
  failure(errc code, const std::string& what,
          std::chrono::milliseconds retry_after = std::chrono::milliseconds{0})
    : std::runtime_error(what), code_(code), outcome_(outcome_of(code)), retry_after_(retry_after) {
  }

  errc code() const noexcept { return code_; }
  write_outcome outcome() const noexcept { return outcome_; }
  bool retryable() const noexcept { return quire::retryable(code_); }

  /// When the same request may succeed; 0 if nobody knows.
  std::chrono::milliseconds retry_after() const noexcept { return retry_after_; }

private:
  errc code_;
  write_outcome outcome_;
  std::chrono::milliseconds retry_after_;
};

} // namespace quire

#pragma once

#include "quire/messages/types/errc.hpp"

#include <stdexcept>
#include <string>

namespace quire::storage {

/// A failed storage operation: what happened, as text for people, and its code.
class error : public std::runtime_error {
public:
  error(errc code, const std::string& what, int sqlite_code = 0)
    : std::runtime_error(what), code_(code), sqlite_code_(sqlite_code) {}

  errc code() const noexcept {
    return code_;
  }

  /// The extended result code of SQLite, or 0 where SQLite was not involved.
  int sqlite_code() const noexcept {
    return sqlite_code_;
  }

  /// Whether it was refused before anything of the statement ran.
  bool before_running() const noexcept {
    return before_running_;
  }

  /// Returns the same error, of a statement that was refused before it ran.
  error refused_before_running() const {
    auto result = *this;
    result.before_running_ = true;
    return result;
  }

private:
  errc code_;
  int sqlite_code_;
  bool before_running_ = false;
};

} // namespace quire::storage

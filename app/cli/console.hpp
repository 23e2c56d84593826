#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace quire::cli {

/// Whoever read our output has gone (`quire task list | head`): no failure.
class output_closed : public std::runtime_error {
public:
  output_closed() : std::runtime_error("nobody reads the output any more") {}
};

/// The standard output and the standard error of the program, without buffers.
class console {
public:
  console();

  /// @throws output_closed; std::system_error if it cannot be written.
  void out(std::string_view text);

  /// A line on the standard error. Never throws: there is nobody left to tell.
  void complain(std::string_view line) noexcept;

  /// The same, after `quire: `.
  void note(std::string_view line) noexcept;

  /// Whether the output can be redrawn in place.
  bool live() const noexcept {
    return live_;
  }

  /// Whether colours are wanted: see https://no-color.org.
  bool colours() const noexcept {
    return colours_;
  }

  /// Whether a person looks at it at all.
  bool terminal() const noexcept {
    return terminal_;
  }

  /// The size of the terminal now; 80 by 24 if it does not say.
  struct size {
    std::size_t columns = 80;
    std::size_t lines = 24;
  };
  size window() const noexcept;

  /// How wide a table may be: 0, for no limit, if nobody looks.
  std::size_t table_width() const noexcept {
    return terminal_ ? window().columns : 0;
  }

private:
  bool terminal_ = false;
  bool live_ = false;
  bool colours_ = false;
};

} // namespace quire::cli

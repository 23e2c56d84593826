#pragma once

#include <utility>

#include <unistd.h>

namespace quire::storage {

/// A descriptor that is closed at the end of its scope, unless it is released. Nothing is closed
/// if its number is less than 0, as that of a file that could not be opened.
class descriptor {
public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number_ >= 0)
      ::close(number_);
  }

  bool is_open() const noexcept { return number_ >= 0; }

  int get() const noexcept { return number_; }

  int release() noexcept { return std::exchange(number_, -1); }

private:
  int number_;
};

} // namespace quire::storage

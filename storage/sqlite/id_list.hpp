#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/// For this folder only.
namespace quire::storage {

/// Ids as JSON, for `json_each` in a statement about many rows. What a statement costs before
/// it comes to a row, a table with many indexes, is 1 to 2 microseconds; that of the list is 5.
class id_list {
public:
  /// From so many rows on one statement is faster than one for each.
  static constexpr std::size_t worthwhile = 4;

  void add(std::int64_t id) {
    text_ += text_.empty() ? '[' : ',';
    text_ += std::to_string(id);
    ++size_;
  }

  std::size_t size() const noexcept { return size_; }

  std::string json() const { return text_.empty() ? "[]" : text_ + "]"; }

private:
  std::string text_;
  std::size_t size_ = 0;
};

} // namespace quire::storage

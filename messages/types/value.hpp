#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace quire {

using blob = std::vector<std::byte>;

/// One SQL value: null, a 64-bit integer, a double, text (UTF-8) or a blob.
class value {
public:
  /// In the order of the alternatives in `data()`.
  enum class kind : std::uint8_t { null, integer, real, text, bytes };

  using storage = std::variant<std::monostate, std::int64_t, double, std::string, quire::blob>;

  value() = default;
  value(std::nullptr_t) {}
  /// @throws std::out_of_range for what SQL has no integer for: 2^63 and more.
  template <std::integral T>
  value(T x) : data_(static_cast<std::int64_t>(x)) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(std::int64_t))
      if (x > static_cast<T>(std::numeric_limits<std::int64_t>::max()))
        throw std::out_of_range("quire::value: " + std::to_string(x)
                                + " is larger than any integer of SQL");
  }
  value(double x) : data_(x) {}
  value(std::string x) : data_(std::move(x)) {}
  value(std::string_view x) : data_(std::string{x}) {}
  value(const char* x) : data_(std::string{x}) {}
  value(quire::blob x) : data_(std::move(x)) {}

  kind type() const noexcept { return static_cast<kind>(data_.index()); }

  bool is_null() const noexcept { return type() == kind::null; }

  const storage& data() const noexcept { return data_; }

  /// Gives its content away. The value itself is still of the same kind then, but
  /// may be empty.
  storage take() && noexcept { return std::move(data_); }

  /// Each returns the alternative of that name.
  /// @throws std::bad_variant_access if the value is of another kind; nothing
  ///         is ever converted silently.
  std::int64_t integer() const { return std::get<std::int64_t>(data_); }
  double real() const { return std::get<double>(data_); }
  const std::string& text() const { return std::get<std::string>(data_); }
  const quire::blob& bytes() const { return std::get<quire::blob>(data_); }

  friend bool operator==(const value&, const value&) = default;

private:
  storage data_;
};

/// Returns about how much memory `x` takes, in bytes.
std::size_t bytes_of(const value& x) noexcept;

/// Returns how `x` is shown to a person: `NULL`, digits, the text itself, or
/// `x'0a0b'` for a blob.
std::string to_display(const value& x);

} // namespace quire

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quire::storage {

/// What a public id stands for.
struct public_row {
  std::int64_t id = 0;            ///< From 0 to 2^62 - 1.
  std::int64_t created_at_ms = 0; ///< Unix ms, from 0 to 2^48 - 1; others count as the nearest.

  friend bool operator==(const public_row&, const public_row&) = default;
};

/// Ids for those outside: UUIDs of version 7 (RFC 9562), in order of time, from which nobody
/// without the key learns how many rows there are. They are not stored: the id of a row and
/// its time make one, and one gives both back.
///
/// Not a secret: who has many may find the key. Access is not granted by knowing one.
class public_ids {
public:
  /// @param key of one database, drawn at random: two databases give different ids.
  explicit public_ids(std::uint64_t key) noexcept : key_(key) {}

  /// Returns it in lower case, with hyphens: 36 characters.
  std::string of(public_row row) const;

  /// Returns nothing for what this key did not make (but for 1 of 4096 UUIDs of others), or what
  /// is no UUID. Upper case is as good.
  std::optional<public_row> parse(std::string_view text) const;

private:
  std::uint64_t key_;
};

/// Whether `text` has the form of a UUID: 8-4-4-4-12 hexadecimal digits.
bool is_uuid(std::string_view text) noexcept;

} // namespace quire::storage

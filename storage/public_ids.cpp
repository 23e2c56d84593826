#include "quire/storage/public_ids.hpp"

#include <algorithm>
#include <array>

namespace quire::storage {

namespace {

constexpr std::uint64_t id_bits = (std::uint64_t{1} << 62) - 1;
constexpr std::uint64_t time_bits = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t half_bits = (std::uint64_t{1} << 31) - 1;
constexpr std::uint64_t check_bits = 0xFFF;
constexpr std::uint64_t version = 0x7;
constexpr std::uint64_t variant = 0b10;
constexpr unsigned rounds = 4;

constexpr std::array<std::size_t, 4> hyphens{8, 13, 18, 23};
constexpr std::size_t length = 36;

/// The finalizer of SplitMix64: each bit of `x` changes about half of the result.
std::uint64_t mixed(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

/// A permutation of 62 bits (a Feistel network), and back.
class permutation {
public:
  permutation(std::uint64_t key, std::uint64_t time) noexcept : key_(mixed(key ^ mixed(time))) {}

  std::uint64_t forth(std::uint64_t x) const noexcept {
    auto left = x >> 31;
    auto right = x & half_bits;
    for (unsigned i = 0; i < rounds; ++i) {
      left ^= of_round(i, right);
      std::swap(left, right);
    }
    return left << 31 | right;
  }

  std::uint64_t back(std::uint64_t x) const noexcept {
    auto left = x >> 31;
    auto right = x & half_bits;
    for (unsigned i = rounds; i-- > 0;) {
      std::swap(left, right);
      left ^= of_round(i, right);
    }
    return left << 31 | right;
  }

  std::uint64_t check(std::uint64_t x) const noexcept { return mixed(key_ + ~x) & check_bits; }

private:
  std::uint64_t of_round(unsigned round, std::uint64_t half) const noexcept {
    return mixed(key_ ^ (std::uint64_t{round} << 32) ^ half) & half_bits;
  }

  std::uint64_t key_;
};

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

} // namespace

std::string public_ids::of(public_row row) const {
  auto time = static_cast<std::uint64_t>(
    std::clamp<std::int64_t>(row.created_at_ms, 0, static_cast<std::int64_t>(time_bits)));
  auto id = static_cast<std::uint64_t>(row.id) & id_bits;
  permutation hidden{key_, time};
  std::array<std::uint64_t, 2> halves{time << 16 | version << 12 | hidden.check(id),
                                      variant << 62 | hidden.forth(id)};
  std::string text;
  text.reserve(length);
  for (auto half : halves)
    for (int shift = 60; shift >= 0; shift -= 4) {
      if (std::ranges::find(hyphens, text.size()) != hyphens.end())
        text += '-';
      text += "0123456789abcdef"[half >> shift & 0xF];
    }
  return text;
}

std::optional<public_row> public_ids::parse(std::string_view text) const {
  if (!is_uuid(text))
    return std::nullopt;
  std::array<std::uint64_t, 2> halves{};
  std::size_t digits = 0;
  for (char c : text)
    if (c != '-') {
      auto& half = halves[digits++ / 16];
      half = half << 4 | static_cast<std::uint64_t>(digit_of(c));
    }
  auto time = halves[0] >> 16;
  permutation hidden{key_, time};
  auto id = hidden.back(halves[1] & id_bits);
  if ((halves[0] >> 12 & 0xF) != version || halves[1] >> 62 != variant
      || (halves[0] & check_bits) != hidden.check(id))
    return std::nullopt;
  return public_row{static_cast<std::int64_t>(id), static_cast<std::int64_t>(time)};
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != length)
    return false;
  for (std::size_t i = 0; i < length; ++i) {
    auto hyphen = std::ranges::find(hyphens, i) != hyphens.end();
    if (hyphen ? text[i] != '-' : digit_of(text[i]) < 0)
      return false;
  }
  return true;
}

} // namespace quire::storage

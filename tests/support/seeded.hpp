#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace quire::tests {

/// All choices of a simulation, equal for equal seeds on every machine: the
/// distributions of the standard library are not.
class seeded_choice {
public:
  explicit seeded_choice(std::uint64_t seed) : engine_(seed * 2'654'435'761u + 1) {}

  /// Returns a number from 0 to `end - 1`.
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }

  std::int64_t between(std::int64_t first, std::int64_t last) {
    return first + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(last - first + 1)));
  }

  /// Returns true in `percent` of all cases.
  bool happens(int percent) { return between(0, 99) < percent; }

  template <class List>
  auto& one_of(List& list) {
    return list[below(list.size())];
  }

  template <class List>
  void shuffle(List& list) {
    for (auto left = list.size(); left > 1; --left)
      std::swap(list[left - 1], list[below(left)]);
  }

private:
  std::mt19937_64 engine_;
};

/// What happened, in order, as one number: two executions went the same way if
/// their numbers are equal.
class trace {
public:
  explicit trace(bool shown = false) : shown_(shown) {}

  void add(std::string_view what, std::int64_t a = 0, std::int64_t b = 0) {
    for (char c : what)
      mix(static_cast<unsigned char>(c));
    mix(static_cast<std::uint64_t>(a));
    mix(static_cast<std::uint64_t>(b));
    ++events_;
    if (shown_)
      std::fprintf(stderr, "%8zu %s %lld %lld\n", events_, std::string{what}.c_str(),
                   static_cast<long long>(a), static_cast<long long>(b));
  }

  std::uint64_t fingerprint() const noexcept { return hash_; }

  std::size_t events() const noexcept { return events_; }

private:
  void mix(std::uint64_t x) {
    hash_ = (hash_ ^ x) * 1'099'511'628'211u;
    hash_ ^= hash_ >> 29;
  }

  std::uint64_t hash_ = 14'695'981'039'346'656'037u;
  std::size_t events_ = 0;
  bool shown_;
};

} // namespace quire::tests

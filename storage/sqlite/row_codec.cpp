#include "quire/storage/sqlite/row_codec.hpp"

#include "quire/storage/error.hpp"

#include <bit>
#include <cstring>
#include <string>

namespace quire::storage {

namespace {

class encoder {
public:
  void number(std::uint64_t x) {
    for (int shift = 0; shift < 64; shift += 8)
      bytes_.push_back(static_cast<std::byte>(x >> shift & 0xff));
  }

  void raw(const void* data, std::size_t size) {
    number(size);
    auto* first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }

  void content(const value& x) {
    number(static_cast<std::uint64_t>(x.type()));
    switch (x.type()) {
      case value::kind::null: break;
      case value::kind::integer: return number(static_cast<std::uint64_t>(x.integer()));
      case value::kind::real: return number(std::bit_cast<std::uint64_t>(x.real()));
      case value::kind::text: return raw(x.text().data(), x.text().size());
      case value::kind::bytes: return raw(x.bytes().data(), x.bytes().size());
    }
  }

  blob take() { return std::move(bytes_); }

private:
  blob bytes_;
};

class decoder {
public:
  explicit decoder(const blob& bytes) : bytes_(bytes) {}

  std::uint64_t number() {
    need(8);
    std::uint64_t x = 0;
    for (int shift = 0; shift < 64; shift += 8)
      x |= std::to_integer<std::uint64_t>(bytes_[at_++]) << shift;
    return x;
  }

  /// A number of things of which each takes `each` bytes at least.
  std::size_t count(std::size_t each) {
    auto x = number();
    if (x > (bytes_.size() - at_) / each)
      fail();
    return static_cast<std::size_t>(x);
  }

  std::string text() {
    auto size = count(1);
    std::string result(reinterpret_cast<const char*>(bytes_.data()) + at_, size);
    at_ += size;
    return result;
  }

  value content() {
    switch (number()) {
      case 0: return nullptr;
      case 1: return static_cast<std::int64_t>(number());
      case 2: return std::bit_cast<double>(number());
      case 3: return text();
      case 4: {
        auto size = count(1);
        auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(at_);
        at_ += size;
        return blob(first, first + static_cast<std::ptrdiff_t>(size));
      }
      default: fail();
    }
  }

  bool at_end() const noexcept { return at_ == bytes_.size(); }

  [[noreturn]] static void fail() {
    throw error(errc::corrupt, "the rows that were kept for a repeated request are damaged");
  }

private:
  void need(std::size_t size) const {
    if (bytes_.size() - at_ < size)
      fail();
  }

  const blob& bytes_;
  std::size_t at_ = 0;
};

} // namespace

blob encode_row_sets(const std::vector<row_set>& results) {
  encoder out;
  out.number(results.size());
  for (auto& one : results) {
    out.number(one.columns.size());
    for (auto& name : one.columns)
      out.raw(name.data(), name.size());
    out.number(one.rows.size());
    for (auto& row : one.rows)
      for (auto& x : row)
        out.content(x);
  }
  return out.take();
}

std::vector<row_set> decode_row_sets(const blob& bytes) {
  decoder in(bytes);
  std::vector<row_set> results(in.count(16));
  for (auto& one : results) {
    std::vector<std::string> columns(in.count(8));
    for (auto& name : columns)
      name = in.text();
    one.columns = std::move(columns);
    auto rows = in.count(one.columns.empty() ? 1 : 8 * one.columns.size());
    one.rows.resize(rows);
    for (auto& row : one.rows)
      for (std::size_t i = 0; i < one.columns.size(); ++i)
        row.push_back(in.content());
  }
  if (!in.at_end())
    decoder::fail();
  return results;
}

} // namespace quire::storage

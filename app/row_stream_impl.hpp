#pragma once

#include "quire/app/bridge.hpp"
#include "quire/app/row_stream.hpp"
#include "quire/storage/process.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <string>
#include <vector>

namespace quire {

struct row_stream::impl {
  /// The one that is waited for, and one that is made meanwhile.
  static constexpr std::size_t portions_asked = 2;

  caf::actor bridge;
  messages::row_stream_actor stream;
  std::vector<std::string> columns;
  std::chrono::milliseconds limit{0};
  std::deque<std::future<messages::row_chunk>> asked;
  bool ended = false;
  const std::uint64_t process = storage::process_number();

  impl() = default;
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl();

  void ask();
  std::optional<std::vector<std::vector<value>>> next();
};

} // namespace quire

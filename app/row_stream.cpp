#include "quire/app/row_stream.hpp"

#include "quire/app/row_stream_impl.hpp"

#include <utility>

namespace quire {

row_stream::row_stream(std::unique_ptr<impl> own) : impl_(std::move(own)) {}
row_stream::row_stream(row_stream&&) noexcept = default;
row_stream& row_stream::operator=(row_stream&&) noexcept = default;
row_stream::~row_stream() = default;

const std::vector<std::string>& row_stream::columns() const noexcept {
  return impl_->columns;
}

std::optional<std::vector<std::vector<value>>> row_stream::next() {
  return impl_->next();
}

row_stream::impl::~impl() {
  if (stream && process == storage::process_number())
    caf::anon_send(stream, messages::drain{});
}

void row_stream::impl::ask() {
  asked.push_back(ask_later<messages::row_chunk>(bridge, stream, messages::next_chunk{}, limit));
}

std::optional<std::vector<std::vector<value>>> row_stream::impl::next() {
  if (ended)
    return std::nullopt;
  if (process != storage::process_number())
    throw failure(errc::wrong_process,
                  "this stream belongs to the process that this one was forked from: nothing "
                  "was read; open a runtime after fork");
  while (asked.size() < portions_asked)
    ask();
  auto first = std::move(asked.front());
  asked.pop_front();
  try {
    auto chunk = first.get();
    ended = chunk.last;
    if (chunk.rows.empty())
      return std::nullopt;
    return std::move(chunk.rows);
  } catch (...) {
    ended = true;
    throw;
  }
}

} // namespace quire

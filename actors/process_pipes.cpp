#include "quire/actors/process_pipes.hpp"

#include <algorithm>
#include <cerrno>

#include <time.h>

namespace quire::actors {

pipe_signal_block::pipe_signal_block() noexcept {
  sigset_t pending;
  ::sigpending(&pending);
  was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
  ::sigemptyset(&only_);
  ::sigaddset(&only_, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &only_, &before_);
}

pipe_signal_block::~pipe_signal_block() {
  const timespec at_once{};
  if (!was_pending_)
    while (::sigtimedwait(&only_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void append_end(std::string& kept, std::string_view text, std::size_t max) {
  if (text.size() >= max) {
    kept = text.substr(text.size() - max);
    return;
  }
  // Cut only now and then: each cut moves all that is kept.
  if (kept.size() + text.size() > 2 * max)
    kept.erase(0, kept.size() + text.size() - max);
  kept += text;
}

void line_splitter::add(std::string_view text,
                        const std::function<void(std::string_view)>& on_line) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto piece = text.substr(0, end);
    begun_.append(piece.substr(0, line_max - std::min(line_max, begun_.size())));
    if (end == std::string_view::npos)
      return;
    text.remove_prefix(end + 1);
    on_line(begun_);
    begun_.clear();
  }
}

} // namespace quire::actors

#include "quire/actors/attempt_report.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace quire::actors {

namespace {

// Cuts between two characters.
void cut(std::string& text) {
  if (text.size() <= attempt_report::line_max)
    return;
  auto end = attempt_report::line_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  text.resize(end);
}

void keep_the_last(std::vector<attempt_news::line>& lines) {
  constexpr std::size_t most = log_lines_max;
  if (lines.size() > most)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
}

} // namespace

void attempt_report::progress(int percent, std::optional<std::string> step) {
  bool was_empty = false;
  {
    std::lock_guard lock(mutex_);
    was_empty = news_.empty();
    news_.percent = std::clamp(percent, 0, 100);
    if (step) {
      cut(*step);
      news_.step = std::move(step);
    }
  }
  wake(was_empty);
}

void attempt_report::log(std::string line, std::int64_t at_ms) {
  cut(line);
  bool was_empty = false;
  {
    std::lock_guard lock(mutex_);
    was_empty = news_.empty();
    news_.lines.push_back({at_ms, std::move(line)});
    // Not with each line: moving them all costs more than keeping some.
    if (news_.lines.size() >= 2 * static_cast<std::size_t>(log_lines_max))
      keep_the_last(news_.lines);
  }
  wake(was_empty);
}

std::optional<attempt_report::time_point> attempt_report::last_sign() const noexcept {
  time_point when{time_point::duration{last_sign_.load()}};
  return when == time_point::min() ? std::nullopt : std::optional{when};
}

attempt_news attempt_report::take() {
  std::lock_guard lock(mutex_);
  auto taken = std::exchange(news_, {});
  keep_the_last(taken.lines);
  return taken;
}

void attempt_report::wake(bool was_empty) const {
  if (was_empty && on_news_)
    (*on_news_)();
}

void append(attempt_news& to, attempt_news later) {
  if (later.percent)
    to.percent = later.percent;
  if (later.step)
    to.step = std::move(later.step);
  std::ranges::move(later.lines, std::back_inserter(to.lines));
  keep_the_last(to.lines);
}

} // namespace quire::actors

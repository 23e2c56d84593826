#include "quire/app/cli/text_table.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/format.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace quire::cli {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest = 8;

} // namespace

text_table::text_table(std::vector<column> columns, std::size_t width_max)
  : columns_(std::move(columns)), width_max_(width_max) {
  for (auto& each : columns_)
    widths_.push_back(display_width(each.heading));
}

void text_table::add(const std::vector<std::string>& cells) {
  auto& row = rows_.emplace_back();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    row.push_back(i < cells.size()
                    ? actors::printable(cells[i], std::numeric_limits<std::size_t>::max())
                    : std::string{});
    widths_[i] = std::max(widths_[i], display_width(row.back()));
  }
}

std::vector<std::size_t> text_table::shown_widths() const {
  auto widths = widths_;
  if (width_max_ == 0 || widths.empty())
    return widths;
  auto total = std::accumulate(widths.begin(), widths.end(), (widths.size() - 1) * gap);
  while (total > width_max_) {
    auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= narrowest)
      break;
    auto cut = std::min(total - width_max_, *widest - narrowest);
    // Down to the second widest at most, so that several share the loss.
    std::size_t second = narrowest;
    for (auto i = widths.begin(); i != widths.end(); ++i)
      if (i != widest)
        second = std::max(second, *i);
    cut = std::min(cut, std::max<std::size_t>(1, *widest > second ? *widest - second : 1));
    *widest -= cut;
    total -= cut;
  }
  return widths;
}

std::string text_table::line(const std::vector<std::string>& cells,
                             const std::vector<std::size_t>& widths) const {
  std::string text;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0)
      text.append(gap, ' ');
    text += padded(cut_to_width(cells[i], widths[i]), widths[i], columns_[i].number);
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + '\n';
}

std::string text_table::to_text() const {
  auto widths = shown_widths();
  std::string text;
  if (!headings_shown_) {
    std::vector<std::string> headings;
    for (auto& each : columns_)
      headings.push_back(each.heading);
    text += line(headings, widths);
  }
  for (auto& row : rows_)
    text += line(row, widths);
  return text;
}

std::string text_table::take_page() {
  auto text = to_text();
  headings_shown_ = true;
  rows_.clear();
  return text;
}

} // namespace quire::cli

#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace quire::cli {

/// Rows under a line of headings, in columns that are as wide as what they hold.
class text_table {
public:
  struct column {
    std::string heading;
    bool number = false; ///< Aligned to the right.
  };

  /// @param width_max the table is cut to so many columns; 0 for no limit.
  explicit text_table(std::vector<column> columns, std::size_t width_max = 0);

  /// Adds a row. Control characters in it are escaped.
  void add(const std::vector<std::string>& cells);

  std::size_t rows() const noexcept {
    return rows_.size();
  }

  /// Returns all lines, headings first, without blanks at their ends.
  std::string to_text() const;

  /// Returns the rows added so far and forgets them; the widths stay, so that
  /// what follows stands below. The headings come with the first call only.
  std::string take_page();

private:
  std::vector<std::size_t> shown_widths() const;
  std::string line(const std::vector<std::string>& cells,
                   const std::vector<std::size_t>& widths) const;

  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
  std::size_t width_max_;
  bool headings_shown_ = false;
};

} // namespace quire::cli

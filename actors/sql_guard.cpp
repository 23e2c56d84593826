#include "quire/actors/sql_guard.hpp"

#include "quire/storage/error.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace quire::actors {

namespace {

constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Returns what follows the white space, comments and semicolons at the start.
std::string_view skip_blank(std::string_view sql) {
  while (!sql.empty()) {
    if (is_space(sql.front()) || sql.front() == ';') {
      sql.remove_prefix(1);
    } else if (sql.starts_with("--")) {
      auto end = sql.find('\n');
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 1);
    } else if (sql.starts_with("/*")) {
      auto end = sql.find("*/", 2);
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
    } else if (sql.starts_with("\xEF\xBB\xBF")) {
      sql.remove_prefix(3); // SQLite skips a byte order mark, too.
    } else {
      break;
    }
  }
  return sql;
}

constexpr std::size_t keyword_max = 9; // "SAVEPOINT"

std::string first_keyword(std::string_view sql) {
  std::string word;
  for (char c : skip_blank(sql)) {
    auto upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (upper < 'A' || upper > 'Z' || word.size() > keyword_max)
      break;
    word += upper;
  }
  return word;
}

void refuse_control_statement(std::string_view word) {
  static constexpr std::array<std::string_view, 9> always{
    "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "VACUUM"};
  if (std::ranges::find(always, word) != always.end())
    throw storage::error(errc::sql, std::string{word}
                                      + " is not allowed here: Quire opens and ends every "
                                        "transaction itself; nothing was changed");
}

} // namespace

void check_read(std::string_view sql) {
  refuse_control_statement(first_keyword(sql));
}

void check_write(std::string_view sql) {
  auto word = first_keyword(sql);
  refuse_control_statement(word);
  if (word == "PRAGMA")
    throw storage::error(errc::sql, "PRAGMA is not allowed in a write: Quire owns the settings of "
                                    "its writer; nothing was changed");
}

} // namespace quire::actors

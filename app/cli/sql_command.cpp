#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/sql_values.hpp"
#include "quire/app/runtime.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <unistd.h>

namespace quire::cli {

namespace {

/// An empty file, gone at the end.
class scratch_file {
public:
  scratch_file() : path_((std::filesystem::temp_directory_path() / "quire-XXXXXX").string()) {
    auto descriptor = ::mkstemp(path_.data());
    if (descriptor < 0)
      throw std::system_error(errno, std::generic_category(), "cannot create a temporary file");
    ::close(descriptor);
  }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() { ::unlink(path_.c_str()); }

  const std::string& path() const noexcept { return path_; }

private:
  std::string path_;
};

/// Returns the rows, or nothing if the statement writes: SQLite itself says so.
std::optional<row_set> try_to_read(runtime& looking, const sql_statement& statement) {
  try {
    return looking.query(statement.sql, statement.params);
  } catch (const failure& refused) {
    if (refused.code() != errc::read_only)
      throw;
    return std::nullopt;
  }
}

/// A statement that writes may create the database; whether this one does is
/// found out on an empty one, so that nothing is created for any other.
void require_writing(const database_choice& database, const sql_statement& statement) {
  scratch_file empty;
  auto looking = database_choice({empty.path(), true}).look();
  try {
    if (!try_to_read(*looking, statement))
      return;
  } catch (const failure& refused) {
    if (refused.code() != errc::sql)
      throw;
    throw command_error("there is no database " + database.description()
                        + ", and in a new one this would fail: " + refused.what());
  }
  database.refuse_missing();
}

void print_rows(const row_set& rows, bool as_json, console& to) {
  if (!as_json) {
    to.out(rows_text(rows, to.table_width()));
    return;
  }
  constexpr std::size_t page_bytes = 1 << 16;
  std::string text;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    text += json_line(row_to_json(rows, i));
    if (text.size() >= page_bytes)
      to.out(std::exchange(text, {}));
  }
  to.out(text);
}

void print_receipt(const messages::receipt& receipt, const database_choice& database, bool as_json,
                   console& to) {
  auto has_rows = std::any_of(receipt.results.begin(), receipt.results.end(),
                              [](auto& rows) { return !rows.columns.empty(); });
  for (auto& rows : receipt.results)
    if (!rows.columns.empty())
      print_rows(rows, as_json, to);
  if (as_json && !has_rows)
    to.out(json_line({{"rows_changed", receipt.rows_changed}, {"last_rowid", receipt.last_rowid}}));
  if (!as_json)
    to.out(count_text(receipt.rows_changed, "row") + " changed; database: " + database.description()
           + "\n");
}

bool is_blank(const std::string& sql) {
  return sql.find_first_not_of(" \t\r\n;") == sql.npos;
}

} // namespace

exit_status run_sql(const sql_arguments& arguments, console& to) {
  if (is_blank(arguments.sql))
    throw usage_error("quire sql: the argument SQL is empty (see quire sql --help)");
  sql_statement statement{arguments.sql, {}};
  for (auto& param : arguments.params)
    statement.params.push_back(parameter_value(param));
  database_choice database(arguments.database);
  if (database.exists()) {
    if (auto rows = try_to_read(*database.look(), statement)) {
      print_rows(*rows, arguments.json, to);
      return exit_completed;
    }
  } else {
    require_writing(database, statement);
    database.create_default_folder();
  }
  auto is_new = !database.exists();
  auto writing = database.visit();
  if (is_new)
    to.note("created the database " + database.description());
  print_receipt(writing->write(statement.sql, statement.params), database, arguments.json, to);
  return exit_completed;
}

} // namespace quire::cli

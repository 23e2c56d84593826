#pragma once

#include "quire/app/runtime.hpp"

#include <memory>
#include <optional>
#include <string>

namespace quire::cli {

/// The database that a command works on, and who chose it.
class database_choice {
public:
  /// `given` is the value of --db; then comes $QUIRE_DB, then var/quire.db.
  explicit database_choice(const std::optional<std::string>& given);

  const std::string& path() const noexcept {
    return path_;
  }

  /// `var/quire.db (default)`, `/tmp/a.db ($QUIRE_DB)`, `x.db`.
  std::string description() const;

  /// What makes another command of ours use the same database: ` --db x.db`.
  std::string option() const;

  bool exists() const;

  /// Creates the folder of the default database. A folder that somebody named
  /// is theirs: if it is missing, that may be a misspelling.
  void create_default_folder() const;

  /// Opens it for looking only.
  /// @throws command_error if it does not exist; failure.
  std::unique_ptr<runtime> look() const;

  /// The same, for commands that need the tables of Quire.
  std::unique_ptr<runtime> look_at_tasks() const;

  /// Opens it for writing beside whoever runs it.
  std::unique_ptr<runtime> visit() const;

  [[noreturn]] void refuse_missing() const;

private:
  enum class source { option, environment, standard };

  std::string path_;
  source from_ = source::standard;
};

} // namespace quire::cli

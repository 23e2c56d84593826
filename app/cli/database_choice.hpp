#pragma once

#include "quire/app/cli/arguments.hpp"
#include "quire/app/runtime.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace quire::cli {

/// The database that a command works on, and who chose it.
class database_choice {
public:
  /// What was given comes first, then $QUIRE_DB, then var/quire.db.
  explicit database_choice(const given_database& given);

  const std::string& path() const noexcept { return path_; }

  /// `var/quire.db (default)`, `/tmp/a.db ($QUIRE_DB)`, `x.db`.
  std::string description() const;

  bool allow_network_fs() const noexcept { return allow_network_fs_; }

  /// What makes another command of ours use the same database: ` --db x.db`.
  std::string option() const;

  bool exists() const;

  /// Creates the folder of the default database. A folder that somebody named
  /// is theirs: if it is missing, that may be a misspelling.
  void create_default_folder() const;

  /// How long one request may take, if a command does not say.
  static constexpr std::chrono::milliseconds usual{30'000};

  /// Opens it for looking only.
  /// @throws command_error if it does not exist; failure.
  std::unique_ptr<runtime> look(std::chrono::milliseconds request_timeout = usual) const;

  /// The same, for commands that need the tables of Quire.
  std::unique_ptr<runtime> look_at_tasks(std::chrono::milliseconds request_timeout = usual) const;

  /// Opens it for writing beside whoever runs it.
  std::unique_ptr<runtime> visit(std::chrono::milliseconds request_timeout = usual) const;

  /// Says when whoever runs the database sees what was written beside it.
  /// @param without_owner what happens if nobody runs it.
  std::string when_noticed(const char* without_owner) const;

  [[noreturn]] void refuse_missing() const;

private:
  enum class source { option, environment, standard };

  std::unique_ptr<runtime> open(access_mode mode, std::chrono::milliseconds request_timeout) const;

  std::string path_;
  source from_ = source::standard;
  bool allow_network_fs_;
};

} // namespace quire::cli

#include "quire/app/cli/database_choice.hpp"

#include "quire/app/cli/exit_status.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/storage/owner_lock.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace quire::cli {

namespace {

constexpr auto default_path = "var/quire.db";

} // namespace

database_choice::database_choice(const given_database& given)
  : allow_network_fs_(given.allow_network_fs) {
  auto* variable = std::getenv("QUIRE_DB");
  if (given.path) {
    path_ = *given.path;
    from_ = source::option;
  } else if (variable && *variable) {
    path_ = variable;
    from_ = source::environment;
  } else {
    path_ = default_path;
  }
}

std::string database_choice::description() const {
  switch (from_) {
    case source::option: return path_;
    case source::environment: return path_ + " ($QUIRE_DB)";
    case source::standard: return path_ + " (default)";
  }
  return path_;
}

std::string database_choice::option() const {
  auto result = from_ == source::option ? " --db " + shell_quoted(path_) : std::string{};
  return allow_network_fs_ ? result + " --allow-network-fs" : result;
}

bool database_choice::exists() const {
  // Whatever else is wrong with the path, opening it says so better.
  if (path_ == ":memory:" || path_.ends_with('/'))
    return true;
  std::error_code failed;
  return std::filesystem::status(path_, failed).type() != std::filesystem::file_type::not_found;
}

void database_choice::create_default_folder() const {
  if (from_ != source::standard)
    return;
  auto folder = std::filesystem::path{path_}.parent_path();
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    throw command_error("cannot create the folder '" + folder.string()
                        + "' of the default database: " + failed.message()
                        + ". Nothing was changed; name a database with --db");
}

std::unique_ptr<runtime> database_choice::look(std::chrono::milliseconds request_timeout) const {
  if (!exists())
    refuse_missing();
  return open(access_mode::look, request_timeout);
}

std::unique_ptr<runtime>
database_choice::look_at_tasks(std::chrono::milliseconds request_timeout) const {
  auto opened = look(request_timeout);
  if (!opened->opened().has_schema)
    throw command_error("the database " + description()
                        + " has no tables of Quire: no pipeline was run in it yet");
  return opened;
}

std::unique_ptr<runtime> database_choice::visit(std::chrono::milliseconds request_timeout) const {
  return open(access_mode::visit, request_timeout);
}

std::unique_ptr<runtime> database_choice::open(access_mode mode,
                                               std::chrono::milliseconds request_timeout) const {
  options chosen;
  chosen.database = path_;
  chosen.mode = mode;
  chosen.readers = 1;
  chosen.request_timeout = request_timeout;
  chosen.snapshot_lease = std::max(chosen.snapshot_lease, request_timeout);
  chosen.allow_network_file_system = allow_network_fs_;
  return std::make_unique<runtime>(std::move(chosen));
}

std::string database_choice::when_noticed(const char* without_owner) const {
  if (auto owner = storage::owner_lock::owner_of(path_))
    return *owner + " runs the database and takes notice within seconds";
  return std::string{"nobody runs the database: "} + without_owner;
}

void database_choice::refuse_missing() const {
  throw command_error("there is no database " + description()
                      + ": quire run creates it, or name another one with --db");
}

} // namespace quire::cli

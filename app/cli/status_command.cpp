#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/status_report.hpp"
#include "quire/app/runtime.hpp"
#include "quire/storage/owner_lock.hpp"
#include "quire/storage/sqlite/migrations.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <filesystem>

namespace quire::cli {

namespace {

std::uint64_t size_of(const std::string& path) {
  std::error_code failed;
  auto size = std::filesystem::file_size(path, failed);
  return failed ? 0 : size;
}

std::optional<std::string> owner_of(const std::string& database) {
  try {
    return storage::owner_lock::owner_of(database);
  } catch (const storage::error&) {
    return std::nullopt; // A lock file that we may not read.
  }
}

void read_tables(runtime& looking, status_report& report) {
  // It would not have been opened with another schema.
  report.schema = static_cast<std::int64_t>(storage::quire_migrations().size());
  auto boot = looking.query("SELECT value FROM quire_meta WHERE key = 'boot'");
  if (!boot.rows.empty())
    report.boot = boot.rows.front().front().integer();
  run_filter open;
  open.state = run_state::running;
  report.open_runs = looking.runs(open);
  report.tasks = looking.read([](storage::snapshot& db) { return storage::count_tasks_by_state(db); });
  report.maintenance = looking.read([](storage::snapshot& db) { return storage::last_maintenance(db); });
}

} // namespace

exit_status show_status(const status_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto looking = database.look();
  status_report report;
  report.database = database.description();
  report.database_path = database.path();
  report.file_bytes = size_of(database.path());
  report.wal_bytes = size_of(database.path() + "-wal");
  report.owner = owner_of(database.path());
  if (looking->opened().has_schema)
    read_tables(*looking, report);
  to.out(arguments.json ? json_line(status_json(report))
                        : status_text(report, system_clock_source{}.unix_ms()));
  return exit_completed;
}

} // namespace quire::cli

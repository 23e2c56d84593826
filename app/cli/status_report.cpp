#include "quire/app/cli/status_report.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/task_view.hpp"

namespace quire::cli {

namespace {

std::string status_line(const std::string& name, const std::string& text) {
  return padded(name, 10) + "  " + text + "\n";
}

std::string tasks_text(const status_report& report) {
  std::string text;
  std::int64_t total = 0;
  for (auto& [state, count] : report.tasks) {
    text += (text.empty() ? ": " : ", ") + std::to_string(count) + " "
            + std::string{to_string(state)};
    total += count;
  }
  return std::to_string(total) + text;
}

std::string maintenance_text(const std::vector<storage::maintenance_record>& records) {
  if (records.empty())
    return {};
  text_table table({{"maintenance"}, {"last"}, {"rows", true}, {"result"}});
  for (auto& record : records)
    table.add({record.operation, time_text(record.ended_at_ms), std::to_string(record.rows),
               record.error.empty() ? "ok" : record.error});
  return "\n" + table.to_text();
}

} // namespace

std::string status_text(const status_report& report, std::int64_t now_ms) {
  auto text = status_line("database", report.database);
  text += status_line("file", bytes_text(report.file_bytes) + ", log " + bytes_text(report.wal_bytes));
  text += status_line("owner", report.owner ? actors::printable(*report.owner) + " runs it" : "nobody runs it");
  if (report.schema == 0)
    return text + status_line("schema", "no tables of Quire: no pipeline was run in it yet");
  text += status_line("schema", std::to_string(report.schema) + ", opened by "
                            + count_text(report.boot, "owner") + " so far");
  text += status_line("tasks", tasks_text(report));
  text += status_line("open runs", std::to_string(report.open_runs.size()));
  if (!report.open_runs.empty()) {
    auto table = make_run_table(0);
    for (auto& run : report.open_runs)
      add_run(table, run, now_ms);
    text += "\n" + table.to_text();
  }
  return text + maintenance_text(report.maintenance);
}

json status_json(const status_report& report) {
  json object;
  object["database"] = report.database_path;
  object["file_bytes"] = report.file_bytes;
  object["wal_bytes"] = report.wal_bytes;
  object["owner"] = report.owner ? json(*report.owner) : json(nullptr);
  object["schema"] = report.schema;
  object["boot"] = report.boot;
  object["tasks"] = json::object();
  for (auto state : all_task_states())
    object["tasks"][std::string{to_string(state)}] = 0;
  for (auto& [state, count] : report.tasks)
    object["tasks"][std::string{to_string(state)}] = count;
  object["open_runs"] = json::array();
  for (auto& run : report.open_runs)
    object["open_runs"].push_back(to_json(run));
  object["maintenance"] = json::array();
  for (auto& record : report.maintenance)
    object["maintenance"].push_back({{"operation", record.operation},
                                     {"started_at_ms", record.started_at_ms},
                                     {"ended_at_ms", record.ended_at_ms},
                                     {"rows", record.rows},
                                     {"error", record.error}});
  return object;
}

} // namespace quire::cli

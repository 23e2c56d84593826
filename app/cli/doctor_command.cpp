#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/doctor.hpp"

namespace quire::cli {

namespace {

// One check reads whole tables, and the file may be large.
constexpr std::chrono::hours time_max{24};

std::string list_of(const doctor_finding& finding) {
  std::string text;
  for (auto& example : finding.examples)
    text += (text.empty() ? "" : ", ") + actors::printable(example, 100);
  return finding.left > static_cast<std::int64_t>(finding.examples.size()) ? text + ", ..." : text;
}

std::string finding_text(const doctor_finding& finding, bool repaired) {
  auto text = (finding.left == 0 ? "repaired  " : "WRONG     ") + finding.name + ": "
              + (finding.left == 0 ? std::to_string(finding.found) + " found and repaired: "
                                   : std::to_string(finding.left) + " found: ")
              + list_of(finding) + "\n          " + finding.meaning + "\n          ";
  if (!finding.repairable)
    return text + "no repair: " + finding.remedy + "\n";
  if (finding.left == 0)
    return text + "done: " + finding.remedy + "\n";
  return text + (repaired ? "the repair did not help: " : "--repair: ") + finding.remedy + "\n";
}

std::string report_text(const doctor_report& report, const database_choice& database,
                        bool repaired) {
  std::string text;
  for (auto& line : report.damage)
    text += "DAMAGED   " + actors::printable(line, 1000) + "\n";
  if (!report.damage.empty())
    text +=
      "          the file itself is damaged: nothing was changed; restore a backup, or save what "
      "can be read with the sqlite3 shell's .recover\n";
  for (auto& finding : report.findings)
    text += finding_text(finding, repaired);
  text += report.damage.empty() ? "The file is sound (quick_check), and "
                                : "The file is not sound (quick_check)";
  if (report.damage.empty()) {
    std::size_t wrong = 0;
    for (auto& finding : report.findings)
      wrong += finding.left > 0 ? 1 : 0;
    auto checks = std::to_string(report.checks) + " checks of what is in it";
    text += wrong == 0 ? "all is well in " + checks
                       : std::to_string(wrong) + " of " + checks + " found something wrong";
  }
  return text + "; database: " + database.description() + "\n";
}

json report_json(const doctor_report& report, const database_choice& database) {
  json object;
  object["database"] = database.path();
  object["well"] = report.well();
  object["damage"] = report.damage;
  object["checks"] = report.checks;
  object["findings"] = json::array();
  for (auto& finding : report.findings)
    object["findings"].push_back({{"name", finding.name},
                                  {"meaning", finding.meaning},
                                  {"remedy", finding.remedy},
                                  {"repairable", finding.repairable},
                                  {"found", finding.found},
                                  {"left", finding.left},
                                  {"examples", finding.examples}});
  return object;
}

} // namespace

exit_status run_doctor(const doctor_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto opened = database.look_at_tasks(time_max); // Says what is missing, and creates nothing.
  if (arguments.repair)
    opened = database.visit(time_max);
  auto report =
    arguments.repair ? repair(*opened, system_clock_source{}.unix_ms()) : examine(*opened);
  to.out(arguments.json ? json_line(report_json(report, database))
                        : report_text(report, database, arguments.repair));
  return report.well() ? exit_completed : exit_unwell;
}

} // namespace quire::cli

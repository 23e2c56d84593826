#include "quire/app/doctor.hpp"

#include "quire/storage/sqlite/invariants.hpp"
#include "quire/storage/sqlite/upkeep.hpp"

#include <algorithm>

namespace quire {

namespace {

constexpr int rounds_max = 3;

/// What SQLite itself says about the file.
std::vector<std::string> damage_of(runtime& database) {
  try {
    return database.read([](storage::snapshot& db) { return storage::quick_check(db); });
  } catch (const failure& found) {
    if (found.code() != errc::corrupt)
      throw;
    return {found.what()};
  }
}

storage::violations look(runtime& database, const storage::invariant& rule) {
  return database.read(
    [&rule](storage::snapshot& db) { return storage::find_violations(db, rule); });
}

doctor_finding* find(doctor_report& report, std::string_view name) {
  auto found = std::ranges::find(report.findings, name, &doctor_finding::name);
  return found == report.findings.end() ? nullptr : &*found;
}

/// Looks at everything and writes down how much is left.
void look_at_all(runtime& database, doctor_report& report) {
  for (auto& rule : storage::invariants()) {
    auto now = look(database, rule);
    auto* finding = find(report, rule.name);
    if (!finding && now.count == 0)
      continue;
    if (!finding)
      finding = &report.findings.emplace_back(doctor_finding{std::string{rule.name},
                                                             std::string{rule.meaning},
                                                             std::string{rule.remedy},
                                                             rule.repair != nullptr,
                                                             now.count,
                                                             0,
                                                             {}});
    finding->left = now.count;
    if (now.count > 0)
      finding->examples = std::move(now.examples);
  }
}

/// @returns whether there was anything to repair.
bool repair_once(runtime& database, const doctor_report& report, std::int64_t now_ms) {
  bool repaired = false;
  for (auto& rule : storage::invariants()) {
    auto wrong = [&](auto& x) { return x.name == rule.name && x.left > 0; };
    if (!rule.repair || std::ranges::none_of(report.findings, wrong))
      continue;
    database.write([&rule, now_ms](storage::transaction& tx) { rule.repair(tx, now_ms); });
    repaired = true;
  }
  return repaired;
}

} // namespace

bool doctor_report::well() const noexcept {
  return damage.empty()
         && std::ranges::all_of(findings, [](auto& finding) { return finding.left == 0; });
}

doctor_report examine(runtime& database) {
  doctor_report report;
  report.damage = damage_of(database);
  if (!report.damage.empty())
    return report;
  report.checks = storage::invariants().size();
  look_at_all(database, report);
  return report;
}

doctor_report repair(runtime& database, std::int64_t now_ms) {
  auto report = examine(database);
  for (int round = 0; round < rounds_max && repair_once(database, report, now_ms); ++round)
    look_at_all(database, report);
  return report;
}

} // namespace quire

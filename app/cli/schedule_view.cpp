#include "quire/app/cli/schedule_view.hpp"

#include "quire/app/cli/format.hpp"
#include "quire/storage/time_zone.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace quire::cli {

namespace {

// So many of the last times are shown to people.
constexpr std::size_t fires_shown = 10;

std::string state_of(const schedule_record& record) {
  if (record.paused)
    return "paused";
  if (!record.next_at_ms)
    return "over";
  return record.error.empty() ? "active" : "in trouble";
}

std::string policy_of(const schedule_spec& schedule) {
  std::string text{to_string(schedule.catch_up)};
  if (schedule.catch_up == schedule_catch_up::all)
    text += ", at most " + std::to_string(schedule.catch_up_max);
  return text;
}

std::string fires_text(const std::vector<schedule_fire>& fires) {
  if (fires.empty())
    return {};
  text_table table({{"due"}, {"fired"}, {"task", true}});
  for (std::size_t i = 0; i < fires.size() && i < fires_shown; ++i)
    table.add({time_text(fires[i].fire_at_ms), time_text(fires[i].fired_at_ms),
               fires[i].task ? std::to_string(fires[i].task.value) : "skipped"});
  return "\nlast times\n" + table.to_text();
}

} // namespace

text_table make_schedule_table(std::size_t width_max) {
  return text_table({{"name"},
                     {"state"},
                     {"schedule"},
                     {"zone"},
                     {"kind"},
                     {"next"},
                     {"last"},
                     {"fired", true},
                     {"skipped", true},
                     {"missed", true},
                     {"error"}},
                    width_max);
}

void add_schedule(text_table& table, const schedule_record& record) {
  auto& schedule = record.schedule;
  table.add({schedule.name, state_of(record), schedule.spec, schedule.tz, schedule.task.kind,
             time_text(record.next_at_ms), time_text(record.last_at_ms),
             std::to_string(record.fired), std::to_string(record.skipped),
             std::to_string(record.missed), record.error});
}

std::string schedule_text(const schedule_details& details) {
  auto limit_text = [](std::chrono::milliseconds limit) {
    return limit.count() > 0 ? duration_text(limit) : std::string{};
  };
  auto& record = details.record;
  auto& schedule = record.schedule;
  auto& task = schedule.task;
  auto text = field("schedule", schedule.name);
  text += field("state", state_of(record));
  text += field("spec", schedule.spec);
  text += field("time zone", schedule.tz);
  text += field("next", time_text(record.next_at_ms));
  text += field("last", time_text(record.last_at_ms));
  text += field("not before", time_text(schedule.start_ms));
  text += field("not after", time_text(schedule.end_ms));
  text += field("overlap", std::string{to_string(schedule.overlap)});
  text += field("catch-up", policy_of(schedule));
  text += field("jitter", schedule.jitter.count() > 0 ? duration_text(schedule.jitter) : "");
  text += field("fired", std::to_string(record.fired));
  text += field("skipped", std::to_string(record.skipped));
  text += field("missed", std::to_string(record.missed));
  text += field("created", time_text(record.created_at_ms));
  text += field("changed", time_text(record.changed_at_ms));
  text += field("error", record.error);
  text += field("kind", task.kind);
  text += field("queue", task.queue);
  text += field("tenant", task.tenant);
  text += field("priority", priority_text(task.priority, task.head_start));
  text += field("attempts", std::to_string(task.retry.attempts_max));
  text += field("timeout", task.timeout.count() > 0 ? duration_text(task.timeout) : "none");
  text += field("start within", limit_text(task.start_within));
  text += field("end within", limit_text(task.end_within));
  text += field("heartbeat", limit_text(task.heartbeat));
  text += field("gate", task.gate);
  text += field("payload", task.payload);
  return text + fires_text(details.fires);
}

json to_json(const schedule_record& record) {
  auto& schedule = record.schedule;
  auto& task = schedule.task;
  json object;
  object["name"] = schedule.name;
  object["spec"] = schedule.spec;
  object["tz"] = schedule.tz;
  object["paused"] = record.paused;
  object["next_at_ms"] = or_null(record.next_at_ms);
  object["last_at_ms"] = or_null(record.last_at_ms);
  object["fired"] = record.fired;
  object["skipped"] = record.skipped;
  object["missed"] = record.missed;
  object["error"] = record.error;
  object["overlap"] = to_string(schedule.overlap);
  object["catch_up"] = to_string(schedule.catch_up);
  object["catch_up_max"] = schedule.catch_up_max;
  object["start_ms"] = or_null(schedule.start_ms);
  object["end_ms"] = or_null(schedule.end_ms);
  object["jitter_ms"] = schedule.jitter.count();
  object["created_at_ms"] = record.created_at_ms;
  object["changed_at_ms"] = record.changed_at_ms;
  object["kind"] = task.kind;
  object["queue"] = task.queue;
  object["tenant"] = or_null(task.tenant);
  object["priority"] = to_string(task.priority);
  object["head_start_min"] = task.head_start.count();
  object["attempts_max"] = task.retry.attempts_max;
  object["timeout_ms"] = task.timeout.count();
  object["start_within_ms"] = task.start_within.count();
  object["end_within_ms"] = task.end_within.count();
  object["heartbeat_ms"] = task.heartbeat.count();
  object["gate"] = or_null(task.gate);
  object["gate_capacity"] = task.gate_capacity;
  return object;
}

json to_json(const schedule_details& details) {
  auto object = to_json(details.record);
  object["payload"] = embedded(details.record.schedule.task.payload);
  object["fires"] = json::array();
  for (auto& fire : details.fires)
    object["fires"].push_back({{"fire_at_ms", fire.fire_at_ms},
                               {"fired_at_ms", fire.fired_at_ms},
                               {"task", fire.task ? json(fire.task.value) : json(nullptr)}});
  return object;
}

std::string local_text(std::int64_t unix_ms, const std::string& tz) {
  using namespace std::chrono;
  auto at = floor<seconds>(sys_time<milliseconds>{milliseconds{unix_ms}});
  auto local = storage::time_zone{tz}.local_time(at);
  auto offset = duration_cast<minutes>(local.time_since_epoch() - at.time_since_epoch()).count();
  auto day = floor<days>(local);
  year_month_day date{day};
  hh_mm_ss time{local - day};
  auto away = offset < 0 ? -offset : offset;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d%c%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                offset < 0 ? '-' : '+', static_cast<int>(away / 60), static_cast<int>(away % 60));
  return text.data();
}

} // namespace quire::cli

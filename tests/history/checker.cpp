#include "quire/tests/history/checker.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace quire::tests {

namespace {

constexpr std::array<std::string_view, 14> names{
  "lost write",         "aborted read",        "intermediate read",   "duplicate effect",
  "non-monotonic read", "unseen own write",    "torn write",          "fractured read",
  "stale read",         "stale after restart", "refused but applied", "unknown value",
  "lost update",        "wrong sequence",
};

std::string name_of(const write_operation& write) {
  return "write " + std::to_string(write.id) + " of session " + std::to_string(write.session);
}

std::string name_of(const read_operation& read) {
  return "a read of session " + std::to_string(read.session) + " at "
         + std::to_string(read.invoked);
}

std::string list_name(key of) {
  return "list " + std::to_string(of);
}

} // namespace

std::string_view to_string(anomaly kind) noexcept {
  return names[static_cast<std::size_t>(kind)];
}

checker::checker(const history& of) : history_(of) {}

std::vector<finding> checker::run() {
  number_the_writes();
  check_final_lists();
  check_final_registers();
  check_ends();
  check_sequence();
  for (auto& read : history_.reads)
    check_state(read.seen, name_of(read));
  check_own_reads();
  check_time();
  check_sessions();
  return std::move(findings_);
}

void checker::report(anomaly kind, std::string text) {
  if (findings_.size() < findings_max)
    findings_.push_back({kind, std::move(text)});
}

const write_operation* checker::find(write_id id) const {
  auto found = history_.writes.find(id);
  return found == history_.writes.end() ? nullptr : &found->second;
}

checker::position checker::position_of(write_id id) const {
  auto found = positions_.find(id);
  return found == positions_.end() ? 0 : found->second;
}

void checker::number_the_writes() {
  position at = 0;
  for (auto id : history_.final.writes) {
    ++at;
    auto write = find(id);
    if (!write) {
      report(anomaly::unknown_value, "nobody requested write " + std::to_string(id));
      continue;
    }
    if (!positions_.emplace(id, at).second)
      report(anomaly::duplicate_effect, name_of(*write) + " was applied twice");
    for (std::size_t i = 0; i < write->sets.size(); ++i) {
      auto index = static_cast<std::int64_t>(write->appends.size() + i);
      register_versions_[write->sets[i]].emplace_back(at, value_of(id, index));
    }
  }
}

bool checker::wrote_to_list(std::int64_t value, key of) const {
  auto write = find(writer_of(value));
  auto index = static_cast<std::size_t>(value % values_of_a_write);
  return write && index < write->appends.size() && write->appends[index] == of;
}

void checker::check_final_lists() {
  for (auto& [of, values] : history_.final.lists)
    check_final_list(of, values);
}

void checker::check_final_list(key of, const std::vector<std::int64_t>& values) {
  std::unordered_set<std::int64_t> met;
  std::pair<position, std::int64_t> last{0, 0};
  auto& positions = list_positions_[of];
  for (auto value : values) {
    auto at = position_of(writer_of(value));
    positions.push_back(at ? at : last.first);
    if (!wrote_to_list(value, of)) {
      report(anomaly::unknown_value,
             list_name(of) + " ends with " + std::to_string(value) + ", which nobody appended");
      continue;
    }
    if (!met.insert(value).second) {
      report(anomaly::duplicate_effect, list_name(of) + " has " + std::to_string(value) + " twice");
      continue;
    }
    std::pair here{positions.back(), value};
    if (at != 0 && here < last)
      report(anomaly::wrong_sequence,
             list_name(of) + " has " + std::to_string(value) + " after what was committed later");
    last = here;
  }
}

void checker::check_final_registers() {
  for (auto& [of, versions] : register_versions_) {
    auto found = history_.final.registers.find(of);
    auto value = found == history_.final.registers.end() ? 0 : found->second;
    if (value != versions.back().second)
      report(anomaly::lost_write, "register " + std::to_string(of) + " ends with "
                                    + std::to_string(value) + " instead of "
                                    + std::to_string(versions.back().second));
  }
}

void checker::check_ends() {
  std::unordered_set<std::int64_t> there;
  for (auto& [of, values] : history_.final.lists)
    there.insert(values.begin(), values.end());
  for (auto& [id, write] : history_.writes) {
    std::size_t parts = position_of(id) ? 1 : 0;
    for (std::size_t i = 0; i < write.appends.size(); ++i)
      parts += there.count(value_of(id, static_cast<std::int64_t>(i)));
    if (parts != 0 && parts != write.appends.size() + 1)
      report(anomaly::torn_write, name_of(write) + " is there in part");
    if (parts != 0 && write.end == write_end::refused)
      report(anomaly::refused_but_applied, name_of(write));
    if (parts == 0 && write.end == write_end::committed)
      report(anomaly::lost_write, name_of(write));
  }
}

void checker::check_sequence() {
  std::int64_t last = 0;
  for (auto id : history_.final.writes) {
    auto write = find(id);
    if (!write || write->commit_seq == 0)
      continue;
    if (write->commit_seq < last)
      report(anomaly::wrong_sequence, name_of(*write) + " has the receipt "
                                        + std::to_string(write->commit_seq) + " after "
                                        + std::to_string(last));
    last = write->commit_seq;
  }
}

void checker::check_state(const seen_state& seen, const std::string& who) {
  if (seen.writes_first != seen.writes_last)
    report(anomaly::fractured_read, who + " saw " + std::to_string(seen.writes_first)
                                      + " writes, then " + std::to_string(seen.writes_last));
  for (auto& [of, values] : seen.lists)
    check_list(of, values, seen.writes_last, who);
  for (auto& [of, value] : seen.registers)
    check_register(of, value, seen.writes_last, who);
}

/// Returns whether each value is one that was committed, at most once.
bool checker::check_values(key of, const std::vector<std::int64_t>& values,
                           const std::string& who) {
  auto before = findings_.size();
  std::unordered_set<std::int64_t> met;
  for (auto value : values) {
    auto text = who + " saw " + std::to_string(value) + " in " + list_name(of);
    if (!wrote_to_list(value, of))
      report(anomaly::unknown_value, text);
    else if (!met.insert(value).second)
      report(anomaly::duplicate_effect, text + " twice");
    else if (find(writer_of(value))->end == write_end::refused)
      report(anomaly::aborted_read, text + ", which was refused");
    else if (position_of(writer_of(value)) == 0)
      report(anomaly::aborted_read, text + ", which was never committed");
  }
  return findings_.size() == before;
}

void checker::check_list(key of, const std::vector<std::int64_t>& values, position at,
                         const std::string& who) {
  auto& positions = list_positions_[of];
  auto count = std::upper_bound(positions.begin(), positions.end(), at) - positions.begin();
  auto found = history_.final.lists.find(of);
  if (found == history_.final.lists.end()
        ? values.empty()
        : std::equal(values.begin(), values.end(), found->second.begin(),
                     found->second.begin() + count))
    return;
  if (!check_values(of, values, who))
    return;
  std::unordered_set<std::int64_t> met(values.begin(), values.end());
  bool whole = std::all_of(values.begin(), values.end(), [&](auto value) {
    auto id = writer_of(value);
    auto write = find(id);
    for (std::size_t i = 0; i < write->appends.size(); ++i)
      if (write->appends[i] == of && !met.contains(value_of(id, static_cast<std::int64_t>(i))))
        return false;
    return true;
  });
  report(whole ? anomaly::fractured_read : anomaly::intermediate_read,
         who + " saw " + std::to_string(values.size()) + " values in " + list_name(of)
           + " instead of the " + std::to_string(count) + " of the first " + std::to_string(at)
           + " writes");
}

void checker::check_register(key of, std::int64_t value, position at, const std::string& who) {
  auto& versions = register_versions_[of];
  auto next = std::upper_bound(versions.begin(), versions.end(), at,
                               [](position x, auto& version) { return x < version.first; });
  auto expected = next == versions.begin() ? 0 : std::prev(next)->second;
  if (value == expected)
    return;
  auto writer = find(writer_of(value));
  auto text = who + " saw " + std::to_string(value) + " in register " + std::to_string(of)
              + " instead of " + std::to_string(expected);
  if (value != 0 && !writer)
    report(anomaly::unknown_value, text);
  else if (value != 0 && position_of(writer->id) == 0)
    report(anomaly::aborted_read, text);
  else
    report(anomaly::fractured_read, text);
}

void checker::check_own_reads() {
  for (auto& [id, write] : history_.writes) {
    if (!write.seen)
      continue;
    check_state(*write.seen, name_of(write));
    if (auto at = position_of(id); at && write.seen->writes_last != at - 1)
      report(anomaly::lost_update, name_of(write) + " is number " + std::to_string(at) + " and saw "
                                     + std::to_string(write.seen->writes_last) + " writes");
  }
}

void checker::check_time() {
  std::vector<known> facts;
  std::vector<std::tuple<moment_ns, const read_operation*, const write_operation*>> requests;
  for (auto& [id, write] : history_.writes) {
    auto at = position_of(id);
    if (write.end == write_end::committed)
      facts.push_back({write.ended, at, write.life, write.session, true});
    if (at != 0)
      requests.emplace_back(write.invoked, nullptr, &write);
  }
  for (auto& read : history_.reads) {
    facts.push_back({read.ended, read.seen.writes_last, read.life, read.session, false});
    requests.emplace_back(read.invoked, &read, nullptr);
  }
  std::sort(facts.begin(), facts.end(), [](auto& a, auto& b) { return a.since < b.since; });
  std::sort(requests.begin(), requests.end());
  known newest{0, 0, 0, -1, false};
  auto fact = facts.begin();
  for (auto& [invoked, read, write] : requests) {
    for (; fact != facts.end() && fact->since < invoked; ++fact)
      if (fact->at > newest.at)
        newest = *fact;
    if (read)
      check_fresh(*read, newest);
    else if (position_of(write->id) <= newest.at)
      report(anomaly::wrong_sequence, name_of(*write) + " was requested after number "
                                        + std::to_string(newest.at) + " was known, and is number "
                                        + std::to_string(position_of(write->id)));
  }
}

/// What a session misses of its own is said by `check_sessions`.
void checker::check_fresh(const read_operation& read, const known& newest) {
  if (read.seen.writes_first >= newest.at || read.session == newest.session)
    return;
  bool restarted = newest.life > 0 && newest.life < read.life;
  report(restarted ? anomaly::stale_after_restart : anomaly::stale_read,
         name_of(read) + " saw " + std::to_string(read.seen.writes_first) + " writes after number "
           + std::to_string(newest.at) + " was " + (newest.written ? "acknowledged" : "seen")
           + " in session " + std::to_string(newest.session));
}

void checker::check_sessions() {
  struct progress {
    std::vector<std::pair<moment_ns, position>> written; ///< In the order of their ends.
    position written_max = 0;
    std::size_t next = 0;
    position seen_max = 0;
  };
  std::map<int, progress> sessions;
  for (auto& [id, write] : history_.writes)
    if (write.end == write_end::committed)
      sessions[write.session].written.emplace_back(write.ended, position_of(id));
  for (auto& [number, session] : sessions)
    std::sort(session.written.begin(), session.written.end());
  std::vector<const read_operation*> reads;
  for (auto& read : history_.reads)
    reads.push_back(&read);
  std::sort(reads.begin(), reads.end(), [](auto a, auto b) { return a->invoked < b->invoked; });
  for (auto read : reads) {
    auto& session = sessions[read->session];
    for (auto& at = session.next;
         at < session.written.size() && session.written[at].first < read->invoked; ++at)
      session.written_max = std::max(session.written_max, session.written[at].second);
    auto saw = name_of(*read) + " saw " + std::to_string(read->seen.writes_first) + " writes";
    if (read->seen.writes_first < session.written_max)
      report(anomaly::unseen_own_write,
             saw + ", its own is number " + std::to_string(session.written_max));
    if (read->seen.writes_first < session.seen_max)
      report(anomaly::non_monotonic_read, saw + " after " + std::to_string(session.seen_max));
    session.seen_max = std::max(session.seen_max, read->seen.writes_last);
  }
}

} // namespace quire::tests

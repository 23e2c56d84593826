#include "quire/app/cli/progress_view.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/format.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace quire::cli {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t name_width_max = 24;
constexpr std::size_t bar_width_max = 30;

constexpr auto red = "\x1b[31m";
constexpr auto green = "\x1b[32m";
constexpr auto yellow = "\x1b[33m";
constexpr auto dim = "\x1b[2m";
constexpr auto plain = "\x1b[0m";

const char* colour_of(stage_state state) {
  switch (state) {
    case stage_state::completed: return green;
    case stage_state::partial_success: return yellow;
    case stage_state::failed: return red;
    case stage_state::waiting:
    case stage_state::cancelled:
    case stage_state::skipped: return dim;
    case stage_state::fanning:
    case stage_state::running: return "";
  }
  return "";
}

bool at_work(const stage_record& stage) {
  return stage.state == stage_state::fanning || stage.state == stage_state::running;
}

/// `3 failed, 1 partial`, or nothing.
std::string troubles(const stage_record& stage) {
  std::string text;
  auto add = [&](std::int64_t count, const char* what) {
    if (count > 0)
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  add(stage.failed, "failed");
  add(stage.partial_success, "partial");
  add(stage.cancelled, "cancelled");
  return text;
}

std::string numbers(const stage_record& stage) {
  auto open_end = stage.sealed || is_terminal(stage.state) ? "" : "+";
  return std::to_string(stage.done()) + "/" + std::to_string(stage.total) + open_end;
}

std::string stage_line(const stage_record& stage, std::int64_t now_ms, std::size_t name_width,
                       const view_style& style) {
  auto line = "  " + padded(cut_to_width(stage.name, name_width), name_width) + "  ";
  auto bar_width = style.columns > name_width + 60
                     ? std::min(bar_width_max, style.columns - name_width - 50)
                     : std::size_t{0};
  auto elapsed = milliseconds{elapsed_ms(stage, now_ms)};
  std::string rest;
  if (stage.state == stage_state::waiting || stage.state == stage_state::skipped) {
    line += to_string(stage.state);
  } else {
    if (bar_width > 0)
      line += "[" + bar(stage.done(), stage.total, bar_width) + "]  ";
    line += padded(numbers(stage), 9, true);
    for (auto& part : {troubles(stage), rate_text(stage.done(), elapsed), duration_text(elapsed)})
      if (!part.empty())
        rest += "  " + part;
    if (is_terminal(stage.state) && stage.state != stage_state::completed)
      rest += "  " + std::string{to_string(stage.state)};
  }
  line = cut_to_width(line + rest, style.columns);
  auto* colour = style.colours ? colour_of(stage.state) : "";
  return *colour ? colour + line + plain : line;
}

/// Which stages are shown if there is no room for all: those at work first,
/// then those that ended last, then those that wait.
std::vector<bool> shown_stages(const run_record& run, std::size_t room) {
  std::vector<bool> shown(run.stages.size(), run.stages.size() <= room);
  if (run.stages.size() <= room)
    return shown;
  auto choose = [&](auto chosen, bool from_the_end) {
    for (std::size_t n = 0; n < run.stages.size() && room > 0; ++n) {
      auto i = from_the_end ? run.stages.size() - 1 - n : n;
      if (!shown[i] && chosen(run.stages[i])) {
        shown[i] = true;
        --room;
      }
    }
  };
  choose([](auto& stage) { return at_work(stage); }, false);
  choose([](auto& stage) { return stage.state == stage_state::failed; }, true);
  choose([](auto& stage) { return stage.state == stage_state::waiting; }, false);
  choose([](auto&) { return true; }, true);
  return shown;
}

std::string head_line(const run_record& run, std::int64_t now_ms, std::size_t hidden) {
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::int64_t ended = 0;
  for (auto& stage : run.stages) {
    done += stage.done();
    total += stage.total;
    ended += is_terminal(stage.state) ? 1 : 0;
  }
  auto line = "run " + std::to_string(run.id.value) + " of " + run.pipeline + ": "
              + std::to_string(ended) + " of "
              + count_text(static_cast<std::int64_t>(run.stages.size()), "stage") + ", "
              + std::to_string(done) + " of " + count_text(total, "task") + ", "
              + duration_text(milliseconds{run.finished_at_ms.value_or(now_ms) - run.created_at_ms});
  return hidden > 0 ? line + " (" + count_text(static_cast<std::int64_t>(hidden), "stage")
                        + " not shown)"
                    : line;
}

} // namespace

std::int64_t elapsed_ms(const stage_record& stage, std::int64_t now_ms) {
  if (!stage.started_at_ms)
    return 0;
  return std::max<std::int64_t>(0, stage.finished_at_ms.value_or(now_ms) - *stage.started_at_ms);
}

std::string bar(std::int64_t done, std::int64_t total, std::size_t width) {
  auto share = total > 0 ? static_cast<double>(std::clamp<std::int64_t>(done, 0, total))
                             / static_cast<double>(total)
                         : 0.0;
  auto full = static_cast<std::size_t>(share * static_cast<double>(width));
  return std::string(full, '#') + std::string(width - full, '-');
}

std::vector<std::string> progress_lines(const run_record& run, std::int64_t now_ms,
                                        const view_style& style) {
  // One line for the head, and one for the cursor.
  auto room = style.lines > 2 ? style.lines - 2 : 1;
  auto shown = shown_stages(run, room);
  auto hidden = static_cast<std::size_t>(std::count(shown.begin(), shown.end(), false));
  std::size_t name_width = 4;
  for (auto& stage : run.stages)
    name_width = std::max(name_width, display_width(stage.name));
  name_width = std::min(name_width, name_width_max);
  std::vector<std::string> lines{cut_to_width(head_line(run, now_ms, hidden), style.columns)};
  for (std::size_t i = 0; i < run.stages.size(); ++i)
    if (shown[i])
      lines.push_back(stage_line(run.stages[i], now_ms, name_width, style));
  return lines;
}

std::string progress_text(const stage_record& stage, std::int64_t now_ms) {
  auto elapsed = milliseconds{elapsed_ms(stage, now_ms)};
  auto text = stage.name + ": " + std::to_string(stage.done()) + " of "
              + std::to_string(stage.total) + " done";
  for (auto& part : {troubles(stage), rate_text(stage.done(), elapsed), duration_text(elapsed)})
    if (!part.empty())
      text += ", " + part;
  return text;
}

std::string change_text(const stage_record& stage, std::int64_t now_ms) {
  auto state = std::string{to_string(stage.state)};
  if (!is_terminal(stage.state))
    return stage.name + ": started";
  if (stage.state == stage_state::skipped)
    return stage.name + ": skipped";
  auto text = stage.name + ": " + state;
  if (!stage.error.empty())
    return text + ": " + actors::printable(stage.error, 500);
  text += ", " + std::to_string(stage.completed) + " of " + std::to_string(stage.total)
          + " succeeded";
  for (auto& part : {troubles(stage), duration_text(milliseconds{elapsed_ms(stage, now_ms)})})
    if (!part.empty())
      text += ", " + part;
  return text;
}

} // namespace quire::cli

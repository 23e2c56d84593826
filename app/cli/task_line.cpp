#include "quire/app/cli/task_line.hpp"

#include "quire/storage/public_ids.hpp"

#include <array>

namespace quire::cli {

namespace {

constexpr std::array filter_options{
  "--state",          "--kind",           "--queue",           "--run",
  "--stage",          "--gate",           "--unique",          "--created-after",
  "--created-before", "--finished-after", "--finished-before", "--error-class",
  "--error-text",     "--tenant",         "--parent"};

/// The names of all of `values`.
template <class Values>
std::vector<std::string> names_of(const Values& values) {
  std::vector<std::string> names;
  for (auto value : values)
    names.emplace_back(to_string(value));
  return names;
}

task_name read_name(const words& line, const std::string& name, const std::string& text) {
  if (storage::is_uuid(text))
    return {{}, text};
  return {task_id{line.number(name, text, 1, largest)}, {}};
}

given_filter read_filter(const words& line) {
  given_filter which;
  auto& filter = which.filter;
  filter.pending = line.text("--state") == "pending";
  if (!filter.pending) {
    auto known = names_of(all_task_states());
    known.emplace_back("pending");
    filter.state = line.choice("--state", "state", task_state_from_string, known);
  }
  filter.kind = line.text("--kind");
  filter.queue = line.text("--queue");
  filter.tenant = line.text("--tenant");
  if (auto parent = line.text("--parent"))
    which.parent = read_name(line, "--parent", *parent);
  if (auto run = line.number("--run", 1))
    filter.run = run_id{*run};
  filter.stage = line.text("--stage");
  filter.gate = line.text("--gate");
  filter.unique_key = line.text("--unique");
  filter.created_from_ms = line.moment("--created-after");
  filter.created_before_ms = line.moment("--created-before");
  filter.finished_from_ms = line.moment("--finished-after");
  filter.finished_before_ms = line.moment("--finished-before");
  filter.error_kind =
    line.choice("--error-class", "class", error_class_from_string, names_of(all_error_classes()));
  filter.error_text = line.text("--error-text");
  return which;
}

task_list_arguments read_task_list(const words& line) {
  task_list_arguments result;
  result.which = read_filter(line);
  result.which.filter.limit = line.number("--limit", 0);
  return result;
}

void read_unique(const words& line, unique_key& unique) {
  auto key = line.text("--unique");
  unique.key = key.value_or("");
  for (auto option : {"--unique-for", "--on-duplicate"})
    if (!key && line.text(option))
      refuse(line.app(), std::string{option} + " needs --unique");
  unique.found = line
                   .choice("--on-duplicate", "policy", on_duplicate_from_string,
                           {"existing", "replace", "reject"})
                   .value_or(unique.found);
  if (auto seconds = line.number("--unique-for", 0, ten_years_s)) {
    if (unique.found == on_duplicate::replace)
      refuse(line.app(), "--unique-for and --on-duplicate replace contradict each other");
    unique.kept_for = std::chrono::seconds{*seconds};
  }
}

task_submit_arguments read_submit(const words& line) {
  task_submit_arguments result;
  result.task = read_task(line);
  result.text = line.flag("--text");
  if (auto seconds = line.number("--delay", 0, ten_years_s))
    result.delay = std::chrono::seconds{*seconds};
  result.subtasks = line.text("--subtasks");
  if (result.subtasks == "-" && result.task.payload == "-")
    refuse(line.app(), "the payload and --subtasks cannot both be the standard input");
  read_unique(line, result.task.unique);
  return result;
}

std::vector<task_name> read_names(const words& line) {
  std::vector<task_name> tasks;
  for (auto& text : line.all("ID"))
    tasks.push_back(read_name(line, "ID", text));
  if (tasks.empty())
    refuse(line.app(), "the argument ID is missing");
  return tasks;
}

task_wait_arguments read_wait(const words& line) {
  task_wait_arguments result;
  result.tasks = read_names(line);
  if (auto seconds = line.number("--timeout", 0, ten_years_s))
    result.timeout = std::chrono::seconds{*seconds};
  return result;
}

/// The first option that filters, if any was given.
const char* filter_in(const words& line) {
  for (auto* option : filter_options)
    if (line.flag(option))
      return option;
  return nullptr;
}

void require_filter(const words& line) {
  auto* filter = filter_in(line);
  bool all = line.flag("--all");
  if (all && filter)
    refuse(line.app(), std::string{"--all and "} + filter + " contradict each other");
  if (all || filter)
    return;
  if (line.flag("--dry-run"))
    refuse(line.app(), "--dry-run needs a filter (--state, --kind, ...) or --all");
  refuse(line.app(), "the argument ID is missing, or a filter (--state, --kind, ...), or --all");
}

std::string read_reason(const words& line, task_change what) {
  if (what == task_change::retry)
    return {};
  return line.text("--reason").value_or("cancelled from the command line");
}

command read_change(const words& line, task_change what) {
  if (line.all("ID").empty()) {
    require_filter(line);
    return with_shared(
      line, task_bulk_arguments{
              what, read_filter(line), read_reason(line, what), line.flag("--dry-run"), {}, false});
  }
  auto* filter = filter_in(line);
  for (auto* option : {"--all", "--dry-run"})
    if (line.flag(option))
      filter = option;
  if (filter)
    refuse(line.app(), std::string{"ID and "} + filter + " contradict each other");
  return with_shared(
    line, task_change_arguments{what, read_names(line), read_reason(line, what), {}, false});
}

} // namespace

std::optional<command> read_task_command(const grammar& known, const words& line) {
  auto* app = &line.app();
  if (app == known.task_submit)
    return with_shared(line, read_submit(line));
  if (app == known.task_list)
    return with_shared(line, read_task_list(line));
  if (app == known.task_show)
    return with_shared(line, task_show_arguments{read_name(line, "ID", line.argument("ID")), {}, false});
  if (app == known.task_retry)
    return read_change(line, task_change::retry);
  if (app == known.task_cancel)
    return read_change(line, task_change::cancel);
  if (app == known.task_wait)
    return with_shared(line, read_wait(line));
  return std::nullopt;
}

} // namespace quire::cli

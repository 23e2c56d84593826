#pragma once

#include "quire/messages/types/ids.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire::storage {
class transaction;
} // namespace quire::storage

namespace quire {

/// Where a task stands. The numbers are what the database holds.
enum class task_state : std::uint8_t {
  created = 0,    ///< Waits for its subtasks; invisible to workers.
  ready = 1,      ///< May be claimed now.
  blocked = 2,    ///< Waits for a place in its gate.
  running = 3,    ///< Claimed by a worker.
  scheduled = 4,  ///< Waits for its time.
  retryable = 5,  ///< An attempt failed; waits for the next one.
  suspended = 6,  ///< Set aside by a person.
  completed = 10, ///< Terminal, like all that follow.
  partial_success = 11,
  failed = 12,
  cancelled = 13,
  skipped = 14,
};

std::string_view to_string(task_state state) noexcept;

/// Returns the state that is called `name`.
std::optional<task_state> task_state_from_string(std::string_view name) noexcept;

/// Returns whether nothing more happens to a task in `state` by itself.
constexpr bool is_terminal(task_state state) noexcept {
  return static_cast<int>(state) >= 10;
}

/// Returns whether a task may go from `from` to `to` in one step.
bool can_transition(task_state from, task_state to) noexcept;

/// All states, in the order of their numbers.
const std::vector<task_state>& all_task_states();

/// How much of a head start a task has over others of its age: urgent an hour, high ten
/// minutes, low half an hour less than none. Tasks grow older while they wait, so none
/// waits for ever behind more urgent ones.
enum class task_priority : std::uint8_t { urgent = 0, high = 1, normal = 2, low = 3 };

std::string_view to_string(task_priority priority) noexcept;
std::optional<task_priority> task_priority_from_string(std::string_view name) noexcept;

/// Of what kind the error of a failed attempt is.
enum class error_class : std::uint8_t {
  none = 0,
  transient = 1, ///< May go away: the attempt is repeated.
  permanent = 2, ///< Will not go away: no further attempt.
  timeout = 3,   ///< The attempt took longer than it may; it is repeated.
  cancelled = 4,
  dependency_down = 5, ///< Something it needs is not there; it is repeated.
  poison = 6,          ///< Its process died under it too often.
  lost = 7,            ///< Its worker disappeared.
};

std::string_view to_string(error_class x) noexcept;

/// Returns the class that is called `name`.
std::optional<error_class> error_class_from_string(std::string_view name) noexcept;

/// All classes, in the order of their numbers.
const std::vector<error_class>& all_error_classes();

/// How often and after which delays a failed attempt is repeated.
struct retry_policy {
  int attempts_max = 3;                 ///< All attempts, the first included; 1 to 1000.
  std::chrono::milliseconds base{1000}; ///< Delay after the first failed attempt.
  double factor = 2.0;                  ///< Each further delay is so many times longer; at least 1.
  std::chrono::milliseconds cap{60'000}; ///< No delay is longer.
  double jitter = 0.1; ///< A delay is longer by a random share of up to this; 0 to 1.
};

/// What becomes of a task whose unique key another one has.
enum class on_duplicate : std::uint8_t {
  existing = 0, ///< Nothing: the other one is returned.
  replace = 1,  ///< The other one becomes this task, if it waits. If it runs, or has subtasks,
                ///< this one is created and takes the key: what changed meanwhile is not lost.
  reject = 2,   ///< The request fails with `errc::conflict`.
};

std::string_view to_string(on_duplicate x) noexcept;
std::optional<on_duplicate> on_duplicate_from_string(std::string_view name) noexcept;

/// Which earlier task makes a new one superfluous: the one that has its key. A task has its
/// key until it ends, or longer.
struct unique_key {
  std::string key;                       ///< Up to 200 bytes; of tasks of one kind. Empty: none.
  std::chrono::milliseconds kept_for{0}; ///< The key counts for so long from when the task is
                                         ///< created, even if the task ends before; up to 10
                                         ///< years. Not with `replace`.
  on_duplicate found = on_duplicate::existing;
};

/// What somebody wants to be done.
struct task_spec {
  std::string kind;              ///< Which handler runs it; 1 to 100 bytes.
  std::string payload;           ///< What the handler gets: JSON text by convention; up to 64 MiB.
  std::string queue = "default"; ///< Queue, kind and tenant together are the task's lane.
  std::string tenant;            ///< For whom it is done; up to 100 bytes. Tenants get fair shares of
                                 ///< the workers, see `tenant_policy`. Tasks without one share as
                                 ///< one more.
  task_priority priority = task_priority::normal;
  std::chrono::minutes head_start{0}; ///< Besides that of its priority; less than 0 lets it wait
                                      ///< longer; up to 7 days either way.
  retry_policy retry;
  std::chrono::milliseconds timeout{
    600'000}; ///< For one attempt, up to 10 years; 0 for no limit of its own.
  std::optional<std::int64_t>
    run_at_ms;           ///< Not before this time (Unix milliseconds); at once if absent.
  std::string gate;      ///< At most `gate_capacity` of one gate run at a time.
  int gate_capacity = 1; ///< Used when the gate does not exist yet; 1 to 100,000.
  int crashes_max = 3;   ///< So many deaths of its process make it poison; 0: no limit.
  unique_key unique;     ///< Not for tasks of pipelines and schedules.

  /// Three more limits; up to 10 years, 0 for none. A task whose time is up fails
  /// (`error_class::timeout`).
  std::chrono::milliseconds start_within{0}; ///< From when it may start until it first does.
  std::chrono::milliseconds end_within{0};   ///< From when it may start until it has ended, with
                                             ///< all its attempts and the waits between them.
  std::chrono::milliseconds heartbeat{0};    ///< Between two signs of life of its handler, see
                                             ///< `task_context`; of the kind `command`: lines on
                                             ///< descriptor 3, so its payload says `report`.

  /// Tasks that are created together with this one, all or none, and that it waits for: it may
  /// start when all of them have ended, however they did (see `task_assignment::subtasks`). They
  /// may have some of their own: up to 1000 in all, up to 8 levels deep. A task that waits for
  /// its subtasks is `created`; cancelling it cancels them, and starting it again starts those
  /// again that failed or were cancelled. They stay as long as it does, and it as long as they.
  /// They have no unique keys. Not for tasks of pipelines and schedules.
  std::vector<task_spec> subtasks;
};

/// How the subtasks of a task ended.
struct subtask_counts {
  std::int64_t completed = 0;
  std::int64_t partial_success = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t skipped = 0;

  std::int64_t total() const noexcept {
    return completed + partial_success + failed + cancelled + skipped;
  }

  friend bool operator==(const subtask_counts&, const subtask_counts&) = default;
};

/// How one subtask ended.
struct subtask_result {
  task_id id;
  std::string kind;
  task_state state = task_state::created;
  std::string output; ///< JSON text; empty without one.
  std::string error;
};

/// A task that was put into its queue, or the one that was found instead.
struct enqueued_task {
  task_id id;
  bool is_new = true; ///< False: it was there, and had the unique key.
};

/// A task that a worker has been given, and the fencing number of that claim.
struct task_assignment {
  task_id id;
  std::int64_t epoch = 0;
  int attempt = 0; ///< From 1.
  int attempts_max = 1;
  std::string kind;
  std::string payload;
  retry_policy retry;
  std::chrono::milliseconds timeout{0}; ///< For this attempt: no more than `end_within` leaves.
  bool is_last_call = false;            ///< It is `end_within` that limits this attempt.
  std::chrono::milliseconds heartbeat{0};
  subtask_counts subtasks{}; ///< How they ended; all 0 without any.
};

/// Limits of what a handler returns.
inline constexpr std::size_t output_bytes_max = std::size_t{64} << 20;
inline constexpr std::size_t detail_bytes_max = std::size_t{1} << 20;

/// How one attempt ended, as its handler tells it.
struct task_outcome {
  enum class verdict : std::uint8_t {
    completed,
    partial_success, ///< Useful, but not all of it: `error` says what is missing.
    failed,          ///< Repeated if `error_kind` and the retry policy allow.
    cancelled,
    released, ///< Given back unfinished (a shutdown): costs no attempt.
    snoozed,  ///< To be tried again after `retry_after`: costs no attempt.
  };

  verdict what = verdict::completed;
  std::string output; ///< JSON text for later stages; empty for null. Up to 64 MiB, or the attempt
                      ///< fails (permanent).
  std::string detail; ///< JSON object for people: exit status, stderr, ... Over 1 MiB it is not kept.
  std::string error;  ///< Never empty for partial_success and failed.
  error_class error_kind = error_class::none;
  std::optional<std::chrono::milliseconds> retry_after; ///< Wins over the retry policy.

  /// What the handler wants to write with its success, in the transaction that ends the task:
  /// both are there, or neither is, also if the power fails. It may enqueue tasks. It is not
  /// called if the claim was taken away; it may be called again if the transaction is; if it
  /// throws, the task fails (permanent) with that text. It runs on the writer's thread, so it
  /// should be short, and must own all it uses.
  std::function<void(storage::transaction&)> effects;

  /// Where the output is that was too large for the database (`options::output_bytes_inline`).
  /// Set by the runtime, not by handlers.
  std::string output_file;

  static task_outcome success(std::string output = {});
  static task_outcome partial(std::string output, std::string reason);
  static task_outcome failure(std::string error, error_class kind = error_class::transient);
  static task_outcome released(std::string reason);
  static task_outcome cancelled(std::string reason);
  static task_outcome snoozed(std::chrono::milliseconds delay, std::string reason = {});
};

/// Everything the database knows about a task but its payload and its output.
struct task_record {
  task_id id;
  std::string queue;
  std::string kind;
  task_state state = task_state::created;
  task_priority priority = task_priority::normal;
  int attempt = 0;
  int attempts_max = 0;
  int crashes = 0;
  int snoozes = 0;
  std::int64_t epoch = 0;
  bool cancel_requested = false;
  std::string gate;
  std::string unique_key; ///< Empty: none.
  run_id run;             ///< 0 for a task of no pipeline.
  std::string stage;      ///< Empty for a task of no pipeline.
  std::int64_t item = -1; ///< Place in the list of its stage, from 0; -1 for none.
  std::int64_t created_at_ms = 0;
  std::optional<std::int64_t> run_at_ms;
  std::optional<std::int64_t> started_at_ms; ///< Of the first attempt.
  std::optional<std::int64_t> finished_at_ms;
  error_class error_kind = error_class::none;
  std::string error; ///< Of the last attempt that failed.
  std::optional<std::int64_t> expires_at_ms; ///< It fails if it has not started, or ended, by then.
  int progress = 0;  ///< Percent, as its handler said last; 100 once completed.
  std::string step;  ///< What the handler said it is doing.
  std::string tenant;              ///< Empty: none.
  task_id parent;                  ///< Whose subtask it is; 0: nobody's.
  std::int64_t subtasks = 0;       ///< Its own,
  std::int64_t subtasks_open = 0;  ///< and those of them that have not ended.
};

/// One try at a task, as the database remembers it.
struct attempt_record {
  int attempt = 0;
  std::int64_t epoch = 0;
  std::int64_t started_at_ms = 0;
  std::int64_t ended_at_ms = 0;
  std::string outcome; ///< A state, `released`, `snoozed` or `crashed`.
  std::string error;
  error_class error_kind = error_class::none;
  std::int64_t boot = 0; ///< Which start of a runtime ran it; 0: nobody did, or it is not known.
};

/// What the handler of a running attempt said since it said anything last.
struct attempt_news {
  struct line {
    std::int64_t at_ms = 0;
    std::string text;
  };

  std::optional<int> percent; ///< 0 to 100; absent: as it was.
  std::optional<std::string> step;
  std::vector<line> lines;

  bool empty() const noexcept { return !percent && !step && lines.empty(); }
};

/// Of so many lines of a task the last are kept.
inline constexpr int log_lines_max = 1000;

/// What a handler wrote down while it ran.
struct log_line {
  std::int64_t at_ms = 0;
  std::int64_t epoch = 0; ///< Of the claim under which it did.
  std::string text;
};

/// Limits of the steps that handlers do once (see `task_context::step`).
inline constexpr std::size_t step_name_max = 255;        ///< Bytes.
inline constexpr std::size_t step_value_max = 1'048'576; ///< Bytes.
inline constexpr std::int64_t steps_max = 10'000;        ///< Of one task.

/// A step of a task that is done.
struct step_record {
  std::string name;
  std::int64_t at_ms = 0; ///< When it was.
  std::int64_t epoch = 0; ///< Of the claim under which it was.
  std::int64_t bytes = 0; ///< Of what it returned.
};

/// A task with all that hangs on it.
struct task_details {
  task_record task;
  std::chrono::minutes head_start{0};
  std::string payload;
  std::string output;      ///< Empty also if it is in a file that is not there any more.
  std::string output_file; ///< The file beside the database in which it is, if it is in one.
  std::string detail;
  std::vector<attempt_record> attempts;
  std::vector<log_line> log; ///< The last 1000.
  std::vector<step_record> steps; ///< Those that are done, the first one first.
};

/// Which tasks are listed, counted or changed; absent means any. Times are Unix milliseconds.
struct task_filter {
  std::optional<task_state> state;
  bool pending = false; ///< Only tasks that wait, for whatever: neither running nor ended.
  std::optional<std::string> kind;
  std::optional<run_id> run;
  std::optional<std::string> stage;
  std::optional<std::int64_t> limit; ///< At most so many; all if absent.
  task_id after;                     ///< Only larger ids: the next page.
  std::optional<task_id> until;      ///< No larger ids.
  std::optional<std::string> queue;
  std::optional<std::string> gate;
  std::optional<std::string> unique_key;         ///< The key it was created with.
  std::optional<std::int64_t> created_from_ms;   ///< Created then or later,
  std::optional<std::int64_t> created_before_ms; ///< but not any more then.
  std::optional<std::int64_t> finished_from_ms;  ///< Only tasks that have ended, as above.
  std::optional<std::int64_t> finished_before_ms;
  std::optional<error_class> error_kind;

  /// Is part of its error, as it is written there. Tasks that completed never match, whatever
  /// went wrong before: theirs are not looked at, so that a long history costs nothing.
  std::optional<std::string> error_text;

  std::optional<std::string> tenant;
  std::optional<task_id> parent; ///< Only its subtasks.
};

/// How many tasks match a filter, and with how many of them what can be done.
struct task_counts {
  std::int64_t matching = 0;
  std::int64_t cancellable = 0; ///< Those that have not ended.
  std::int64_t retryable = 0;   ///< Those that failed, were cancelled or succeeded in part.
};

/// What was done to all tasks that match a filter.
struct task_changes {
  std::int64_t changed = 0;
  std::int64_t asked = 0;            ///< Of these run, and were asked to stop.
  std::int64_t refused = 0;          ///< So many stayed as they were:
  std::vector<std::string> refusals; ///< why, of the first 10 of them.
};

} // namespace quire

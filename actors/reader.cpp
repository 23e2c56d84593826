#include "quire/actors/reader.hpp"

#include "quire/actors/base.hpp"

#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;
using namespace std::chrono_literals;

using reader_impl = service_actor::extend<on<void(timer)>>;
using time_point = std::chrono::steady_clock::time_point;

constexpr auto service_name = "reader";

/// Requests that are answered on one snapshot, at most,
constexpr std::size_t batch_max = 64;
/// and for so long, at most, before another one is begun.
constexpr auto snapshot_round = 20ms;

/// Why a statement was interrupted.
enum class interruption : std::uint8_t { none, cancelled, timeout, expired, too_long };

/// What the progress handler of SQLite looks at. It stays where it is.
struct running_limits {
  std::shared_ptr<const clock_source> clock;
  read_port::slot_pointer slot;
  const read_request* request = nullptr;
  time_point deadline;    ///< Of the request.
  time_point lease_ends;  ///< Of the snapshot.
  time_point quick_until; ///< Of a quick reader.
  interruption why = interruption::none;

  bool over() {
    if (!request)
      return false;
    auto now = clock->now();
    if (request->stopped())
      why = interruption::cancelled;
    else if (slot->expire.load(std::memory_order_relaxed) || now >= lease_ends)
      why = interruption::expired;
    else if (now >= deadline)
      why = interruption::timeout;
    else if (now >= quick_until)
      why = interruption::too_long;
    return why != interruption::none;
  }
};

struct reader_state {
  reader_state() = default;
  static inline const char* name = service_name;

  reader_options options;
  std::optional<storage::connection> db;
  std::shared_ptr<running_limits> limits;
  std::int64_t queries = 0;
  std::int64_t snapshots = 0;
  std::string note;

  ~reader_state() {
    if (options.port && limits)
      options.port->detach(limits->slot);
  }
};

using reader_pointer = reader_impl::stateful_pointer<reader_state>;

std::string seconds_text(std::chrono::milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000.0 << " s";
  return text.str();
}

/// What an interrupted request is answered with.
caf::error interrupted(reader_state& state, const read_request& request, time_point opened) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  auto& limits = *state.limits;
  if (limits.why == interruption::cancelled)
    return make_failure(errc::cancelled, "cancelled while it ran");
  if (limits.why == interruption::timeout)
    return make_failure(errc::timeout, "stopped before its end, because its time was up");
  auto age = duration_cast<milliseconds>(limits.clock->now() - opened);
  auto text = "a snapshot was given up after " + seconds_text(age)
              + ", because the write-ahead log cannot shrink while it is open; it was held by: "
              + (request.sql().empty() ? "a function of the program" : std::string{request.sql()});
  state.note = text;
  log(log_level::warn, service_name, text);
  return make_failure(errc::snapshot_expired, text);
}

/// Runs one request. Returns it if it has not been answered, because it takes too long here.
bool serve(reader_state& state, read_request& request, time_point opened) {
  auto& limits = *state.limits;
  auto now = limits.clock->now();
  if (request.stopped()) {
    request.fail(make_failure(errc::cancelled, "cancelled before it was begun"));
    return true;
  }
  if (now >= request.deadline) {
    request.fail(
      make_failure(errc::expired, "the deadline passed while the request waited for a reader"));
    return true;
  }
  ++state.queries;
  limits.why = interruption::none;
  limits.request = &request;
  limits.deadline = std::min(request.deadline, now + state.options.query_limit);
  limits.lease_ends = opened + state.options.lease;
  limits.quick_until =
    state.options.kind == reader_kind::quick ? now + state.options.quick_limit : time_point::max();
  limits.slot->current.store(&request, std::memory_order_relaxed);
  std::optional<caf::error> failed;
  try {
    request.run(*state.db);
  } catch (const storage::error& failure) {
    failed = limits.why == interruption::none ? to_caf(failure) : caf::error{};
  } catch (const std::exception& failure) {
    failed = make_failure(errc::function_failed, failure.what());
  } catch (...) {
    failed =
      make_failure(errc::function_failed, "the function threw something that is not an exception");
  }
  limits.request = nullptr;
  limits.slot->current.store(nullptr, std::memory_order_relaxed);
  if (!failed)
    return true;
  if (limits.why == interruption::too_long)
    return false;
  request.fail(limits.why == interruption::none ? std::move(*failed)
                                                : interrupted(state, request, opened));
  return true;
}

/// Answers requests on one snapshot, from `first` on, and returns where it stopped.
std::size_t serve_round(reader_state& state, std::vector<read_port::request_pointer>& batch,
                        std::size_t first) {
  auto& clock = *state.limits->clock;
  auto opened = clock.now();
  std::optional<storage::read_guard> snapshot;
  try {
    snapshot.emplace(*state.db);
  } catch (const storage::error& failure) {
    for (; first < batch.size(); ++first)
      batch[first]->fail(to_caf(failure));
    return first;
  }
  ++state.snapshots;
  while (first < batch.size()) {
    auto& request = batch[first++];
    if (serve(state, *request, opened))
      continue;
    request = state.options.port->move_to_slow(std::move(request));
    if (request) { // Nobody else is there.
      auto kind = std::exchange(state.options.kind, reader_kind::slow);
      serve(state, *request, opened);
      state.options.kind = kind;
    }
    if (clock.now() - opened > snapshot_round)
      break;
  }
  return first;
}

/// Answers what it can take at once. Returns whether more may wait.
bool serve_batch(reader_pointer self) {
  auto& state = state_of(self);
  auto& port = *state.options.port;
  // Of what takes long, each reader takes one: the others are there for the next.
  auto most = state.options.kind == reader_kind::slow ? 1 : batch_max;
  auto batch = port.take(state.limits->slot, most);
  if (batch.empty())
    return false;
  for (std::size_t next = 0; next < batch.size();)
    next = serve_round(state, batch, next);
  port.done(state.limits->slot);
  return true;
}

/// Closes the connection now: the state of an actor goes only after others have
/// been told of its end, and the writer, which closes last, empties the log only
/// if nobody else has it open.
void close(reader_pointer self) {
  auto& state = state_of(self);
  state.options.port->detach(state.limits->slot);
  state.db.reset();
}

reader_impl::behavior_type reader(reader_pointer self, reader_options options,
                                  std::shared_ptr<storage::connection> connection) {
  auto& state = state_of(self);
  state.options = std::move(options);
  state.db.emplace(std::move(*connection));
  state.limits = std::make_shared<running_limits>();
  state.limits->clock = state.options.env.clock;
  state.db->limit_running([limits = state.limits] { return limits->over(); });
  install_handlers(self, service_name);
  self->set_exit_handler([self](caf::exit_msg& message) {
    close(self);
    self->quit(std::move(message.reason));
  });
  // The handle is weak: the port must not keep the reader.
  state.limits->slot = state.options.port->attach(
    state.options.kind, [weak = caf::actor_cast<caf::actor_addr>(reader_impl{self})] {
      if (auto strong = caf::actor_cast<reader_impl>(weak))
        caf::anon_send(strong, timer{});
    });
  return {
    [&state](status_request) {
      return service_status{
        service_name,
        "running",
        0,
        {{"queries", state.queries},
         {"snapshots", state.snapshots},
         {"statements_hit", static_cast<std::int64_t>(state.db->statements().hits())},
         {"statements_missed", static_cast<std::int64_t>(state.db->statements().misses())}},
        state.note};
    },
    [self](drain) {
      close(self);
      self->quit();
      return drained{};
    },
    [self](timer) {
      if (state_of(self).db && serve_batch(self))
        tell(self, reader_impl{self}, timer{});
    },
  };
}

} // namespace

messages::service_actor spawn_reader(caf::actor_system& system, reader_options options) {
  auto db = std::make_shared<storage::connection>(options.open());
  // What takes long must not hold up the threads of the scheduler.
  if (options.env.own_threads && options.kind == reader_kind::slow)
    return system.spawn<caf::detached>(reader, std::move(options), std::move(db));
  return system.spawn(reader, std::move(options), std::move(db));
}

} // namespace quire::actors

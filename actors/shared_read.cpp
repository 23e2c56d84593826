#include "quire/actors/shared_read.hpp"

#include "quire/actors/base.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;
using namespace std::chrono_literals;

using function = std::shared_ptr<const std::function<void(storage::snapshot&)>>;

/// One of the readers: opens its connection, then the snapshot, then runs its function, each
/// when it is told to by a `timer` of the next generation.
using guest_actor = caf::typed_actor<on<drained(timer)>>;

constexpr auto service_name = "shared_read";
constexpr auto step_limit = 10s;   ///< Until all connections are open.
constexpr auto hold_limit = 150ms; ///< Until all snapshots are open: less than the writer holds.
constexpr std::uint64_t open_connection = 0;
constexpr std::uint64_t open_snapshot = 1;
constexpr std::uint64_t run_function = 2;

struct guest_state {
  guest_state() = default;
  static inline const char* name = "guest_reader";

  reader_options options;
  function run;
  read_port::slot_pointer slot;
  std::optional<storage::connection> db;
  std::optional<storage::read_guard> snapshot;
  std::chrono::steady_clock::time_point lease_ends;

  ~guest_state() { close(); }

  void close() {
    snapshot.reset();
    db.reset();
    if (slot)
      options.port->detach(std::exchange(slot, nullptr));
  }

  void open() {
    db.emplace(options.open());
    db->limit_running([this] {
      return slot
             && (slot->expire.load(std::memory_order_relaxed)
                 || options.env.clock->now() >= lease_ends);
    });
  }

  void pin() {
    if (!options.port->hold_snapshot(slot, "functions on one snapshot"))
      throw storage::error(errc::unavailable,
                           "the write-ahead log is just being emptied: try again");
    lease_ends = options.env.clock->now() + options.lease;
    snapshot.emplace(*db);
    db->prepare("SELECT count(*) FROM sqlite_schema")->step(); // Only now it is open.
  }

  void work() {
    storage::snapshot view{*db};
    (*run)(view);
  }
};

using guest_pointer = guest_actor::stateful_pointer<guest_state>;

caf::result<drained> step(guest_pointer self, std::uint64_t number) {
  auto& state = state_of(self);
  caf::error failed;
  try {
    if (number == open_connection)
      state.open();
    else if (number == open_snapshot)
      state.pin();
    else
      state.work();
  } catch (const storage::error& failure) {
    failed = failure.code() == errc::timeout
               ? make_failure(errc::snapshot_expired,
                              "the snapshot was given up: it had been open for too long, "
                              "or kept the write-ahead log from shrinking")
               : to_caf(failure);
  } catch (const std::exception& failure) {
    failed = make_failure(errc::function_failed, failure.what());
  } catch (...) {
    failed =
      make_failure(errc::function_failed, "the function threw something that is not an exception");
  }
  if (failed || number == run_function) {
    state.close();
    self->quit();
  }
  if (failed)
    return failed;
  return drained{};
}

guest_actor::behavior_type guest(guest_pointer self, reader_options options, function run) {
  install_handlers(self, "guest_reader");
  auto& state = state_of(self);
  state.options = std::move(options);
  state.run = std::move(run);
  state.slot = state.options.port->attach(reader_kind::guest, [] {});
  return {[self](timer which) { return step(self, which.generation); }};
}

struct shared_state {
  shared_state() = default;
  static inline const char* name = service_name;

  std::chrono::milliseconds run_limit{0};
  writer_actor writer;
  std::vector<guest_actor> guests;
  promise<read_done> answer;
  std::size_t missing = 0; ///< Guests that have not done the present step.
  std::uint64_t hold = 0;  ///< Of the writer; 0 if it is not held.
};

using shared_pointer = caf::stateful_actor<shared_state>*;

void release_writer(shared_pointer self) {
  auto& state = state_of(self);
  if (state.hold != 0)
    tell(self, state.writer, release_writes{std::exchange(state.hold, 0)});
}

void end(shared_pointer self, const caf::error& failed) {
  auto& state = state_of(self);
  release_writer(self);
  for (auto& one : std::exchange(state.guests, {}))
    self->send_exit(one, caf::exit_reason::user_shutdown);
  if (failed)
    state.answer.fail(failed);
  else
    state.answer.deliver({});
  self->quit();
}

/// Lets all guests do one step, then goes on.
void all_do(shared_pointer self, std::uint64_t number, std::chrono::milliseconds limit,
            const std::function<void()>& then) {
  auto& state = state_of(self);
  state.missing = state.guests.size();
  for (auto& one : state.guests)
    ask(self, one, limit, timer{number})
      .then(
        [self, then](const drained&) {
          if (--state_of(self).missing == 0)
            then();
        },
        [self, number](const caf::error& error) {
          if (error != caf::sec::request_timeout)
            end(self, error);
          else if (number == run_function)
            end(self, make_failure(errc::timeout, "the functions did not end in time; they may "
                                                  "be running still"));
          else
            end(self, make_failure(errc::unavailable,
                                   "the readers could not open one snapshot in time: try again"));
        });
}

void take_snapshot(shared_pointer self) {
  auto& state = state_of(self);
  ask(self, state.writer, step_limit, hold_writes{})
    .then(
      [self](const writes_held& held) {
        state_of(self).hold = held.hold;
        all_do(self, open_snapshot, hold_limit, [self] {
          release_writer(self);
          all_do(self, run_function, state_of(self).run_limit, [self] { end(self, {}); });
        });
      },
      [self](const caf::error& error) { end(self, error); });
}

caf::behavior shared_read(shared_pointer self, reader_options options, writer_actor writer,
                          read_together request, std::shared_ptr<promise<read_done>> answer) {
  install_handlers(self, service_name);
  auto& state = state_of(self);
  // A function may do more than read: only its snapshot has a lease.
  state.run_limit = std::max(options.query_limit, options.lease) + options.env.request_timeout;
  state.writer = std::move(writer);
  state.answer = std::move(*answer);
  for (auto& run : request.runs)
    state.guests.push_back(options.env.own_threads ? self->spawn<caf::detached>(guest, options, run)
                                                   : self->spawn(guest, options, run));
  all_do(self, open_connection, step_limit, [self] { take_snapshot(self); });
  return {[](timer) {}};
}

} // namespace

void spawn_shared_read(caf::actor_system& system, reader_options options, writer_actor writer,
                       read_together request, promise<read_done> answer) {
  system.spawn(shared_read, std::move(options), std::move(writer), std::move(request),
               std::make_shared<promise<read_done>>(std::move(answer)));
}

} // namespace quire::actors

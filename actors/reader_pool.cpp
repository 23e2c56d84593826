#include "quire/actors/reader_pool.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/bring.hpp"
#include "quire/actors/read_worker.hpp"
#include "quire/actors/row_stream.hpp"
#include "quire/actors/shared_read.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;
using namespace std::chrono_literals;

using pool_impl = reader_pool_actor::extend<on<void(timer)>>;

constexpr auto service_name = "reader_pool";
constexpr auto reopen_delay = 1s;

/// Readers that are lent keep a snapshot that nobody uses for twice as long, at most.
constexpr auto kept_unused = 10ms;

/// The generation of its timers.
constexpr std::uint64_t places_due = 0;
constexpr std::uint64_t kept_due = 1;

struct place {
  reader_kind kind = reader_kind::slow;
  service_actor reader; ///< Null while none is there.
};

struct pool_state {
  pool_state() = default;
  static inline const char* name = service_name;

  reader_pool_options options;
  std::vector<place> places;
  std::vector<caf::actor> streams;
  std::vector<std::shared_ptr<read_worker>> lent;
  bool reopening = false;
  std::int64_t requests = 0;
  std::int64_t replaced = 0;
  std::string note;
  promise<drained> stopped;
  bool stopping = false;

  ~pool_state() { close_lent(); }

  void close_lent() {
    for (auto& one : lent)
      one->close();
  }
};

using pool_pointer = pool_impl::stateful_pointer<pool_state>;

reader_options options_of(const reader_pool_options& options, reader_kind kind) {
  reader_options own;
  own.env = options.env;
  own.open = options.open;
  own.port = options.port;
  own.kind = kind;
  own.query_limit = options.query_limit;
  own.lease = options.lease;
  return own;
}

service_actor start_reader(caf::actor_system& system, const reader_pool_options& options,
                           reader_kind kind) {
  return spawn_reader(system, options_of(options, kind));
}

/// Opens a reader in each empty place; tries again later if that fails.
void fill_places(pool_pointer self) {
  auto& state = state_of(self);
  state.reopening = false;
  for (auto& place : state.places) {
    if (place.reader)
      continue;
    try {
      place.reader = start_reader(self->system(), state.options, place.kind);
      self->monitor(place.reader);
    } catch (const storage::error& failure) {
      state.note = failure.what();
      log(log_level::warn, service_name, std::string{"cannot open a reader: "} + failure.what());
      if (!std::exchange(state.reopening, true))
        tell_after(self, reopen_delay, pool_impl{self}, timer{places_due});
    }
  }
}

void stop_readers(pool_pointer self) {
  for (auto& place : state_of(self).places)
    if (place.reader)
      self->send_exit(place.reader, caf::exit_reason::user_shutdown);
  for (auto& stream : state_of(self).streams)
    self->send_exit(stream, caf::exit_reason::user_shutdown);
  state_of(self).close_lent();
}

/// Answers when the last reader has closed its connection: only then can the
/// writer, which closes after us, empty the log.
void finish_stop(pool_pointer self) {
  auto& state = state_of(self);
  if (!state.streams.empty()
      || std::ranges::any_of(state.places,
                             [](const place& x) { return static_cast<bool>(x.reader); })
      || !std::ranges::all_of(state.lent, [](auto& x) { return x->is_closed(); }))
    return;
  state.stopped.deliver({});
  self->quit();
}

void reader_down(pool_pointer self, const caf::down_msg& message) {
  auto& state = state_of(self);
  auto is_it = [&](const caf::actor& stream) { return stream.address() == message.source; };
  if (std::erase_if(state.streams, is_it) > 0)
    return state.stopping ? finish_stop(self) : void();
  for (auto& place : state.places)
    if (place.reader && place.reader.address() == message.source)
      place.reader = nullptr;
  if (state.stopping)
    return finish_stop(self);
  ++state.replaced;
  fill_places(self);
}

/// Has snapshots closed that nobody has used for a while, as long as there are any.
void look_at_kept(pool_pointer self) {
  auto& options = state_of(self).options;
  if (options.port->close_kept(options.env.clock->now() - kept_unused))
    tell_after(self, kept_unused, pool_impl{self}, timer{kept_due});
}

/// Those that have no thread are lent to whoever has one.
void add_lent_readers(pool_pointer self) {
  auto& state = state_of(self);
  auto own = worker_options_of(options_of(state.options, reader_kind::lent));
  own.closed = [weak = caf::actor_cast<caf::actor_addr>(pool_impl{self})] {
    if (auto strong = caf::actor_cast<pool_impl>(weak))
      caf::anon_send(strong, timer{});
  };
  state.options.port->watch_kept([weak = caf::actor_cast<caf::actor_addr>(pool_impl{self})] {
    if (auto strong = caf::actor_cast<pool_impl>(weak))
      caf::anon_send(strong, timer{kept_due});
  });
  for (int i = 0; i < state.options.lent_readers; ++i) {
    state.lent.push_back(std::make_shared<read_worker>(own));
    state.lent.back()->attach_lent();
  }
}

/// Lets a request wait for a reader, which answers the sender directly.
template <class Request, class Reply, class Message>
caf::result<Reply> submit(pool_pointer self, Message& message) {
  auto& state = state_of(self);
  if (state.stopping)
    return make_failure(errc::unavailable, "the readers are closing");
  if (std::ranges::none_of(state.places,
                           [](const place& x) { return static_cast<bool>(x.reader); }))
    return make_failure(errc::unavailable, "no reader could be opened: " + state.note);
  ++state.requests;
  auto sender = sender_number(self); // The promise takes it away.
  bring_read<Request, Reply>(*state.options.port, std::move(message), sender, submitter::busy,
                             promise_to_sender<Reply>(self));
  return caf::delegated<Reply>{};
}

caf::result<stream_opened> start_stream(pool_pointer self, open_stream& request) {
  auto& state = state_of(self);
  if (state.stopping)
    return make_failure(errc::unavailable, "the readers are closing");
  if (request.rows_max < 1 || request.rows_max > 1'000'000)
    return make_failure(errc::invalid_argument,
                        "a portion of a stream has 1 to 1,000,000 rows, not "
                          + std::to_string(request.rows_max));
  if (state.streams.size() >= static_cast<std::size_t>(state.options.streams_max))
    return make_failure(errc::overloaded,
                        "too many streams are open already (" + std::to_string(state.streams.size())
                          + "): close one, or try again later",
                        reopen_delay);
  auto client = caf::actor_cast<caf::actor>(self->current_sender());
  state.streams.push_back(spawn_row_stream(
    self->system(), options_of(state.options, reader_kind::guest), std::move(request),
    promise_to_sender<stream_opened>(self), client, caf::actor_cast<caf::actor>(pool_impl{self})));
  self->monitor(state.streams.back());
  return caf::delegated<stream_opened>{};
}

caf::result<read_done> start_shared_read(pool_pointer self, read_together& request) {
  auto& state = state_of(self);
  if (!state.options.writer || state.stopping)
    return make_failure(errc::unavailable,
                        "there is no writer that could hold back writes for one snapshot");
  if (request.runs.empty() || request.runs.size() > shared_readers_max)
    return make_failure(errc::invalid_argument,
                        "1 to 16 functions run on one snapshot at a time, not "
                          + std::to_string(request.runs.size()));
  spawn_shared_read(self->system(), options_of(state.options, reader_kind::guest),
                    state.options.writer, std::move(request), promise_to_sender<read_done>(self));
  return caf::delegated<read_done>{};
}

pool_impl::behavior_type pool(pool_pointer self, reader_pool_options options,
                              std::vector<place> places) {
  auto& initial = state_of(self);
  initial.options = std::move(options);
  initial.places = std::move(places);
  for (auto& place : initial.places)
    self->monitor(place.reader);
  add_lent_readers(self);
  install_handlers(self, service_name,
                   [self](const caf::down_msg& message) { reader_down(self, message); });
  self->set_exit_handler([self](caf::exit_msg& message) {
    stop_readers(self);
    self->quit(std::move(message.reason));
  });
  return {
    [self](status_request) {
      auto& state = state_of(self);
      return service_status{service_name,
                            "running",
                            0,
                            {{"readers", static_cast<std::int64_t>(state.places.size())},
                             {"requests", state.requests},
                             {"waiting", static_cast<std::int64_t>(state.options.port->waiting())},
                             {"refused", state.options.port->refused()},
                             {"moved", state.options.port->moved()},
                             {"lent", state.options.port->lent()},
                             {"replaced", state.replaced}},
                            state.note};
    },
    [self](drain) -> caf::result<drained> {
      auto& state = state_of(self);
      state.stopping = true;
      state.stopped = promise_to_sender<drained>(self);
      stop_readers(self);
      finish_stop(self);
      return caf::delegated<drained>{};
    },
    [self](query& request) { return submit<query_request, query_result>(self, request); },
    [self](read_call& request) { return submit<read_call_request, read_done>(self, request); },
    [self](open_stream& request) { return start_stream(self, request); },
    [self](read_together& request) { return start_shared_read(self, request); },
    [self](timer due) {
      if (state_of(self).stopping)
        finish_stop(self);
      else if (due.generation == kept_due)
        look_at_kept(self);
      else
        fill_places(self);
    },
  };
}

} // namespace

messages::reader_pool_actor spawn_reader_pool(caf::actor_system& system,
                                              reader_pool_options options) {
  if (!options.port) {
    read_limits limits;
    limits.requests_max = static_cast<std::size_t>(options.waiting_max);
    limits.timeout = options.query_limit;
    options.port = std::make_shared<read_port>(limits, options.env.clock);
  }
  std::vector<place> places;
  places.insert(places.end(), static_cast<std::size_t>(options.quick_readers),
                {reader_kind::quick, {}});
  places.insert(places.end(), static_cast<std::size_t>(options.readers), {reader_kind::slow, {}});
  // Here, so that a database that cannot be opened is the caller's to know.
  for (auto& place : places)
    place.reader = start_reader(system, options, place.kind);
  return system.spawn(pool, std::move(options), std::move(places));
}

} // namespace quire::actors

#include "quire/actors/row_stream.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/sql_guard.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <memory>
#include <string>
#include <utility>

namespace quire::actors {

namespace {

using namespace messages;
using namespace std::chrono_literals;

using stream_impl = row_stream_actor::extend<on<void(timer)>>;

constexpr auto service_name = "row_stream";
constexpr auto gate_pause = 5ms;

/// The generations of its timers.
constexpr std::uint64_t begin_now = 0;
constexpr std::uint64_t lease_over = 1;
constexpr std::uint64_t forget_now = 2;

/// What the progress handler of SQLite looks at.
struct stream_limits {
  std::shared_ptr<const clock_source> clock;
  read_port::slot_pointer slot;
  std::chrono::steady_clock::time_point lease_ends;

  bool over() const {
    return slot->expire.load(std::memory_order_relaxed) || clock->now() >= lease_ends;
  }
};

struct stream_state {
  stream_state() = default;
  static inline const char* name = service_name;

  reader_options options;
  open_stream request;
  promise<stream_opened> opened;
  std::shared_ptr<stream_limits> limits;
  // In this order: a statement ends before its snapshot, and that before its connection.
  std::optional<storage::connection> db;
  std::optional<storage::read_guard> snapshot;
  std::optional<storage::statement_cache::lease> rows;
  bool begun = false;
  std::optional<caf::error> failed; ///< Why nothing comes any more.

  ~stream_state() { close(); }

  void close() {
    rows.reset();
    snapshot.reset();
    db.reset();
    if (limits)
      options.port->detach(std::exchange(limits->slot, nullptr));
  }
};

using stream_pointer = stream_impl::stateful_pointer<stream_state>;

/// Opens the snapshot, unless the gate is closed, and compiles the query.
void begin(stream_pointer self) {
  auto& state = state_of(self);
  auto& sql = state.request.statement.sql;
  if (!state.options.port->hold_snapshot(state.limits->slot, "a stream: " + sql))
    return tell_after(self, gate_pause, stream_impl{self}, timer{begin_now});
  state.begun = true;
  state.limits->lease_ends = state.limits->clock->now() + state.options.lease;
  try {
    state.db.emplace(state.options.open());
    state.db->limit_running([limits = state.limits] { return limits->slot && limits->over(); });
    state.snapshot.emplace(*state.db);
    storage::snapshot db{*state.db};
    state.rows.emplace(db.prepare_from_outside(sql, check_read));
    if (!(*state.rows)->read_only())
      throw storage::error(errc::read_only,
                           "this statement writes, and a stream cannot: send it to the "
                           "writer; nothing was changed");
    (*state.rows)->bind_all(state.request.statement.params);
  } catch (const storage::error& failure) {
    state.opened.fail(to_caf(failure));
    state.close();
    return self->quit();
  }
  tell_after(self, state.options.lease, stream_impl{self}, timer{lease_over});
  state.opened.deliver(
    {caf::actor_cast<caf::actor>(stream_impl{self}), (*state.rows)->column_names()});
}

caf::error expired(stream_state& state) {
  auto text = "a stream was ended, because its snapshot had been open for "
              + std::to_string(state.options.lease.count())
              + " ms or kept the log from shrinking; its query: " + state.request.statement.sql;
  log(log_level::warn, service_name, text);
  return make_failure(errc::snapshot_expired, text);
}

caf::result<row_chunk> next(stream_pointer self) {
  auto& state = state_of(self);
  if (state.failed) {
    self->quit();
    return *state.failed;
  }
  if (!state.rows)
    return make_failure(errc::conflict, "the stream is not open");
  try {
    row_chunk chunk;
    bool more = true;
    chunk.rows = (*state.rows)->fetch_some(state.request.rows_max, state.request.bytes_max, more);
    chunk.last = !more;
    if (chunk.last) {
      state.close();
      self->quit();
    }
    return chunk;
  } catch (const storage::error& failure) {
    auto error = failure.code() == errc::timeout ? expired(state) : to_caf(failure);
    state.close();
    self->quit();
    return error;
  }
}

/// Its snapshot goes now; why is told to whoever asks next.
void end_lease(stream_pointer self) {
  auto& state = state_of(self);
  if (!state.rows)
    return;
  state.failed = expired(state);
  state.close();
  tell_after(self, state.options.lease, stream_impl{self}, timer{forget_now});
}

stream_impl::behavior_type stream(stream_pointer self, reader_options options, open_stream request,
                                  std::shared_ptr<promise<stream_opened>> opened, caf::actor client,
                                  caf::actor pool) {
  auto& state = state_of(self);
  state.options = std::move(options);
  state.request = std::move(request);
  state.opened = std::move(*opened);
  state.limits = std::make_shared<stream_limits>();
  state.limits->clock = state.options.env.clock;
  // The handle is weak: the port must not keep the stream.
  state.limits->slot = state.options.port->attach(
    reader_kind::guest, [weak = caf::actor_cast<caf::actor_addr>(stream_impl{self})] {
      if (auto strong = caf::actor_cast<stream_impl>(weak))
        caf::anon_send(strong, timer{lease_over});
    });
  install_handlers(self, service_name, [self](const caf::down_msg&) {
    state_of(self).close();
    self->quit();
  });
  self->set_exit_handler([self](caf::exit_msg& message) {
    state_of(self).close();
    self->quit(std::move(message.reason));
  });
  if (client)
    self->monitor(client);
  self->monitor(pool);
  tell(self, stream_impl{self}, timer{begin_now});
  return {
    [](status_request) {
      return service_status{service_name, "running", 0, {}, {}};
    },
    [self](drain) {
      state_of(self).close();
      self->quit();
      return drained{};
    },
    [self](next_chunk) { return next(self); },
    [self](timer due) {
      if (due.generation == forget_now)
        self->quit();
      else if (due.generation == lease_over)
        end_lease(self);
      else if (!state_of(self).begun)
        begin(self);
    },
  };
}

} // namespace

caf::actor spawn_row_stream(caf::actor_system& system, reader_options options, open_stream request,
                            promise<stream_opened> opened, caf::actor client, caf::actor pool) {
  auto kept = std::make_shared<promise<stream_opened>>(std::move(opened));
  if (options.env.own_threads)
    return caf::actor_cast<caf::actor>(
      system.spawn<caf::detached>(stream, std::move(options), std::move(request), std::move(kept),
                                  std::move(client), std::move(pool)));
  return caf::actor_cast<caf::actor>(system.spawn(stream, std::move(options), std::move(request),
                                                  std::move(kept), std::move(client),
                                                  std::move(pool)));
}

} // namespace quire::actors

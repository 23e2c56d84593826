#include "quire/actors/reader.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/sql_guard.hpp"

#include <string>

namespace quire::actors {

namespace {

using namespace messages;

using reader_impl = reader_actor::extend<on<void(timer)>>;

constexpr auto service_name = "reader";

struct reader_state {
  reader_state() = default;
  static inline const char* name = service_name;

  reader_options options;
  std::optional<storage::connection> db;
  std::optional<storage::read_guard> snapshot; // Ends before the connection.
  std::chrono::steady_clock::time_point deadline;
  std::int64_t queries = 0;
  std::int64_t snapshots = 0;

  ~reader_state() { snapshot.reset(); }
};

using reader_pointer = reader_impl::stateful_pointer<reader_state>;

/// Opens a snapshot, unless one is open.
///
/// Its end is sent first: it comes after everything that is in the mailbox now.
/// Whatever is sent later, such as a read after a write's receipt, finds a
/// snapshot that was opened later, too.
void open_snapshot(reader_pointer self) {
  auto& state = state_of(self);
  if (state.snapshot)
    return;
  tell(self, reader_impl{self}, timer{});
  state.snapshot.emplace(*state.db);
  ++state.snapshots;
}

query_result answer(reader_state& state, const query& request) {
  storage::snapshot db{*state.db};
  query_result result;
  for (auto& statement : request.statements) {
    refuse_control_statement(statement.sql, sql_use::read);
    auto stmt = db.prepare(statement.sql);
    if (!stmt->read_only())
      throw storage::error(errc::read_only, "this statement writes, and a reader cannot: send it "
                                            "to the writer; nothing was changed");
    stmt->bind_all(statement.params);
    result.results.push_back(stmt->fetch_all(request.rows_max, request.bytes_max));
  }
  return result;
}

/// Runs `work` on a snapshot with the time limit of a query, and turns what it
/// throws into an error.
template <class Reply, class Work>
caf::result<Reply> serve(reader_pointer self, Work work) {
  auto& state = state_of(self);
  ++state.queries;
  if (state.options.outstanding)
    state.options.outstanding->fetch_sub(1, std::memory_order_relaxed);
  state.deadline = state.options.env.clock->now() + state.options.query_limit;
  try {
    open_snapshot(self);
    return work(state);
  } catch (const storage::error& failure) {
    return to_caf(failure);
  } catch (const std::exception& failure) {
    return make_failure(errc::function_failed, failure.what());
  }
}

/// Closes the connection now: the state of an actor goes only after others have
/// been told of its end, and the writer, which closes last, empties the log only
/// if nobody else has it open.
void close(reader_pointer self) {
  auto& state = state_of(self);
  state.snapshot.reset();
  state.db.reset();
}

reader_impl::behavior_type reader(reader_pointer self, reader_options options,
                                  std::shared_ptr<storage::connection> connection) {
  auto& initial = state_of(self);
  initial.options = std::move(options);
  initial.db.emplace(std::move(*connection));
  initial.db->limit_running([&state = initial] {
    return state.options.env.clock->now() >= state.deadline;
  });
  install_handlers(self, service_name);
  self->set_exit_handler([self](caf::exit_msg& message) {
    close(self);
    self->quit(std::move(message.reason));
  });
  return {
    [self](status_request) {
      auto& state = state_of(self);
      return service_status{service_name, "running", 0,
                            {{"queries", state.queries}, {"snapshots", state.snapshots}}, {}};
    },
    [self](drain) {
      close(self);
      self->quit();
      return drained{};
    },
    [self](const query& request) {
      return serve<query_result>(self, [&](reader_state& state) { return answer(state, request); });
    },
    [self](const read_call& call) {
      return serve<read_done>(self, [&](reader_state& state) {
        storage::snapshot db{*state.db};
        (*call.run)(db);
        return read_done{};
      });
    },
    [self](timer) { state_of(self).snapshot.reset(); },
  };
}

} // namespace

messages::reader_actor spawn_reader(caf::actor_system& system, reader_options options) {
  auto db = std::make_shared<storage::connection>(options.open());
  if (options.env.own_threads)
    return system.spawn<caf::detached>(reader, std::move(options), std::move(db));
  return system.spawn(reader, std::move(options), std::move(db));
}

} // namespace quire::actors

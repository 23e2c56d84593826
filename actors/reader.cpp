#include "quire/actors/reader.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/read_worker.hpp"

#include <memory>
#include <utility>

namespace quire::actors {

namespace {

using namespace messages;

using reader_impl = service_actor::extend<on<void(timer)>>;

constexpr auto service_name = "reader";

struct reader_state {
  reader_state() = default;
  static inline const char* name = service_name;

  std::shared_ptr<read_worker> worker;

  ~reader_state() { close(); }

  /// Closes the connection now: the state of an actor goes only after others have been told
  /// of its end, and the writer, which closes last, empties the log only if nobody else
  /// has it open.
  void close() {
    if (worker)
      worker->close();
  }
};

using reader_pointer = reader_impl::stateful_pointer<reader_state>;

reader_impl::behavior_type reader(reader_pointer self, std::shared_ptr<read_worker> worker) {
  auto& state = state_of(self);
  state.worker = std::move(worker);
  install_handlers(self, service_name);
  self->set_exit_handler([self](caf::exit_msg& message) {
    state_of(self).close();
    self->quit(std::move(message.reason));
  });
  // The handle is weak: the port must not keep the reader.
  state.worker->attach([weak = caf::actor_cast<caf::actor_addr>(reader_impl{self})] {
    if (auto strong = caf::actor_cast<reader_impl>(weak))
      caf::anon_send(strong, timer{});
  });
  return {
    [&state](status_request) {
      auto seen = state.worker->seen();
      return service_status{service_name,
                            "running",
                            0,
                            {{"queries", seen.queries},
                             {"snapshots", seen.snapshots},
                             {"statements_hit", seen.statements_hit},
                             {"statements_missed", seen.statements_missed}},
                            state.worker->note()};
    },
    [self](drain) {
      state_of(self).close();
      self->quit();
      return drained{};
    },
    [self](timer) {
      if (state_of(self).worker->serve_batch())
        tell(self, reader_impl{self}, timer{});
    },
  };
}

} // namespace

read_worker_options worker_options_of(const reader_options& options) {
  read_worker_options result;
  result.open = options.open;
  result.port = options.port;
  result.clock = options.env.clock;
  result.kind = options.kind;
  result.query_limit = options.query_limit;
  result.lease = options.lease;
  result.quick_limit = options.quick_limit;
  return result;
}

messages::service_actor spawn_reader(caf::actor_system& system, const reader_options& options) {
  auto worker = std::make_shared<read_worker>(worker_options_of(options));
  worker->open();
  // What takes long must not hold up the threads of the scheduler.
  if (options.env.own_threads && options.kind == reader_kind::slow)
    return system.spawn<caf::detached>(reader, std::move(worker));
  return system.spawn(reader, std::move(worker));
}

} // namespace quire::actors

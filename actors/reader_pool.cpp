#include "quire/actors/reader_pool.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/reader_slots.hpp"

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

struct slot {
  reader_actor reader;
  std::shared_ptr<std::atomic<int>> outstanding = std::make_shared<std::atomic<int>>(0);
};

struct pool_state {
  pool_state() = default;
  static inline const char* name = service_name;

  reader_pool_options options;
  std::vector<slot> slots;
  std::vector<reader_load> loads; // Reused by each choice.
  std::size_t last = 0;
  bool reopening = false;
  std::int64_t requests = 0;
  std::int64_t refused = 0;
  std::int64_t replaced = 0;
  std::string note;
  promise<drained> stopped;
  bool stopping = false;
};

using pool_pointer = pool_impl::stateful_pointer<pool_state>;

reader_actor start_reader(caf::actor_system& system, const reader_pool_options& options,
                          std::shared_ptr<std::atomic<int>> outstanding) {
  return spawn_reader(system, {options.env, options.open, options.query_limit, std::move(outstanding)});
}

/// Opens a reader in each empty slot; tries again later if that fails.
void fill_slots(pool_pointer self) {
  auto& state = state_of(self);
  state.reopening = false;
  for (auto& slot : state.slots) {
    if (slot.reader)
      continue;
    try {
      slot.outstanding = std::make_shared<std::atomic<int>>(0);
      slot.reader = start_reader(self->system(), state.options, slot.outstanding);
      self->monitor(slot.reader);
    } catch (const storage::error& failure) {
      state.note = failure.what();
      log(log_level::warn, service_name, std::string{"cannot open a reader: "} + failure.what());
      if (!std::exchange(state.reopening, true))
        tell_after(self, reopen_delay, pool_impl{self}, timer{});
    }
  }
}

void stop_readers(pool_pointer self) {
  for (auto& slot : state_of(self).slots)
    if (slot.reader)
      self->send_exit(slot.reader, caf::exit_reason::user_shutdown);
}

/// Answers when the last reader has closed its connection: only then can the
/// writer, which closes after us, empty the log.
void finish_stop(pool_pointer self) {
  auto& state = state_of(self);
  if (std::ranges::any_of(state.slots, [](const slot& x) { return static_cast<bool>(x.reader); }))
    return;
  state.stopped.deliver({});
  self->quit();
}

void reader_down(pool_pointer self, const caf::down_msg& message) {
  auto& state = state_of(self);
  for (auto& slot : state.slots)
    if (slot.reader && slot.reader.address() == message.source)
      slot.reader = nullptr;
  if (state.stopping)
    return finish_stop(self);
  ++state.replaced;
  fill_slots(self);
}

template <class Reply, class Request>
caf::result<Reply> pass_on(pool_pointer self, Request& request) {
  auto& state = state_of(self);
  if (state.stopping)
    return make_failure(errc::unavailable, "the readers are closing");
  state.loads.clear();
  for (auto& slot : state.slots)
    state.loads.push_back(
      {static_cast<bool>(slot.reader), slot.outstanding->load(std::memory_order_relaxed)});
  auto chosen = choose_reader(state.loads, state.last, state.options.waiting_max);
  if (!chosen) {
    ++state.refused;
    if (std::ranges::none_of(state.loads, &reader_load::alive))
      return make_failure(errc::unavailable, "no reader could be opened: " + state.note);
    return make_failure(errc::overloaded, "too many queries wait already; try again a little later");
  }
  state.last = *chosen;
  ++state.requests;
  auto& slot = state.slots[*chosen];
  slot.outstanding->fetch_add(1, std::memory_order_relaxed);
  return hand_over(self, slot.reader, std::move(request));
}

pool_impl::behavior_type pool(pool_pointer self, reader_pool_options options,
                              std::vector<slot> slots) {
  auto& initial = state_of(self);
  initial.options = std::move(options);
  initial.slots = std::move(slots);
  for (auto& slot : initial.slots)
    self->monitor(slot.reader);
  install_handlers(self, service_name,
                   [self](const caf::down_msg& message) { reader_down(self, message); });
  self->set_exit_handler([self](caf::exit_msg& message) {
    stop_readers(self);
    self->quit(std::move(message.reason));
  });
  return {
    [self](status_request) {
      auto& state = state_of(self);
      return service_status{service_name, "running", 0,
                            {{"readers", static_cast<std::int64_t>(state.slots.size())},
                             {"requests", state.requests},
                             {"refused", state.refused},
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
    [self](query& request) { return pass_on<query_result>(self, request); },
    [self](read_call& request) { return pass_on<read_done>(self, request); },
    [self](timer) { fill_slots(self); },
  };
}

} // namespace

messages::reader_pool_actor spawn_reader_pool(caf::actor_system& system, reader_pool_options options) {
  // Here, so that a database that cannot be opened is the caller's to know.
  std::vector<slot> slots(static_cast<std::size_t>(options.readers));
  for (auto& slot : slots)
    slot.reader = start_reader(system, options, slot.outstanding);
  return system.spawn(pool, std::move(options), std::move(slots));
}

} // namespace quire::actors

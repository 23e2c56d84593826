#pragma once

#include "quire/app/actors.hpp"
#include "quire/benchmarks/harness.hpp"

#include "quire/messages/type_ids.hpp"

#include <cstdint>
#include <functional>
#include <latch>
#include <string>
#include <utility>
#include <vector>

/// Clients of a runtime: actors that keep a window of requests in flight.
namespace quire::benchmarks {

/// Returns whether a request failed because somebody else held a lock.
inline bool is_locked(const caf::error& error) {
  return error == errc::busy;
}

/// What all clients of one kind share.
template <class Request>
struct client_plan {
  int clients = 1;
  int window = 1;
  std::uint64_t items_each = 1; ///< Rows or lookups in one request.
  std::function<Request(int client, std::uint64_t i)> make;
};

/// One client: sends the next request for each reply, until the section is over.
/// It must live until it has counted down `done`.
template <class Request, class Reply>
class actor_client {
public:
  actor_client(messages::gateway_actor gateway, const client_plan<Request>& plan, int index,
               const referee& whistle, std::latch& done)
    : gateway_(std::move(gateway)), plan_(plan), index_(index), whistle_(whistle), done_(done) {}

  actor_client(const actor_client&) = delete;
  actor_client& operator=(const actor_client&) = delete;

  /// Called by the actor, as all that follows is.
  void start(caf::event_based_actor* self) {
    self_ = self;
    in_flight_ = plan_.window;
    for (int i = 0; i < plan_.window; ++i)
      send();
  }

  const sample& seen() const noexcept { return seen_; }

private:
  void send() {
    bool timed = whistle_.counting();
    auto start = timed ? steady::now() : steady::time_point{};
    // The runtime answers each of them in its own time.
    ask_without_limit(self_, gateway_, plan_.make(index_, sent_++))
      .then(
        [this, timed, start](const Reply&) {
          if (whistle_.counting())
            seen_.items += plan_.items_each;
          if (timed)
            seen_.latency.add(steady::now() - start);
          go_on();
        },
        [this](const caf::error& error) {
          if (is_locked(error))
            ++seen_.locked_errors;
          else
            seen_.fail(self_->system().render(error));
          go_on();
        });
  }

  void go_on() {
    if (!whistle_.over())
      send();
    else if (--in_flight_ == 0)
      done_.count_down(); // The last thing it does.
  }

  messages::gateway_actor gateway_;
  const client_plan<Request>& plan_;
  int index_;
  const referee& whistle_;
  std::latch& done_;
  caf::event_based_actor* self_ = nullptr;
  sample seen_;
  int in_flight_ = 0;
  std::uint64_t sent_ = 0;
};

using enqueue_plan = client_plan<messages::enqueue_tasks>;
using write_plan = client_plan<messages::write_batch>;
using query_plan = client_plan<messages::query>;

/// Runs actor clients that write, that read, or both, for one section.
/// @returns a sample of the writers and one of the readers.
std::vector<sample> run_clients(const settings& how, runtime& running, const write_plan& writes,
                                const query_plan& reads);

/// Runs actor clients that enqueue, for one section.
sample run_clients(const settings& how, runtime& running, const enqueue_plan& enqueues);

/// Runs threads that make one request at a time, for one section.
/// @param request makes the `i`-th request of a client; an exception is a failed one.
sample run_blocking(const settings& how, int clients,
                    const std::function<void(int client, std::uint64_t i)>& request);

/// Opens a runtime on `database`, with the table of events in it.
options event_options(const std::string& database, const std::string& sync);

/// Returns a request that inserts `rows` events.
messages::write_batch insert_events(std::uint64_t first, int rows);

/// Returns a request that looks up `lookups` events.
messages::query find_events(std::uint64_t seed, int lookups);

} // namespace quire::benchmarks

#pragma once

#include "quire/app/actors.hpp"
#include "quire/benchmarks/harness.hpp"

#include "quire/messages/type_ids.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
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
  std::uint64_t items_each = 1;                 ///< Rows or lookups in one request.
  std::function<Request(int client, std::uint64_t i)> make;
};

/// One client: sends the next request for each reply, until the section is over.
template <class Request, class Reply>
class actor_client : public std::enable_shared_from_this<actor_client<Request, Reply>> {
public:
  actor_client(messages::gateway_actor gateway, const client_plan<Request>& plan, int index,
               const referee& whistle, sample& seen, std::latch& done)
    : gateway_(std::move(gateway)), plan_(plan), index_(index), whistle_(whistle), seen_(seen),
      done_(done) {}

  void start(caf::event_based_actor* self) {
    in_flight_ = plan_.window;
    for (int i = 0; i < plan_.window; ++i)
      send(self);
  }

private:
  void send(caf::event_based_actor* self) {
    auto me = this->shared_from_this();
    bool timed = whistle_.counting();
    auto start = steady::now();
    ask(self, gateway_, std::chrono::minutes{2}, plan_.make(index_, sent_++))
      .then(
        [me, self, timed, start](const Reply&) {
          if (me->whistle_.counting())
            me->seen_.items += me->plan_.items_each;
          if (timed)
            me->seen_.latency.add(steady::now() - start);
          me->go_on(self);
        },
        [me, self](const caf::error& error) {
          if (is_locked(error))
            ++me->seen_.locked_errors;
          else
            me->seen_.fail(self->system().render(error));
          me->go_on(self);
        });
  }

  void go_on(caf::event_based_actor* self) {
    if (!whistle_.over())
      send(self);
    else if (--in_flight_ == 0)
      done_.count_down();
  }

  messages::gateway_actor gateway_;
  const client_plan<Request>& plan_;
  int index_;
  const referee& whistle_;
  sample& seen_;
  std::latch& done_;
  int in_flight_ = 0;
  std::uint64_t sent_ = 0;
};

using write_plan = client_plan<messages::write_batch>;
using query_plan = client_plan<messages::query>;

/// Runs actor clients that write, that read, or both, for one section.
/// @returns a sample of the writers and one of the readers.
std::pair<sample, sample> run_clients(const settings& how, runtime& running,
                                      const write_plan& writes, const query_plan& reads);

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

#include "quire/benchmarks/clients.hpp"

#include "quire/benchmarks/plain_sqlite.hpp"

#include <cstddef>

namespace quire::benchmarks {

namespace {

template <class Reply, class Request>
void spawn_clients(runtime& running, const client_plan<Request>& plan, const referee& whistle,
                   std::vector<sample>& seen, std::latch& done) {
  for (int i = 0; i < plan.clients; ++i) {
    auto client = std::make_shared<actor_client<Request, Reply>>(
      gateway_of(running), plan, i, whistle, seen[static_cast<std::size_t>(i)], done);
    system_of(running).spawn([client](caf::event_based_actor* self) { client->start(self); });
  }
}

sample sum_of(const std::vector<sample>& seen, double seconds) {
  sample result;
  result.seconds = seconds;
  for (auto& one : seen)
    result.merge(one);
  return result;
}

} // namespace

std::pair<sample, sample> run_clients(const settings& how, runtime& running,
                                      const write_plan& writes, const query_plan& reads) {
  referee whistle;
  std::latch done{writes.clients + reads.clients};
  std::vector<sample> written(static_cast<std::size_t>(writes.clients));
  std::vector<sample> read(static_cast<std::size_t>(reads.clients));
  spawn_clients<messages::receipt>(running, writes, whistle, written, done);
  spawn_clients<messages::query_result>(running, reads, whistle, read, done);
  auto seconds = whistle.run(how.warm_up(), how.duration);
  done.wait();
  return {sum_of(written, seconds), sum_of(read, seconds)};
}

sample run_blocking(const settings& how, int clients,
                    const std::function<void(int client, std::uint64_t i)>& request) {
  return run_threads(how, clients, [&](const referee& whistle, sample& seen, int client) {
    for (std::uint64_t i = 0; !whistle.over(); ++i) {
      bool timed = whistle.counting();
      auto start = steady::now();
      try {
        request(client, i);
      } catch (const quire::failure& failure) {
        if (failure.code() == quire::errc::busy)
          ++seen.locked_errors;
        else
          seen.fail(failure.what());
        continue;
      }
      if (whistle.counting())
        ++seen.items;
      if (timed)
        seen.latency.add(steady::now() - start);
    }
  });
}

options event_options(const std::string& database, const std::string& sync) {
  options result;
  result.database = database;
  result.sync = sync == "full" ? durability::full : durability::normal;
  return result;
}

messages::write_batch insert_events(std::uint64_t first, int rows) {
  messages::write_batch batch;
  batch.statements.reserve(static_cast<std::size_t>(rows));
  for (auto i = first; i < first + static_cast<std::uint64_t>(rows); ++i)
    batch.statements.push_back({insert_event_sql, {event_service(i), event_payload, i}});
  return batch;
}

messages::query find_events(std::uint64_t seed, int lookups) {
  messages::query query;
  query.statements.reserve(static_cast<std::size_t>(lookups));
  for (int i = 0; i < lookups; ++i)
    query.statements.push_back(
      {find_event_sql, {event_id(seed * static_cast<std::uint64_t>(lookups)
                                 + static_cast<std::uint64_t>(i))}});
  return query;
}

} // namespace quire::benchmarks

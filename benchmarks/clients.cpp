#include "quire/benchmarks/clients.hpp"

#include "quire/benchmarks/plain_sqlite.hpp"

#include <cstddef>
#include <deque>

namespace quire::benchmarks {

namespace {

template <class Request, class Reply>
class client_group {
public:
  client_group(runtime& running, const client_plan<Request>& plan, const referee& whistle,
               std::latch& done) {
    // A deque: its members stay where they are.
    for (int i = 0; i < plan.clients; ++i)
      clients_.emplace_back(gateway_of(running), plan, i, whistle, done);
    for (auto& client : clients_)
      system_of(running).spawn([&client](caf::event_based_actor* self) { client.start(self); });
  }

  /// Returns what all saw, with the times of `total`.
  sample sum(sample total) const {
    for (auto& client : clients_)
      total.merge(client.seen());
    return total;
  }

private:
  std::deque<actor_client<Request, Reply>> clients_;
};

} // namespace

std::vector<sample> run_clients(const settings& how, runtime& running, const write_plan& writes,
                                const query_plan& reads) {
  referee whistle;
  std::latch done{writes.clients + reads.clients};
  client_group<messages::write_batch, messages::receipt> writers(running, writes, whistle, done);
  client_group<messages::query, messages::query_result> readers(running, reads, whistle, done);
  auto times = whistle.run(how.warm_up(), how.duration);
  done.wait();
  std::vector<sample> result{writers.sum(times), readers.sum(times)};
  share_cpu(times.cpu_seconds, result);
  return result;
}

sample run_clients(const settings& how, runtime& running, const enqueue_plan& enqueues) {
  referee whistle;
  std::latch done{enqueues.clients};
  client_group<messages::enqueue_tasks, messages::tasks_enqueued> group(running, enqueues, whistle,
                                                                        done);
  auto times = whistle.run(how.warm_up(), how.duration);
  done.wait();
  return group.sum(times);
}

sample run_blocking(const settings& how, int clients,
                    const std::function<void(int client, std::uint64_t i)>& request) {
  return run_threads(how, clients, [&](const referee& whistle, sample& seen, int client) {
    for (std::uint64_t i = 0; !whistle.over(); ++i) {
      bool timed = whistle.counting();
      auto start = timed ? steady::now() : steady::time_point{};
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
  for (auto i = first; i < first + static_cast<std::uint64_t>(rows); ++i) {
    auto& statement = batch.statements.emplace_back();
    statement.sql = insert_event_sql;
    // One by one: an initializer list would copy each of them again.
    statement.params.reserve(3);
    statement.params.emplace_back(event_service(i));
    statement.params.emplace_back(event_payload);
    statement.params.emplace_back(i);
  }
  return batch;
}

messages::query find_events(std::uint64_t seed, int lookups) {
  messages::query query;
  auto count = static_cast<std::uint64_t>(lookups);
  query.statements.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& statement = query.statements.emplace_back();
    statement.sql = find_event_sql;
    statement.params.emplace_back(event_id(seed * count + i));
  }
  return query;
}

} // namespace quire::benchmarks

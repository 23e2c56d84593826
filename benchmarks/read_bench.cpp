// Point lookups through the whole path, alone and beside writes, compared with
// threads that have a connection each and read one by one.

#include "quire/benchmarks/clients.hpp"
#include "quire/benchmarks/plain_sqlite.hpp"

#include <stdexcept>
#include <string>

using namespace quire::benchmarks;

namespace {

query_plan read_plan(int clients, int window, int lookups) {
  query_plan plan;
  plan.clients = clients;
  plan.window = window;
  plan.items_each = static_cast<std::uint64_t>(lookups);
  plan.make = [lookups](int client, std::uint64_t i) {
    return find_events((static_cast<std::uint64_t>(client) << 32) + i, lookups);
  };
  return plan;
}

write_plan single_row_writes(int clients, int window) {
  write_plan plan;
  plan.clients = clients;
  plan.window = window;
  plan.make = [](int, std::uint64_t i) { return insert_events(i, 1); };
  return plan;
}

sample read_as_actors(const settings& how, const std::string& database, int clients, int window,
                      int lookups) {
  quire::runtime running(event_options(database, "normal"));
  return run_clients(how, running, single_row_writes(0, 0), read_plan(clients, window, lookups))
    .back();
}

std::vector<sample> read_and_write(const settings& how, int writers, int readers, int window) {
  scratch_folder folder(how.folder);
  make_events(folder.database(), event_rows);
  quire::runtime running(event_options(folder.database(), "normal"));
  return run_clients(how, running, single_row_writes(writers, window),
                     read_plan(readers, window, 1));
}

sample read_blocking(const settings& how, const std::string& database, int clients) {
  quire::runtime running(event_options(database, "normal"));
  return run_blocking(how, clients, [&](int client, std::uint64_t i) {
    auto id = event_id((static_cast<std::uint64_t>(client) << 32) + i);
    if (running.query(find_event_sql, {id}).rows.size() != 1)
      throw std::runtime_error("no row was found");
  });
}

void run(program& self) {
  auto& how = self.how();
  // Nobody writes to this one.
  scratch_folder folder(how.folder);
  auto database = folder.database();
  make_events(database, event_rows);
  auto floor = [&] { return plain_reads(how, database, 4, true); };
  self.compare(
    {"r4x16", 4, 16, "normal"}, [&] { return read_as_actors(how, database, 4, 16, 1); }, floor);
  self.compare(
    {"r4batch16", 4, 4, "normal"}, [&] { return read_as_actors(how, database, 4, 4, 16); }, floor);
  self.compare(
    {"r4blocking", 4, 1, "normal"}, [&] { return read_blocking(how, database, 4); }, floor);
  auto mixed = [&](const std::string& name, int window, const settings& longer) {
    self.compare_all(
      {{name + "_writes", 4, window, "normal"}, {name + "_reads", 4, window, "normal"}},
      [&] { return read_and_write(longer, 4, 4, window); },
      [&] { return plain_mixed(longer, 4, 4); });
  };
  // Long sections: a thread of the floor may wait for the lock for most of a short one.
  mixed("m4x4", 1, how.longer(how.quick ? 1 : 4));
  mixed("m4x4x16", 16, how);
}

} // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, "read_bench", run);
}

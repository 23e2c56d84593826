// Writes through the whole path (client, gateway, writer, commit, receipt), compared
// with what plain SQLite does at its best for the same need: as many threads as there
// are clients where each waits for its row, one thread with 1000 rows in a transaction
// where nobody waits.

#include "quire/benchmarks/clients.hpp"
#include "quire/benchmarks/plain_sqlite.hpp"

#include <functional>
#include <string>

using namespace quire::benchmarks;

namespace {

constexpr int bulk_rows = 1000;

/// Runs `section` on a new runtime with an empty table of events.
sample on_new_runtime(const settings& how, const std::string& sync,
                      const std::function<sample(quire::runtime&)>& section) {
  scratch_folder folder(how.folder);
  make_events(folder.database(), 0);
  quire::runtime running(event_options(folder.database(), sync));
  return section(running);
}

sample write_as_actors(const settings& how, const std::string& sync, int clients, int window,
                       int rows) {
  write_plan plan;
  plan.clients = clients;
  plan.window = window;
  plan.items_each = static_cast<std::uint64_t>(rows);
  plan.make = [rows](int, std::uint64_t i) {
    return insert_events(i * static_cast<std::uint64_t>(rows), rows);
  };
  return on_new_runtime(how, sync, [&](quire::runtime& running) {
    query_plan nobody;
    nobody.clients = 0;
    return run_clients(how, running, plan, nobody).front();
  });
}

sample write_blocking(const settings& how, int clients) {
  return on_new_runtime(how, "normal", [&](quire::runtime& running) {
    return run_blocking(how, clients,
                        [&](int, std::uint64_t i) { running.write(insert_events(i, 1)); });
  });
}

void run(program& self) {
  auto& how = self.how();
  auto threads = [&](const std::string& sync, int count) {
    return [&how, sync, count] { return plain_thread_writes(how, sync, count); };
  };
  auto bulk = [&] { return plain_writes(how, "normal", bulk_rows); };
  auto actors = [&](const std::string& name, const std::string& sync, int clients, int window,
                    int rows, const std::function<sample()>& floor) {
    self.compare(
      {name + "_" + sync, clients, window, sync},
      [&] { return write_as_actors(how, sync, clients, window, rows); }, floor);
  };
  actors("w1x1", "normal", 1, 1, 1, threads("normal", 1));
  actors("w16x1", "normal", 16, 1, 1, threads("normal", 16));
  self.compare(
    {"w16blocking_normal", 16, 1, "normal"}, [&] { return write_blocking(how, 16); },
    threads("normal", 16));
  actors("w16x64", "normal", 16, 64, 1, bulk);
  actors("batch100", "normal", 16, 4, 100, bulk);
  actors("w16x1", "full", 16, 1, 1, threads("full", 16));
  actors("w16x64", "full", 16, 64, 1, threads("full", 16));
}

} // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, "write_bench", run);
}

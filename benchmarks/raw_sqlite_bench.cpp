// Plain SQLite without actors: what everything else is compared with.

#include "quire/benchmarks/harness.hpp"
#include "quire/benchmarks/plain_sqlite.hpp"
#include "quire/benchmarks/plain_tasks.hpp"

#include <string>

using namespace quire::benchmarks;

namespace {

void run(program& self) {
  auto& how = self.how();
  for (std::string sync : {"normal", "full"}) {
    for (int rows : {1, 10, 100, 1000}) {
      self.measure({"raw1_b" + std::to_string(rows) + "_" + sync, 1, 1, sync},
                   [&] { return plain_writes(how, sync, rows); });
    }
  }
  for (int threads : {1, 4, 16}) {
    self.measure({"raw_threads" + std::to_string(threads), threads, 1, "normal"},
                 [&] { return plain_thread_writes(how, "normal", threads); });
  }
  scratch_folder folder(how.folder);
  make_events(folder.database(), event_rows);
  for (int threads : {1, 2, 4}) {
    self.measure({"raw_reads" + std::to_string(threads), threads, 1, "normal"},
                 [&] { return plain_reads(how, folder.database(), threads, true); });
    self.measure({"raw_reads" + std::to_string(threads) + "_in_transaction", threads, 1, "normal"},
                 [&] { return plain_reads(how, folder.database(), threads, false); });
  }
  for (std::string sync : {"normal", "full"}) {
    self.measure({"raw_tasks_" + sync, 1, 1, sync},
                 [&] { return plain_tasks(how, sync, how.quick ? 500 : 50'000); });
  }
}

} // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, "raw_sqlite_bench", run);
}

// Four readers whose snapshots overlap without a gap, as long as it lasts, beside clients that
// write without a pause: the write-ahead log must stay under its bound, and nobody starves.
//
// usage: pinned_readers SECONDS [MIB]
//
// MIB is `options::wal_bytes_max`, 64 by default. Prints one line of what it saw; the exit status is 1
// when a promise was broken.

#include "quire/app/runtime.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace quire;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view tables = R"(
CREATE TABLE item(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
INSERT INTO item SELECT value, zeroblob(4000)
  FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 2000)
        SELECT value FROM n);
)";

constexpr int readers = 4;

struct seen {
  std::atomic<std::int64_t> writes{0};
  std::atomic<std::int64_t> refused{0}; ///< As `wal_limit`.
  std::atomic<std::int64_t> reads{0};
  std::atomic<std::int64_t> expired{0}; ///< As `snapshot_expired`.
  std::atomic<std::int64_t> longest_write_us{0};
  std::atomic<int> open{0};
  std::atomic<std::int64_t> gaps{0};        ///< How often no snapshot was open.
  std::atomic<std::uintmax_t> log_bytes{0}; ///< The most.
  std::mutex mutex;
  std::condition_variable changed;
  std::string wrong; ///< What must not have happened.

  void broken(std::string what) {
    std::lock_guard guard(mutex);
    if (wrong.empty())
      wrong = std::move(what);
    changed.notify_all();
  }

  void wait_until_broken(std::chrono::seconds at_most) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, at_most, [this] { return !wrong.empty(); });
  }

  template <class T>
  static void raise_to(std::atomic<T>& largest, T value) {
    auto old = largest.load();
    while (value > old && !largest.compare_exchange_weak(old, value)) {
    }
  }
};

void write_on(runtime& db, const fs::path& log, const std::atomic<bool>& stop, seen& all,
              int client) {
  for (std::int64_t n = client; !stop; n += 2) {
    auto begun = std::chrono::steady_clock::now();
    try {
      db.write("UPDATE item SET data = randomblob(4000) WHERE id > ?1 AND id <= ?1 + 20",
               {(n % 99) * 20});
      ++all.writes;
    } catch (const failure& why) {
      if (why.code() == errc::wal_limit)
        ++all.refused;
      else
        all.broken(std::string{"a write: "} + why.what());
    }
    auto took = std::chrono::steady_clock::now() - begun;
    seen::raise_to<std::int64_t>(
      all.longest_write_us, std::chrono::duration_cast<std::chrono::microseconds>(took).count());
    std::error_code none;
    if (auto size = fs::file_size(log, none); !none)
      seen::raise_to(all.log_bytes, size);
  }
}

/// Holds a snapshot until `until`, and looks at the table all the time.
void hold(const storage::snapshot& db, const std::atomic<bool>& stop,
          std::chrono::steady_clock::time_point until, seen& all) {
  auto first = db.query({"SELECT sum(length(data)), count(*) FROM item", {}}).rows;
  while (!stop && std::chrono::steady_clock::now() < until)
    if (db.query({"SELECT sum(length(data)), count(*) FROM item", {}}).rows != first)
      all.broken("a snapshot changed");
}

void read_on(runtime& db, const std::atomic<bool>& stop, seen& all, int reader) {
  auto lasts = 700ms * (reader + 1); // They begin and end at different times.
  while (!stop) {
    ++all.open;
    try {
      auto until = std::chrono::steady_clock::now() + std::exchange(lasts, 2800ms);
      db.read([&](const storage::snapshot& view) { hold(view, stop, until, all); });
      ++all.reads;
    } catch (const failure& why) {
      if (why.code() == errc::snapshot_expired)
        ++all.expired;
      else
        all.broken(std::string{"a read: "} + why.what());
    }
    if (--all.open == 0 && !stop)
      ++all.gaps;
  }
}

} // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::cerr << "usage: pinned_readers SECONDS [MIB]\n";
    return 2;
  }
  auto seconds = std::strtol(argv[1], nullptr, 10);
  auto limit = (argc > 2 ? std::strtoll(argv[2], nullptr, 10) : 64) << 20;
  auto folder = fs::temp_directory_path() / ("quire-pinned-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  auto log = folder / "test.db-wal";
  seen all;
  std::int64_t gates = 0;
  std::atomic<bool> stop{false};
  {
    options chosen;
    chosen.database = (folder / "test.db").string();
    chosen.schema = "pinned";
    chosen.migrations = {{1, "0001_tables", tables}};
    chosen.wal_bytes_max = limit;
    chosen.readers = readers;
    runtime db(std::move(chosen));
    std::vector<std::jthread> threads;
    for (int i = 0; i < readers; ++i)
      threads.emplace_back([&, i] { read_on(db, stop, all, i); });
    for (int i = 0; i < 2; ++i)
      threads.emplace_back([&, i] { write_on(db, log, stop, all, i); });
    all.wait_until_broken(std::chrono::seconds{seconds});
    for (auto& service : db.status().services)
      if (service.service == "writer")
        gates = counter_of(service, "gates");
    stop = true;
    threads.clear();
  }
  fs::remove_all(folder);
  std::cout << "pinned_readers: " << seconds << " s, log at most " << (all.log_bytes >> 20)
            << " MiB of " << (limit >> 20) << ", " << all.writes << " writes (longest "
            << all.longest_write_us / 1000 << " ms, " << all.refused << " refused), " << all.reads
            << " reads, " << all.expired << " ended early, " << gates << " gates, " << all.gaps
            << " moments without a reader" << std::endl;
  if (!all.wrong.empty()) {
    std::cerr << "wrong: " << all.wrong << "\n";
    return 1;
  }
  bool kept = all.log_bytes <= static_cast<std::uintmax_t>(limit) && all.writes > 0
              && all.reads + all.expired > 0 && all.refused == 0;
  if (!kept)
    std::cerr << "the log passed its bound, or somebody starved\n";
  return kept ? 0 : 1;
} catch (const std::exception& problem) {
  std::cerr << "pinned_readers: " << problem.what() << "\n";
  return 1;
}

#include "quire/actors/admission.hpp"
#include "quire/storage/owner_lock.hpp"
#include "quire/storage/sqlite/migrations.hpp"
#include "quire/tests/storage/batch_support.hpp"
#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>

using namespace quire;
using namespace quire::tests;
using namespace quire::storage;

namespace {

constexpr int clients = 3;
constexpr int readers = 3;
constexpr int accounts = 50;
constexpr std::int64_t balance = 1000;

int writes_of_a_client() {
  auto* text = std::getenv("QUIRE_STRESS_WRITES");
  return text ? std::stoi(text) : 400;
}

/// A reader that finds the header of the log half written takes the lock of writers for a
/// moment to look again (walIndexReadHdr in SQLite's wal.c): who writes has to wait for it.
connection_options patient(const std::string& path) {
  auto options = impatient(path);
  options.patience = std::chrono::seconds{30};
  return options;
}

/// A member whose sender waits for its result.
struct request : member {
  using member::member;
  std::promise<member_result> answer;
};

/// The one thread that writes: what waits together is committed together.
class writing_thread {
public:
  explicit writing_thread(const std::string& path)
    : batch_([path] { return connection::open_writer(patient(path)); }),
      thread_([this] { run(); }) {}
  ~writing_thread() {
    {
      std::lock_guard guard{mutex_};
      ended_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  std::future<member_result> send(std::unique_ptr<request> one) {
    auto result = one->answer.get_future();
    {
      std::lock_guard guard{mutex_};
      waiting_.push_back(std::move(one));
    }
    changed_.notify_one();
    return result;
  }

private:
  void run() {
    for (int batches = 1;; ++batches) {
      std::vector<std::unique_ptr<request>> taken;
      {
        std::unique_lock guard{mutex_};
        changed_.wait(guard, [&] { return ended_ || !waiting_.empty(); });
        taken.swap(waiting_);
      }
      if (taken.empty())
        return;
      std::vector<batch_member*> members;
      for (auto& one : taken)
        members.push_back(one.get());
      auto results = batch_.execute(members);
      for (std::size_t i = 0; i < taken.size(); ++i)
        taken[i]->answer.set_value(std::move(results[i]));
      if (batches % 8 == 0)
        batch_.db().checkpoint(batches % 32 == 0,
                               std::chrono::milliseconds{batches % 64 == 0 ? 20 : 0});
    }
  }

  batch_executor batch_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<request>> waiting_;
  bool ended_ = false;
  std::thread thread_; // The last one: it uses all others.
};

/// Counts what must never happen, for all threads.
struct verdict {
  std::atomic<int> wrong_sums{0};
  std::atomic<int> back_in_time{0};
  std::atomic<int> torn_snapshots{0};
  std::atomic<int> lost_writes{0};
  std::atomic<int> wrong_results{0};
  std::atomic<int> failures{0};
  std::atomic<int> reads{0};
  std::atomic<int> refused{0};

  /// Keeps why a write failed that should not have.
  void tell(const std::string& why) {
    std::lock_guard guard{mutex};
    surprise = why;
  }

  std::mutex mutex;
  std::string surprise;
};

std::uint64_t seq_of(connection& db) {
  return static_cast<std::uint64_t>(first_of(db, "SELECT seq FROM quire_commit").integer());
}

/// Looks at one snapshot after the other, now and then through a new connection.
void read_snapshots(const std::string& path, const std::atomic<bool>& over, verdict& found) try {
  std::optional<connection> db;
  std::uint64_t last = 0;
  for (int round = 0; !over; ++round) {
    if (round % 50 == 0) {
      db.reset();
      db.emplace(connection::open_reader(impatient(path)));
    }
    read_guard guard{*db};
    auto seq = seq_of(*db);
    found.back_in_time += seq < last ? 1 : 0;
    last = seq;
    auto sum = first_of(*db, "SELECT sum(balance) FROM account").integer();
    found.wrong_sums += sum != accounts * balance ? 1 : 0;
    auto done = first_of(*db, "SELECT count(*) FROM done").integer();
    found.torn_snapshots +=
      seq_of(*db) != seq || first_of(*db, "SELECT count(*) FROM done").integer() != done ? 1 : 0;
    ++found.reads;
  }
} catch (...) {
  ++found.failures;
}

/// Moves money between two accounts and leaves a line that says so. Every fifth one ends
/// its transaction, every seventh fails alone.
std::unique_ptr<request> transfer(int client, int number) {
  auto one = std::make_unique<request>([client, number](storage::transaction& tx) {
    auto from = (client * 7 + number) % accounts;
    auto to = (from + 1 + number % 11) % accounts;
    tx.execute("UPDATE account SET balance = balance - ?1 WHERE id = ?2", number % 9, from);
    if (number % 5 == 0)
      tx.execute("INSERT OR ROLLBACK INTO account VALUES(?1, 0)", from);
    if (number % 7 == 0)
      tx.execute("INSERT INTO account VALUES(?1, 0)", from);
    tx.execute("UPDATE account SET balance = balance + ?1 WHERE id = ?2", number % 9, to);
    tx.execute("INSERT INTO done VALUES(?1, ?2)", client, number);
  });
  one->apart = number % 50 == 0;
  return one;
}

/// Sends one write after the other, and looks whether a snapshot that begins after the
/// answer shows it.
void send_writes(const std::string& path, int client, writing_thread& writer,
                 actors::admission& gate, verdict& found) try {
  auto db = connection::open_reader(impatient(path));
  for (int number = 1; number <= writes_of_a_client(); ++number) {
    while (!gate.enter(100)) {
      ++found.refused;
      std::this_thread::yield();
    }
    auto result = writer.send(transfer(client, number)).get();
    gate.leave(100);
    auto should_fail = number % 5 == 0 || number % 7 == 0;
    found.wrong_results += result.failure.has_value() != should_fail ? 1 : 0;
    if (result.failure && !should_fail)
      found.tell(result.failure->what());
    read_guard guard{db};
    auto stmt = db.prepare("SELECT count(*) FROM done WHERE client = ?1 AND number = ?2");
    stmt->bind(client, number).step();
    found.lost_writes += stmt->int64(0) != (should_fail ? 0 : 1) ? 1 : 0;
    found.back_in_time += seq_of(db) < result.commit_seq ? 1 : 0;
  }
} catch (...) {
  ++found.failures;
}

} // namespace

BOOST_AUTO_TEST_SUITE(storage_stress)

BOOST_AUTO_TEST_CASE(one_writer_and_many_readers_agree) {
  temp_dir dir;
  auto path = dir / "a.db";
  {
    auto db = connection::open_writer(impatient(path));
    migrate(db, "quire", quire_migrations(), 0);
    db.execute("CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);"
               "CREATE TABLE done(client, number, PRIMARY KEY(client, number)) WITHOUT ROWID;"
               "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49)"
               " INSERT INTO account SELECT i, 1000 FROM n");
  }
  verdict found;
  actors::admission gate{2, 1000}; // Fewer than there are clients: some are refused.
  {
    writing_thread writer{path};
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < readers; ++i)
      threads.emplace_back([&] { read_snapshots(path, over, found); });
    std::vector<std::thread> senders;
    for (int i = 0; i < clients; ++i)
      senders.emplace_back([&, i] { send_writes(path, i, writer, gate, found); });
    for (auto& one : senders)
      one.join();
    over = true;
    for (auto& one : threads)
      one.join();
  }
  BOOST_TEST(found.wrong_sums == 0);
  BOOST_TEST(found.back_in_time == 0);
  BOOST_TEST(found.torn_snapshots == 0);
  BOOST_TEST(found.lost_writes == 0);
  BOOST_TEST(found.wrong_results == 0, found.surprise);
  BOOST_TEST(found.failures == 0);
  BOOST_TEST(found.reads > 0);
  BOOST_TEST(gate.waiting() == 0u);
  BOOST_TEST(gate.refused() == static_cast<std::size_t>(found.refused.load()));
  BOOST_TEST_MESSAGE(found.reads << " snapshots, " << found.refused << " refusals");
}

BOOST_AUTO_TEST_CASE(a_database_has_one_owner_at_a_time) {
  temp_dir dir;
  auto path = dir / "a.db";
  std::atomic<int> inside{0};
  std::atomic<int> crowded{0};
  std::atomic<int> owned{0};
  std::atomic<int> other_failures{0};
  auto contend = [&] {
    for (int i = 0; i < 20; ++i) {
      try {
        auto lock = owner_lock::acquire(path);
        crowded += ++inside > 1 ? 1 : 0;
        ++owned;
        --inside;
        if (i % 5 == 4)
          lock.leave_no_trace();
      } catch (const error& failure) {
        other_failures += failure.code() == errc::already_owned ? 0 : 1;
      }
      owner_lock::owner_of(path);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back(contend);
  for (auto& one : threads)
    one.join();
  BOOST_TEST(crowded == 0);
  BOOST_TEST(other_failures == 0);
  BOOST_TEST(owned > 0);
}

BOOST_AUTO_TEST_CASE(admission_counts_right_from_many_threads) {
  constexpr std::size_t requests_max = 3;
  actors::admission gate{requests_max, 250};
  std::atomic<std::size_t> admitted{0};
  std::atomic<int> too_many{0};
  std::atomic<std::size_t> refused{0};
  auto pass = [&] {
    for (int i = 0; i < 5000; ++i) {
      if (!gate.enter(100)) {
        ++refused;
        continue;
      }
      too_many += ++admitted > requests_max ? 1 : 0;
      --admitted;
      gate.leave(100);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(pass);
  for (auto& one : threads)
    one.join();
  BOOST_TEST(too_many == 0);
  BOOST_TEST(gate.waiting() == 0u);
  BOOST_TEST(gate.waiting_bytes() == 0u);
  BOOST_TEST(gate.refused() == refused.load());
}

BOOST_AUTO_TEST_SUITE_END()

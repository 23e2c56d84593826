#include "quire/actors/wal_keeper.hpp"

#include "quire/storage/sqlite/migrations.hpp"
#include "quire/tests/support/heard.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>

using namespace quire;
using namespace quire::actors;
using namespace quire::messages;
using namespace std::chrono_literals;

namespace {

using kind = wal_signal::kind;

struct keeper_fixture {
  keeper_fixture() {
    options.path = dir / "test.db";
    {
      auto db = storage::connection::open_writer(options);
      storage::migrate(db, "quire", storage::quire_migrations(), 1);
      db.execute("CREATE TABLE t(x)");
    }
    executor.emplace([this] { return storage::connection::open_writer(options); });
    limits.gate_bytes = 200'000;
    limits.expire_bytes = 400'000;
    limits.end_bytes = 500'000;
    limits.refuse_bytes = 600'000;
    wal_keeper::parts parts;
    parts.limits = limits;
    parts.clock = clock;
    parts.writes = writes;
    parts.reads = reads;
    parts.send = [this](wal_signal what, std::chrono::milliseconds delay) {
      if (delay.count() > 0)
        later.push_back({what, delay});
      else
        now.push_back(what);
    };
    keeper.emplace(std::move(parts));
  }

  /// Writes about so many bytes in one commit.
  void write(int bytes) {
    executor->db().prepare("INSERT INTO t VALUES(randomblob(?1))")->bind(bytes).run();
    keeper->after_batch(*executor, false);
  }

  std::int64_t frames() { return executor->db().wal_frames(); }

  std::int64_t count(const std::string& name) {
    service_status status;
    keeper->add_counters(status, *executor);
    return counter_of(status, name);
  }

  void pass_on() {
    for (auto& what : std::exchange(now, {}))
      keeper->on_signal(what, *executor);
  }

  /// Lets the first timer of this kind fire.
  bool fire(kind what) {
    for (auto& [signal, delay] : std::exchange(later, {})) {
      if (signal.what == what) {
        clock->time += delay;
        keeper->on_signal(signal, *executor);
        return true;
      }
    }
    return false;
  }

  struct timer {
    wal_signal what;
    std::chrono::milliseconds delay;
  };

  tests::temp_dir dir;
  storage::connection_options options;
  std::shared_ptr<tests::set_clock> clock = std::make_shared<tests::set_clock>();
  std::shared_ptr<write_port> writes = std::make_shared<write_port>(write_limits{}, clock);
  std::shared_ptr<read_port> reads = std::make_shared<read_port>(read_limits{}, clock);
  wal_limits limits;
  std::optional<storage::batch_executor> executor;
  std::vector<wal_signal> now;
  std::vector<timer> later;
  std::optional<wal_keeper> keeper;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(wal_keeper, keeper_fixture)

BOOST_AUTO_TEST_CASE(without_readers_the_log_is_emptied_at_once) {
  write(250'000);
  BOOST_TEST(frames() > 0);
  pass_on();
  BOOST_TEST(frames() == 0);
  BOOST_TEST(count("wal_emptied") == 1);
  BOOST_TEST(count("wal_bytes") == 0);
  BOOST_TEST(count("wal_bytes_max") > 200'000);
}

// A reader that overlaps is waited for; no other one begins meanwhile.
BOOST_AUTO_TEST_CASE(readers_are_held_back_until_none_is_open) {
  auto reader = reads->attach(reader_kind::slow, [] {});
  auto db = storage::connection::open_reader(options);
  std::optional<storage::read_guard> snapshot{db};
  db.prepare("SELECT count(*) FROM t")->step();
  BOOST_TEST(reads->hold_snapshot(reader, "SELECT 1"));
  write(250'000);
  BOOST_TEST(now.empty());
  auto another = reads->attach(reader_kind::slow, [] {});
  BOOST_TEST(!reads->hold_snapshot(another, "SELECT 2"));
  snapshot.reset();
  reads->done(reader);
  pass_on();
  BOOST_TEST(frames() == 0);
  BOOST_TEST(reads->hold_snapshot(another, "SELECT 2"));
}

BOOST_AUTO_TEST_CASE(the_gate_opens_when_its_patience_is_over) {
  auto reader = reads->attach(reader_kind::slow, [] {});
  auto db = storage::connection::open_reader(options);
  std::optional<storage::read_guard> snapshot{db};
  db.prepare("SELECT count(*) FROM t")->step();
  BOOST_TEST(reads->hold_snapshot(reader, "SELECT long"));
  write(250'000);
  BOOST_TEST(fire(kind::gate_over));
  BOOST_TEST(frames() > 0);
  BOOST_TEST(count("gates_failed") == 1);
  auto another = reads->attach(reader_kind::slow, [] {});
  BOOST_TEST(reads->hold_snapshot(another, "SELECT 2"));
  write(1000); // Not at every commit.
  BOOST_TEST(count("gates") == 1);
  clock->time += 2s;
  write(1000);
  BOOST_TEST(count("gates") == 2);
}

BOOST_AUTO_TEST_CASE(old_snapshots_are_ended_when_the_log_outgrows_its_second_limit) {
  auto reader = reads->attach(reader_kind::slow, [] {});
  auto db = storage::connection::open_reader(options);
  std::optional<storage::read_guard> snapshot{db};
  db.prepare("SELECT count(*) FROM t")->step();
  BOOST_TEST(reads->hold_snapshot(reader, "SELECT long"));
  clock->time += 2s;
  write(450'000);
  BOOST_TEST(reader->expire);
  BOOST_TEST(count("snapshots_expired") == 1);
  BOOST_TEST(keeper->note().find("SELECT long") != std::string::npos);
  snapshot.reset();
  reads->done(reader);
  pass_on();
  BOOST_TEST(frames() == 0);
}

// Before writes are refused, because nobody would let go.
BOOST_AUTO_TEST_CASE(young_snapshots_are_ended_before_writes_are_refused) {
  auto reader = reads->attach(reader_kind::slow, [] {});
  auto db = storage::connection::open_reader(options);
  std::optional<storage::read_guard> snapshot{db};
  db.prepare("SELECT count(*) FROM t")->step();
  BOOST_TEST(reads->hold_snapshot(reader, "SELECT 1"));
  write(410'000);
  BOOST_TEST(!reader->expire); // It is younger than a second.
  BOOST_TEST(fire(wal_signal::kind::gate_over));
  clock->time += std::chrono::milliseconds{200};
  write(100'000);
  BOOST_TEST(reader->expire);
  BOOST_TEST(count("snapshots_expired") == 1);
  BOOST_TEST((later.back().what.what == wal_signal::kind::gate_over));
  BOOST_TEST((later.back().delay == limits.end_patience));
  snapshot.reset();
  reads->done(reader);
  pass_on();
  BOOST_TEST(frames() == 0);
  BOOST_TEST(count("writes_refused") == 0);
}

BOOST_AUTO_TEST_CASE(past_the_last_limit_writes_are_refused_until_the_log_is_short_again) {
  auto db = storage::connection::open_reader(options); // Somebody the port knows nothing of.
  std::optional<storage::read_guard> snapshot{db};
  db.prepare("SELECT count(*) FROM t")->step();
  write(800'000);
  pass_on();
  auto submit = [&] {
    auto answer = std::make_shared<tests::heard<receipt>>();
    write_batch batch;
    batch.statements = {{"SELECT 1", {}}};
    writes->submit(std::make_unique<batch_request>(batch, durability::normal, answer->promise()));
    return answer;
  };
  BOOST_TEST(submit()->failed_with(errc::wal_limit));
  snapshot.reset();
  clock->time += 5s;
  BOOST_TEST(fire(kind::look_again));
  pass_on();
  BOOST_TEST(frames() == 0);
  BOOST_TEST(!submit()->answered());
}

BOOST_AUTO_TEST_CASE(an_idle_log_is_emptied) {
  write(1000);
  write(1000);
  BOOST_TEST(later.size() == 1u); // One timer, however many commits.
  BOOST_TEST((later[0].delay == limits.idle_after));
  clock->time += 10s;
  auto half = std::exchange(later, {});
  write(1000);
  clock->time += 20s;
  keeper->on_signal(half[0].what, *executor);
  BOOST_TEST(frames() > 0); // It was used 20 s ago.
  BOOST_TEST(fire(kind::idle));
  BOOST_TEST(frames() == 0);
  BOOST_TEST(later.empty()); // Nobody polls.
}

BOOST_AUTO_TEST_CASE(a_keeper_that_ends_opens_its_gate) {
  auto reader = reads->attach(reader_kind::slow, [] {});
  BOOST_TEST(reads->hold_snapshot(reader, "SELECT 1"));
  write(250'000);
  keeper.reset();
  auto another = reads->attach(reader_kind::slow, [] {});
  BOOST_TEST(reads->hold_snapshot(another, "SELECT 2"));
}

BOOST_AUTO_TEST_SUITE_END()

#pragma once

// Services on a real writer and real readers over a file, on a simulated clock.
// Between a service and the writer stands a relay that fails on request.

#include "quire/actors/base.hpp"
#include "quire/actors/reader_pool.hpp"
#include "quire/actors/writer.hpp"
#include "quire/storage/sqlite/migrations.hpp"
#include "quire/storage/sqlite/task_store.hpp"
#include "quire/tests/support/actor_fixture.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace quire::tests {

/// What the relay does to the next writes.
struct write_faults {
  int refused = 0;    ///< So many fail with `code`, untried.
  int unanswered = 0; ///< So many are done, but answered with `timeout`.
  errc code = errc::disk_full;
  int calls = 0; ///< Writes that came.
  int upkeep_refused = 0;
};

struct relay_state {
  relay_state() = default;
  static inline const char* name = "relay";
};

inline messages::writer_actor::behavior_type relay(
  messages::writer_actor::stateful_pointer<relay_state> self, messages::writer_actor writer,
  std::shared_ptr<write_faults> faults) {
  using namespace messages;
  actors::install_handlers(self, "relay");
  return {
    [](status_request) { return service_status{}; },
    [self](drain) {
      self->quit();
      return drained{};
    },
    [=](write_batch& batch) -> caf::result<receipt> {
      return hand_over(self, writer, std::move(batch));
    },
    [=](write_call& call) -> caf::result<receipt> {
      ++faults->calls;
      if (faults->refused > 0) {
        --faults->refused;
        return actors::make_failure(faults->code, "refused on purpose");
      }
      if (faults->unanswered > 0) {
        --faults->unanswered;
        caf::anon_send(caf::actor_cast<caf::actor>(writer), std::move(call));
        return actors::make_failure(errc::timeout, "not answered on purpose");
      }
      return hand_over(self, writer, std::move(call));
    },
    [=](enqueue_tasks& tasks) -> caf::result<tasks_enqueued> {
      return hand_over(self, writer, std::move(tasks));
    },
    [=](upkeep_request request) -> caf::result<upkeep_done> {
      if (faults->upkeep_refused > 0) {
        --faults->upkeep_refused;
        return actors::make_failure(errc::io, "refused on purpose");
      }
      return hand_over(self, writer, request);
    },
    [=](subscribe& request) -> caf::result<subscribed> {
      return hand_over(self, writer, std::move(request));
    },
    [=](hold_writes request) -> caf::result<writes_held> {
      return hand_over(self, writer, request);
    },
    [=](release_writes done) { tell(self, writer, done); },
  };
}

struct service_fixture : actor_fixture {
  service_fixture() {
    database.path = dir / "test.db";
    {
      auto db = storage::connection::open_writer(database);
      storage::migrate(db, "quire", storage::quire_migrations(), 1);
    }
    boot = direct([&](storage::transaction& tx) { return storage::begin_boot(tx, 1).boot; });
    actors::writer_options writing;
    writing.env = env;
    writing.open = [this] { return storage::connection::open_writer(database); };
    writer = actors::spawn_writer(system, writing);
    actors::reader_pool_options reading;
    reading.env = env;
    reading.open = [this] { return storage::connection::open_reader(database); };
    readers = actors::spawn_reader_pool(system, reading);
    relayed = system.spawn(relay, writer, faults);
    settle();
  }

  ~service_fixture() {
    for (auto& service : services)
      self->send_exit(service, caf::exit_reason::user_shutdown);
    settle();
    for (auto& base : {caf::actor_cast<caf::actor>(relayed), caf::actor_cast<caf::actor>(readers),
                       caf::actor_cast<caf::actor>(writer)})
      self->send_exit(base, caf::exit_reason::user_shutdown);
    settle();
  }

  /// Keeps a service to end it with the test.
  template <class Handle>
  Handle keep(Handle service) {
    services.push_back(caf::actor_cast<caf::actor>(service));
    settle();
    return service;
  }

  template <class Handle>
  void kill(const Handle& service) {
    self->send_exit(service, caf::exit_reason::kill);
    settle();
  }

  /// Through the writer, as a program does.
  void write(std::function<void(storage::transaction&)> f) {
    messages::write_call request;
    request.run = std::make_shared<const std::function<void(storage::transaction&)>>(std::move(f));
    BOOST_REQUIRE(bool(call<messages::receipt>(writer, std::move(request))));
  }

  /// Writes past all actors, as another process would.
  template <class F>
  std::invoke_result_t<F&, storage::transaction&> direct(F f) {
    auto db = storage::connection::open_writer(database);
    storage::transaction_guard guard{db};
    storage::transaction tx{db};
    if constexpr (std::is_void_v<std::invoke_result_t<F&, storage::transaction&>>) {
      f(tx);
      guard.commit();
    } else {
      auto result = f(tx);
      guard.commit();
      return result;
    }
  }

  template <class F>
  std::invoke_result_t<F&, storage::snapshot&> look(F f) {
    auto db = storage::connection::open_reader(database);
    storage::read_guard guard{db};
    storage::snapshot seen{db};
    return f(seen);
  }

  task_record task(task_id id) {
    return *look([&](storage::snapshot& db) { return storage::find_task_record(db, id); });
  }

  std::int64_t number(const std::string& sql) {
    return look([&](storage::snapshot& db) {
      auto stmt = db.prepare(sql);
      stmt->step();
      return stmt->int64(0);
    });
  }

  template <class Handle>
  service_status status(const Handle& service) {
    return *call<service_status>(service, messages::status_request{}).reply;
  }

  temp_dir dir;
  storage::connection_options database;
  std::shared_ptr<write_faults> faults = std::make_shared<write_faults>();
  std::int64_t boot = 0;
  messages::writer_actor writer;
  messages::writer_actor relayed;
  messages::reader_pool_actor readers;
  std::vector<caf::actor> services;
};

} // namespace quire::tests

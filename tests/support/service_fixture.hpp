#pragma once

// Services on a real writer and real readers over a file, on a simulated clock.
// Between a service and the writer stands a relay that fails on request.

#include "quire/actors/reader_pool.hpp"
#include "quire/actors/writer.hpp"
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

struct service_fixture : actor_fixture {
  service_fixture();
  ~service_fixture();

  /// Keeps a service to end it with the test.
  template <class Handle>
  Handle keep(Handle service) {
    keep_actor(caf::actor_cast<caf::actor>(service));
    return service;
  }

  template <class Handle>
  void kill(const Handle& service) {
    kill_actor(caf::actor_cast<caf::actor>(service));
  }

  /// Through the writer, as a program does.
  void write(std::function<void(storage::transaction&)> f);

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

  task_record task(task_id id);

  /// Returns the integer that `sql` selects.
  std::int64_t number(const std::string& sql);

  template <class Handle>
  service_status status(const Handle& service) {
    return status_of(caf::actor_cast<messages::service_actor>(service));
  }

  temp_dir dir;
  storage::connection_options database;
  std::shared_ptr<write_faults> faults = std::make_shared<write_faults>();
  std::int64_t boot = 0;
  messages::writer_actor writer;
  messages::writer_actor relayed;
  messages::reader_pool_actor readers;
  std::vector<caf::actor> services;

private:
  void keep_actor(caf::actor service);
  void kill_actor(const caf::actor& service);
  service_status status_of(const messages::service_actor& service);
};

} // namespace quire::tests

#include "quire/tests/support/service_fixture.hpp"

#include "quire/actors/base.hpp"
#include "quire/storage/sqlite/migrations.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>

namespace quire::tests {
namespace {

struct relay_state {
  relay_state() = default;
  static inline const char* name = "relay";
};

messages::writer_actor::behavior_type relay(
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

} // namespace

service_fixture::service_fixture() {
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

service_fixture::~service_fixture() {
  for (auto& service : services)
    self->send_exit(service, caf::exit_reason::user_shutdown);
  settle();
  for (auto& base : {caf::actor_cast<caf::actor>(relayed), caf::actor_cast<caf::actor>(readers),
                     caf::actor_cast<caf::actor>(writer)})
    self->send_exit(base, caf::exit_reason::user_shutdown);
  settle();
}

void service_fixture::write(std::function<void(storage::transaction&)> f) {
  messages::write_call request;
  request.run = std::make_shared<const std::function<void(storage::transaction&)>>(std::move(f));
  BOOST_REQUIRE(bool(call<messages::receipt>(writer, std::move(request))));
}

task_record service_fixture::task(task_id id) {
  return *look([&](storage::snapshot& db) { return storage::find_task_record(db, id); });
}

std::int64_t service_fixture::number(const std::string& sql) {
  return look([&](storage::snapshot& db) {
    auto stmt = db.prepare(sql);
    stmt->step();
    return stmt->int64(0);
  });
}

void service_fixture::keep_actor(caf::actor service) {
  services.push_back(std::move(service));
  settle();
}

void service_fixture::kill_actor(const caf::actor& service) {
  self->send_exit(service, caf::exit_reason::kill);
  settle();
}

service_status service_fixture::status_of(const messages::service_actor& service) {
  return *call<service_status>(service, messages::status_request{}).reply;
}

} // namespace quire::tests

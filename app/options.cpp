#include "quire/app/options.hpp"

#include "quire/app/deadline.hpp"
#include "quire/app/failure.hpp"

#include <utility>

namespace quire {

namespace {

void require(bool holds, const std::string& what) {
  if (!holds)
    throw failure(errc::invalid_argument, "options: " + what);
}

template <class T>
void require_between(const char* name, T x, T least, T most) {
  std::string text = name;
  text += " is " + std::to_string(x);
  text += ": it must be from " + std::to_string(least);
  text += " to " + std::to_string(most);
  require(x >= least && x <= most, text);
}

constexpr std::chrono::hours longest_retention{24 * 36'500};

/// For durations where 0 has a meaning.
void require_time(const char* name, std::chrono::milliseconds x) {
  require(x.count() >= 0, std::string{name} + " must not be negative");
  require(x <= longest_wait, std::string{name} + " must be at most 10 years");
}

void require_positive_time(const char* name, std::chrono::milliseconds x) {
  require(x.count() > 0, std::string{name} + " must be longer than 0");
  require_time(name, x);
}

} // namespace

options& options::handle(std::string kind, task_handler handler) {
  handlers.insert_or_assign(std::move(kind), std::move(handler));
  return *this;
}

void options::validate() const {
  require(!database.empty(), "database is empty: it must be the path of a file");
  require(database.find('\0') == std::string::npos, "database holds a NUL byte");
  require_between("workers", workers, 1, 1024);
  require_between("readers", readers, 1, 64);
  require_between("quick_readers", quick_readers, -1, 64);
  require_between("lent_readers", lent_readers, 0, 64);
  require_between<std::size_t>("batch_members_max", batch_members_max, 1, 100'000);
  require_between<std::size_t>("waiting_max", waiting_max, 1, 100'000'000);
  require_between<std::size_t>("waiting_bytes_max", waiting_bytes_max, 1, std::size_t{1} << 40);
  require_between<std::size_t>("client_waiting_max", client_waiting_max, 1, 100'000'000);
  require_between<std::size_t>("client_waiting_bytes_max", client_waiting_bytes_max, 1,
                               std::size_t{1} << 40);
  require_between<std::size_t>("queries_waiting_max", queries_waiting_max, 1, 100'000'000);
  require_positive_time("snapshot_lease", snapshot_lease);
  require_between<std::int64_t>("wal_bytes_max", wal_bytes_max, std::int64_t{64} << 20,
                                std::int64_t{1} << 40);
  require_time("key_retention", key_retention);
  require_between<std::size_t>("output_bytes_inline", output_bytes_inline, 0, output_bytes_max);
  require_time("patience", patience);
  require_positive_time("request_timeout", request_timeout);
  require_time("drain_timeout", drain_timeout);
  require_positive_time("stop_deadline", stop_deadline);
  require_time("maintenance_interval", maintenance_interval);
  require(retention.count() >= 0, "retention must not be negative");
  require(retention <= longest_retention, "retention must be at most 100 years");
  require_time("stuck_after", stuck_after);
  require(migrations.empty() || (!schema.empty() && schema.size() <= 100),
          "migrations need a schema, a name of 1 to 100 bytes");
  require(schema != "quire", "the schema quire is our own: choose another name");
  require(!exclusive || mode == access_mode::own,
          "exclusive is for owners: whoever looks or visits shares the file");
  require(!exclusive || vfs.empty(), "exclusive chooses the VFS itself: leave vfs empty");
  for (auto& [kind, handler] : handlers) {
    require(!kind.empty() && kind.size() <= 100, "the kind of a handler has 1 to 100 bytes");
    require(kind != "command", "the kind command is built in");
    require(static_cast<bool>(handler), "the handler of " + kind + " is empty");
  }
}

} // namespace quire

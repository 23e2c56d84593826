#pragma once

#include "quire/actors/fair_queue.hpp"
#include "quire/actors/guard.hpp"
#include "quire/messages/query.hpp"
#include "quire/storage/sqlite/connection.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace quire::actors {

/// A request that waits for a reader, and the promise of its answer.
class read_request : public queued<read_request> {
public:
  read_request(const request_terms& terms, std::size_t size) : timeout_(terms.timeout) {
    lane = terms.lane;
    client = terms.client;
    number = terms.request;
    bytes = size;
  }
  read_request(const read_request&) = delete;
  read_request& operator=(const read_request&) = delete;
  virtual ~read_request() = default;

  /// Reads from the snapshot that is open on `db` and answers.
  /// @throws storage::error or whatever a function throws; it is not answered then.
  virtual void run(storage::connection& db) = 0;

  virtual void fail(caf::error error) = 0;

  /// Whether it is certain to be over soon, or can be begun again elsewhere: it may run
  /// on a thread that others wait for.
  virtual bool quick() const noexcept = 0;

  /// Whether all of it is data, so that nothing of the program's runs but SQLite.
  virtual bool data() const noexcept { return false; }

  /// The SQL text, for reports; empty for a function.
  virtual std::string_view sql() const noexcept { return {}; }

  std::optional<std::chrono::milliseconds> timeout() const noexcept { return timeout_; }

  /// Asks it to stop. Thread-safe.
  void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }

  bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

private:
  std::atomic<bool> stopped_{false};
  std::optional<std::chrono::milliseconds> timeout_;
};

/// Statements and their parameters.
class query_request final : public read_request {
public:
  query_request(messages::query content, promise<messages::query_result> answer)
    : read_request(content.terms, bytes_of(content)), query_(std::move(content)),
      answer_(std::move(answer)) {}

  void run(storage::connection& db) override;
  void fail(caf::error error) override { answer_.fail(std::move(error)); }
  bool quick() const noexcept override { return true; }
  bool data() const noexcept override { return true; }
  std::string_view sql() const noexcept override {
    return query_.statements.empty() ? std::string_view{} : query_.statements.front().sql;
  }

private:
  messages::query query_;
  promise<messages::query_result> answer_;
};

/// A function of this process.
class read_call_request final : public read_request {
public:
  /// What a function is counted as: its captures are not known.
  static constexpr std::size_t bytes_counted = 256;

  read_call_request(messages::read_call call, promise<messages::read_done> answer)
    : read_request(call.terms, bytes_counted), run_(std::move(call.run)), quick_(call.quick),
      answer_(std::move(answer)) {}

  void run(storage::connection& db) override;
  void fail(caf::error error) override { answer_.fail(std::move(error)); }
  bool quick() const noexcept override { return quick_; }

private:
  std::shared_ptr<const std::function<void(storage::snapshot&)>> run_;
  bool quick_;
  promise<messages::read_done> answer_;
};

} // namespace quire::actors

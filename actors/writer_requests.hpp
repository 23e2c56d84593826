#pragma once

#include "quire/actors/guard.hpp"
#include "quire/actors/sql_guard.hpp"
#include "quire/messages/write.hpp"
#include "quire/storage/sqlite/batch_executor.hpp"

#include <cstddef>
#include <utility>

namespace quire::actors {

/// A request that waits at the writer, and the promise of its answer.
class write_request : public storage::batch_member {
public:
  write_request(durability sync, bool counted, promise<messages::receipt> answer)
    : sync_(sync), counted_(counted), answer_(std::move(answer)) {}

  durability sync() const noexcept final {
    return sync_;
  }

  /// Whether the gateway counted it in: services write past it.
  bool counted() const noexcept {
    return counted_;
  }

  /// What it was counted in with by the gateway.
  virtual std::size_t bytes() const noexcept = 0;

  void answer(const storage::member_result& result) {
    if (result.failure)
      answer_.fail(to_caf(*result.failure));
    else
      answer_.deliver({result.commit_seq, result.rows_changed, result.last_rowid, take_results()});
  }

protected:
  virtual std::vector<row_set> take_results() {
    return {};
  }

private:
  durability sync_;
  bool counted_;
  promise<messages::receipt> answer_;
};

/// Statements and their parameters.
class batch_request final : public write_request {
public:
  batch_request(messages::write_batch batch, durability sync, promise<messages::receipt> answer)
    : write_request(sync, batch.counted, std::move(answer)),
      batch_(std::move(batch)),
      bytes_(bytes_of(batch_)) {}

  bool single_statement() const noexcept override {
    return batch_.statements.size() == 1;
  }

  std::size_t bytes() const noexcept override {
    return bytes_;
  }

  void run(storage::transaction& tx) override {
    results_.clear();
    auto outside = tx.outside();
    for (auto& [sql, params] : batch_.statements) {
      refuse_control_statement(sql, sql_use::write);
      auto stmt = tx.prepare_from_outside(sql);
      stmt->bind_all(params);
      if (stmt->column_count() > 0)
        results_.push_back(stmt->fetch_all(rows_max, result_bytes_max));
      else
        stmt->run();
    }
  }

protected:
  std::vector<row_set> take_results() override {
    return std::move(results_);
  }

private:
  // Rows come back through a message: more of them belong into a query.
  static constexpr std::size_t rows_max = 100'000;
  static constexpr std::size_t result_bytes_max = std::size_t{64} << 20;

  messages::write_batch batch_;
  std::size_t bytes_;
  std::vector<row_set> results_;
};

/// A function of this process.
class call_request final : public write_request {
public:
  /// What a function is counted as: its captures are not known.
  static constexpr std::size_t bytes_counted = 256;

  call_request(messages::write_call call, durability sync, promise<messages::receipt> answer)
    : write_request(sync, call.counted, std::move(answer)), call_(std::move(call)) {}

  bool alone() const noexcept override {
    return call_.alone;
  }

  std::size_t bytes() const noexcept override {
    return bytes_counted;
  }

  void run(storage::transaction& tx) override {
    (*call_.run)(tx);
  }

private:
  messages::write_call call_;
};

} // namespace quire::actors

#pragma once

#include "quire/actors/admission.hpp"
#include "quire/actors/fair_queue.hpp"
#include "quire/actors/guard.hpp"
#include "quire/actors/submitter.hpp"
#include "quire/messages/task.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/messages/write.hpp"
#include "quire/storage/sqlite/batch_executor.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

/// A request that waits for the writer.
class write_request : public storage::batch_member, public queued<write_request> {
public:
  write_request(const request_terms& terms, std::size_t size, durability sync)
    : sync_(sync), timeout_(terms.timeout) {
    lane = terms.lane;
    client = terms.client;
    number = terms.request;
    bytes = size;
  }

  ~write_request() override { count_out(); }

  durability sync() const noexcept final { return sync_; }

  std::optional<std::chrono::milliseconds> timeout() const noexcept { return timeout_; }

  /// Counts it out of `waiting`, which it was counted in with `bytes`, once it is answered.
  void count_out_of(admission& waiting) noexcept { counted_in_ = &waiting; }

  /// Who knows when its deadline has come; outlives it.
  void judged_by(const clock_source& clock) noexcept { clock_ = &clock; }

  /// Whether it must be told when it came.
  virtual bool wants_time() const noexcept { return wants_number(); }

  /// When it came, and since when keys of requests count, in Unix time.
  void came_at(std::int64_t now_ms, std::int64_t keys_since_ms) noexcept {
    arrived_ms_ = now_ms;
    keys_since_ms_ = keys_since_ms;
  }

  /// Whether all of it is data, so that nothing of the program's runs but SQLite.
  virtual bool data() const noexcept { return false; }

  void brought_by(submitter who) noexcept { brought_by_ = who; }
  submitter brought_by() const noexcept { return brought_by_; }

  /// It is about to be executed.
  void begin() noexcept { begun_ = true; }

  /// Nothing of it was executed after all.
  void put_back() noexcept { begun_ = false; }

  /// Asks it to stop. Thread-safe.
  void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }

  std::optional<errc> stopped() const noexcept final {
    if (stopped_.load(std::memory_order_relaxed))
      return errc::cancelled;
    if (clock_ && clock_->now() >= deadline)
      return errc::timeout;
    return std::nullopt;
  }

  void answer(const storage::member_result& result) {
    if (result.failure)
      return fail(to_caf(*result.failure));
    count_out();
    begun_ = false;
    deliver(result);
  }

  void fail(caf::error error) {
    count_out();
    begun_ = false;
    deliver_failure(std::move(error));
  }

protected:
  /// Answers that it is committed.
  virtual void deliver(const storage::member_result& result) = 0;
  virtual void deliver_failure(caf::error error) = 0;

  /// Whether it was begun and has no answer.
  bool open() const noexcept { return begun_; }

  std::int64_t arrived_ms_ = 0;
  std::int64_t keys_since_ms_ = 0;

private:
  void count_out() noexcept {
    if (auto* waiting = std::exchange(counted_in_, nullptr))
      waiting->leave(bytes);
  }

  durability sync_;
  submitter brought_by_ = submitter::busy;
  bool begun_ = false;
  std::atomic<bool> stopped_{false};
  const clock_source* clock_ = nullptr;
  std::optional<std::chrono::milliseconds> timeout_;
  admission* counted_in_ = nullptr;
};

/// The same with the promise of its answer. One that was begun and ends without an answer
/// is answered `commit_outcome_unknown`.
template <class Reply>
class answered_request : public write_request {
public:
  answered_request(const request_terms& terms, std::size_t size, durability sync,
                   promise<Reply> answer)
    : write_request(terms, size, sync), answer_(std::move(answer)) {}

  ~answered_request() override {
    if (open())
      answer_.fail(make_failure(errc::commit_outcome_unknown,
                                "the writer ended while it was executing the request"));
  }

protected:
  virtual Reply make_reply(const storage::member_result& result) = 0;

  void deliver(const storage::member_result& result) final { answer_.deliver(make_reply(result)); }
  void deliver_failure(caf::error error) final { answer_.fail(std::move(error)); }

private:
  promise<Reply> answer_;
};

/// Statements and their parameters.
class batch_request final : public answered_request<messages::receipt> {
public:
  batch_request(messages::write_batch batch, durability sync, promise<messages::receipt> answer);

  bool single_statement() const noexcept override {
    return batch_.statements.size() == 1 && batch_.expect.empty() && batch_.idempotency_key.empty();
  }

  bool wants_number() const noexcept override { return !batch_.idempotency_key.empty(); }
  bool data() const noexcept override { return true; }

  void run(storage::transaction& tx) override;

protected:
  messages::receipt make_reply(const storage::member_result& result) override;

private:
  void run_statements(storage::transaction& tx);
  void run_once(storage::transaction& tx);
  void check(std::size_t statement, bool has_row, std::int64_t rows_changed) const;

  messages::write_batch batch_;
  std::vector<row_set> results_;
  std::optional<messages::receipt> kept_; ///< Under the key: of this request or an earlier one.
};

/// A function of this process.
class call_request final : public answered_request<messages::receipt> {
public:
  /// What a function is counted as: its captures are not known.
  static constexpr std::size_t bytes_counted = 256;

  call_request(messages::write_call call, durability sync, promise<messages::receipt> answer)
    : answered_request(call.terms, bytes_counted, sync, std::move(answer)),
      run_(std::move(call.run)), alone_(call.alone) {}

  bool alone() const noexcept override { return alone_; }

  void run(storage::transaction& tx) override { (*run_)(tx); }

protected:
  messages::receipt make_reply(const storage::member_result& result) override {
    return {result.commit_seq, result.rows_changed, result.last_rowid, {}, false};
  }

private:
  std::shared_ptr<const std::function<void(storage::transaction&)>> run_;
  bool alone_;
};

/// Tasks for their queues. The commit tells the task service that there is something to
/// do: nobody else is needed.
class enqueue_request final : public answered_request<messages::tasks_enqueued> {
public:
  enqueue_request(messages::enqueue_tasks request, durability sync,
                  promise<messages::tasks_enqueued> answer);

  /// One task is refused before anything of it is written.
  bool single_statement() const noexcept override { return tasks_.size() == 1; }

  bool data() const noexcept override { return true; }
  bool wants_time() const noexcept override { return true; }

  void run(storage::transaction& tx) override;

protected:
  messages::tasks_enqueued make_reply(const storage::member_result&) override {
    return std::move(reply_);
  }

private:
  std::vector<task_spec> tasks_;
  messages::tasks_enqueued reply_;
};

} // namespace quire::actors

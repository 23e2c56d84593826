#include "quire/actors/writer_requests.hpp"

#include "quire/actors/sql_guard.hpp"
#include "quire/storage/sqlite/request_keys.hpp"
#include "quire/storage/sqlite/task_store.hpp"

namespace quire::actors {

namespace {

// Rows come back through a message: more of them belong into a query.
constexpr std::size_t rows_max = 100'000;
constexpr std::size_t result_bytes_max = std::size_t{64} << 20;

std::string place_text(std::size_t statement) {
  return "statement " + std::to_string(statement + 1) + " of the request ";
}

} // namespace

batch_request::batch_request(messages::write_batch batch, durability sync,
                             promise<messages::receipt> answer)
  : answered_request(batch.terms, bytes_of(batch), sync, std::move(answer)),
    batch_(std::move(batch)) {}

void batch_request::run(storage::transaction& tx) {
  if (batch_.idempotency_key.empty())
    return run_statements(tx);
  run_once(tx);
}

void batch_request::run_statements(storage::transaction& tx) {
  results_.clear();
  auto outside = tx.outside();
  for (auto& expected : batch_.expect)
    if (expected.statement >= batch_.statements.size())
      throw storage::error(errc::invalid_argument,
                           "the request expects something of statement "
                             + std::to_string(expected.statement + 1)
                             + ", which it does not have; nothing of it was kept");
  std::optional<storage::statement_cache::lease> stmt;
  for (std::size_t i = 0; i < batch_.statements.size(); ++i) {
    auto& [sql, params] = batch_.statements[i];
    // Many rows for one table are many times the same text.
    if (i == 0 || sql != batch_.statements[i - 1].sql) {
      stmt.reset();
      stmt.emplace(tx.prepare_from_outside(sql, check_write));
    }
    (*stmt)->bind_all_borrowed(params);
    auto before = tx.total_changes();
    bool has_row = false;
    if ((*stmt)->column_count() > 0) {
      results_.push_back((*stmt)->fetch_all(rows_max, result_bytes_max));
      has_row = !results_.back().rows.empty();
    } else {
      (*stmt)->run();
    }
    if (!batch_.expect.empty())
      check(i, has_row, tx.total_changes() == before ? 0 : tx.changes());
  }
}

void batch_request::check(std::size_t statement, bool has_row, std::int64_t rows_changed) const {
  using kind = messages::expectation::kind;
  for (auto& expected : batch_.expect) {
    if (expected.statement != statement)
      continue;
    std::string found;
    if (expected.what == kind::a_row && !has_row)
      found = "was expected to return a row, and returned none";
    else if (expected.what == kind::no_row && has_row)
      found = "was expected to return no row, and returned some";
    else if (expected.what == kind::rows_changed && rows_changed != expected.rows)
      found = "was expected to change " + std::to_string(expected.rows) + " rows, and changed "
              + std::to_string(rows_changed);
    if (!found.empty())
      throw storage::error(errc::precondition_failed,
                           place_text(statement) + found + "; nothing of the request was kept");
  }
}

void batch_request::run_once(storage::transaction& tx) {
  kept_.reset();
  auto print = storage::fingerprint_of(batch_.statements);
  if (auto known = storage::find_request(tx, batch_.idempotency_key, print, keys_since_ms_)) {
    kept_ = {known->commit_seq, known->rows_changed, known->last_rowid, std::move(known->results),
             true};
    return;
  }
  auto before = tx.total_changes();
  run_statements(tx);
  storage::kept_request first{tx.commit_seq(), tx.total_changes() - before, tx.last_insert_rowid(),
                              std::move(results_)};
  storage::keep_request(tx, batch_.idempotency_key, print, first, arrived_ms_);
  kept_ = {first.commit_seq, first.rows_changed, first.last_rowid, std::move(first.results), false};
}

messages::receipt batch_request::make_reply(const storage::member_result& result) {
  if (kept_)
    return std::move(*kept_);
  return {result.commit_seq, result.rows_changed, result.last_rowid, std::move(results_), false};
}

enqueue_request::enqueue_request(messages::enqueue_tasks request, durability sync,
                                 promise<messages::tasks_enqueued> answer)
  : answered_request(request.terms, bytes_of(request), sync, std::move(answer)),
    tasks_(std::move(request.tasks)) {}

void enqueue_request::run(storage::transaction& tx) {
  reply_ = {};
  reply_.ids.reserve(tasks_.size());
  for (auto& [task, is_new] : storage::put_tasks(tx, tasks_, arrived_ms_)) {
    reply_.ids.push_back(task);
    if (!is_new)
      reply_.existing.push_back(task);
  }
}

} // namespace quire::actors

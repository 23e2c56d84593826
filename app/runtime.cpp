#include "quire/app/runtime.hpp"

#include "quire/app/actors.hpp"
#include "quire/app/row_stream_impl.hpp"
#include "quire/app/runtime_impl.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"

namespace quire {

runtime::runtime(options options) : impl_(std::make_unique<impl>(std::move(options))) {}

runtime::~runtime() {
  // In a child of the process that opened it there are no threads to end, and closing
  // SQLite's files there would be as bad as using them: it is left as it is.
  if (impl_ && impl_->forked())
    static_cast<void>(impl_.release());
}

const opening& runtime::opened() const noexcept {
  return impl_->database.report;
}

messages::receipt runtime::write(messages::write_batch batch) {
  return impl_->write<actors::batch_request>(std::move(batch));
}

messages::receipt runtime::write(std::string sql, std::vector<value> params) {
  messages::write_batch batch;
  batch.statements.push_back({std::move(sql), std::move(params)});
  return write(std::move(batch));
}

std::future<messages::receipt> runtime::write_async(messages::write_batch batch) {
  auto terms = batch.terms;
  return impl_->later<messages::receipt>(terms, [&](auto waiting) {
    impl_->submit_write<actors::batch_request>(std::move(batch), std::move(waiting),
                                               actors::submitter::busy);
  });
}

row_set runtime::query(messages::query query) {
  auto answer = impl_->read<actors::query_request, messages::query_result>(std::move(query));
  return answer.results.empty() ? row_set{} : std::move(answer.results.front());
}

row_set runtime::query(std::string sql, std::vector<value> params) {
  messages::query one;
  one.statements.push_back({std::move(sql), std::move(params)});
  return query(std::move(one));
}

std::future<messages::query_result> runtime::query_async(messages::query query) {
  auto terms = query.terms;
  return impl_->later<messages::query_result>(terms, [&](auto waiting) {
    impl_->submit_read<actors::query_request, messages::query_result>(
      std::move(query), std::move(waiting), actors::submitter::busy);
  });
}

void runtime::write_call(std::function<void(storage::transaction&)> f) {
  messages::write_call call;
  call.run = std::make_shared<const std::function<void(storage::transaction&)>>(std::move(f));
  impl_->write<actors::call_request>(std::move(call));
}

void runtime::read_call(std::function<void(storage::snapshot&)> f) {
  messages::read_call call;
  call.run = std::make_shared<const std::function<void(storage::snapshot&)>>(std::move(f));
  impl_->read<actors::read_call_request, messages::read_done>(std::move(call));
}

void runtime::read_together(std::vector<std::function<void(const storage::snapshot&)>> runs) {
  messages::read_together request;
  for (auto& run : runs)
    request.runs.push_back(
      std::make_shared<const std::function<void(storage::snapshot&)>>(std::move(run)));
  impl_->call<messages::read_done>(std::move(request));
}

row_stream runtime::stream(std::string sql, std::vector<value> params, std::uint64_t rows_max) {
  auto inside = impl_->enter();
  auto result = std::make_unique<row_stream::impl>();
  result->limit = impl_->answer_limit() + impl_->chosen.snapshot_lease;
  messages::open_stream request;
  request.statement = {std::move(sql), std::move(params)};
  request.rows_max = rows_max;
  // The bridge asks: it lives as long as the runtime, unlike who would ask for this call alone.
  auto opened = ask_later<messages::stream_opened>(impl_->bridge, impl_->tree.gateway,
                                                   std::move(request), result->limit)
                  .get();
  result->bridge = impl_->bridge;
  result->stream = caf::actor_cast<messages::row_stream_actor>(opened.stream);
  result->columns = std::move(opened.columns);
  return row_stream{std::move(result)};
}

messages::request_cancelled::stage runtime::cancel_request(std::uint64_t request,
                                                           std::uint64_t client) {
  using stage = messages::request_cancelled::stage;
  auto inside = impl_->enter();
  if (client == 0)
    client = thread_number();
  auto found =
    impl_->tree.writes ? impl_->tree.writes->cancel(client, request).found : stage::unknown;
  return found == stage::unknown ? impl_->tree.reads->cancel(client, request).found : found;
}

run_id runtime::start(const pipeline_spec& pipeline,
                      const std::map<std::string, std::string>& params) {
  return impl_->call<messages::run_started>(messages::start_run{pipeline.source, params}).run;
}

run_record runtime::wait(run_id run, std::chrono::milliseconds timeout) {
  return impl_->wait(impl_->awaited_runs, run, messages::await_run{run}, timeout);
}

run_state runtime::cancel(run_id run, std::string reason) {
  return impl_->call<messages::run_changed>(messages::cancel_run{run, std::move(reason)}).state;
}

std::vector<run_record> runtime::runs(const run_filter& filter) {
  impl_->require_schema();
  return read([filter](storage::snapshot& db) { return storage::list_runs(db, filter); });
}

std::optional<run_record> runtime::find(run_id run) {
  impl_->require_schema();
  return read([run](storage::snapshot& db) { return storage::find_run(db, run); });
}

runtime_status runtime::status() {
  return impl_->call<runtime_status>(messages::runtime_status_request{});
}

void runtime::maintain() {
  impl_->call<messages::maintenance_done>(messages::run_maintenance{});
}

void runtime::close() {
  impl_->close();
}

messages::gateway_actor gateway_of(runtime& running) {
  auto inside = running.internals().enter();
  return running.internals().tree.gateway;
}

caf::actor_system& system_of(runtime& running) {
  return *running.internals().system;
}

} // namespace quire

#include "quire/actors/port_steps.hpp"

#include "quire/actors/bring.hpp"
#include "quire/actors/read_requests.hpp"
#include "quire/actors/waiting_thread.hpp"
#include "quire/actors/writer_requests.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/step_store.hpp"

#include <utility>

namespace quire::actors {

namespace {

using namespace messages;

// Fairness among handlers is by task: far from the numbers of other clients.
constexpr std::uint64_t first_client = std::uint64_t{1} << 61;

class port_steps final : public step_keeper {
public:
  port_steps(std::shared_ptr<write_port> writes, std::shared_ptr<read_port> reads, durability usual,
             std::chrono::milliseconds limit, std::shared_ptr<const clock_source> clock)
    : writes_(std::move(writes)), reads_(std::move(reads)), usual_(usual), limit_(limit),
      clock_(std::move(clock)) {}

  std::optional<std::string> find(task_id task, const std::string& name) override {
    // Shared: after a timeout a reader may still be at it.
    auto found = std::make_shared<std::optional<std::string>>();
    read_call request;
    request.run = std::make_shared<const std::function<void(storage::snapshot&)>>(
      [=](storage::snapshot& db) { *found = storage::find_step(db, task, name); });
    wait<read_done>([&](promise<read_done> answer) {
      bring_read<read_call_request, read_done>(*reads_, std::move(request), client_of(task),
                                               submitter::blocked, std::move(answer));
    });
    return std::move(*found);
  }

  void keep(task_id task, std::int64_t epoch, const std::string& name,
            const std::string& value) override {
    transact(task, epoch, name, [value](storage::transaction&) { return value; });
  }

  std::string transact(task_id task, std::int64_t epoch, const std::string& name,
                       work step) override {
    auto value = std::make_shared<std::string>();
    write_call request;
    request.run = std::make_shared<const std::function<void(storage::transaction&)>>(
      [=, clock = clock_, step = std::move(step)](storage::transaction& tx) {
        *value = storage::keep_step(tx, task, epoch, name, step, clock->unix_ms());
      });
    wait<receipt>([&](promise<receipt> answer) {
      bring_write<call_request>(*writes_, usual_, std::move(request), client_of(task),
                                submitter::blocked, std::move(answer));
    });
    return std::move(*value);
  }

private:
  static std::uint64_t client_of(task_id task) {
    return first_client + static_cast<std::uint64_t>(task.value);
  }

  template <class Reply, class Bring>
  void wait(Bring bring) const {
    auto waiting = std::make_shared<waiting_thread<Reply>>();
    bring(promise<Reply>{std::shared_ptr<receiver<Reply>>{waiting}});
    auto answer = waiting->wait_until(std::chrono::steady_clock::now() + limit_);
    if (auto* error = std::get_if<caf::error>(&answer))
      throw storage::error(code_of(*error), text_of(*error));
  }

  const std::shared_ptr<write_port> writes_;
  const std::shared_ptr<read_port> reads_;
  const durability usual_;
  const std::chrono::milliseconds limit_;
  const std::shared_ptr<const clock_source> clock_;
};

} // namespace

std::shared_ptr<step_keeper> make_step_keeper(std::shared_ptr<write_port> writes,
                                              std::shared_ptr<read_port> reads, durability usual,
                                              std::chrono::milliseconds limit,
                                              std::shared_ptr<const clock_source> clock) {
  return std::make_shared<port_steps>(std::move(writes), std::move(reads), usual, limit,
                                      std::move(clock));
}

} // namespace quire::actors

#include "quire/actors/port_steps.hpp"

#include "quire/actors/waiting_thread.hpp"
#include "quire/actors/writer_requests.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/step_store.hpp"

#include <exception>
#include <functional>
#include <utility>

namespace quire::actors {

namespace {

using namespace messages;

// Handlers have turns by task: far from the numbers of other clients.
constexpr std::uint64_t first_client = std::uint64_t{1} << 61;

/// What the writer leaves for the handler's thread. Shared: after a timeout the writer may
/// still be at it.
template <class T>
struct left_behind {
  T value;
  std::exception_ptr thrown; ///< By what ran last.
};

class port_steps final : public step_keeper {
public:
  port_steps(std::shared_ptr<write_port> writes, durability usual, std::chrono::milliseconds limit,
             std::shared_ptr<const clock_source> clock)
    : writes_(std::move(writes)), usual_(usual), limit_(limit), clock_(std::move(clock)) {}

  std::optional<std::string> find(task_id task, const std::string& name) override {
    return on_writer<std::optional<std::string>>(
      task, [=](storage::transaction& tx) { return storage::find_step(tx, task, name); });
  }

  std::string transact(task_id task, std::int64_t epoch, const std::string& name,
                       work step) override {
    return on_writer<std::string>(
      task, [=, clock = clock_, step = std::move(step)](storage::transaction& tx) {
        return storage::keep_step(tx, task, epoch, name, step, clock->unix_ms());
      });
  }

private:
  /// Returns what `run` returns once that is committed, and throws what it throws.
  template <class T, class F>
  T on_writer(task_id task, F run) const {
    auto left = std::make_shared<left_behind<T>>();
    write_call request;
    request.terms.client = first_client + static_cast<std::uint64_t>(task.value);
    request.run = std::make_shared<const std::function<void(storage::transaction&)>>(
      [left, run = std::move(run)](storage::transaction& tx) {
        left->thrown = nullptr;
        try {
          left->value = run(tx);
        } catch (...) {
          left->thrown = std::current_exception();
          throw;
        }
      });
    auto waiting = std::make_shared<waiting_thread<receipt>>();
    writes_->submit_own(std::make_unique<call_request>(
      std::move(request), usual_, promise<receipt>{std::shared_ptr<receiver<receipt>>{waiting}}));
    auto answer = waiting->wait_until(std::chrono::steady_clock::now() + limit_);
    auto* error = std::get_if<caf::error>(&answer);
    if (!error)
      return std::move(left->value);
    auto code = code_of(*error);
    if (code != errc::timeout && left->thrown)
      std::rethrow_exception(left->thrown);
    throw storage::error(code, text_of(*error));
  }

  const std::shared_ptr<write_port> writes_;
  const durability usual_;
  const std::chrono::milliseconds limit_;
  const std::shared_ptr<const clock_source> clock_;
};

} // namespace

std::shared_ptr<step_keeper> make_step_keeper(std::shared_ptr<write_port> writes, durability usual,
                                              std::chrono::milliseconds limit,
                                              std::shared_ptr<const clock_source> clock) {
  return std::make_shared<port_steps>(std::move(writes), usual, limit, std::move(clock));
}

} // namespace quire::actors

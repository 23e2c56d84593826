#pragma once

#include "quire/actors/admission.hpp"
#include "quire/actors/fair_queue.hpp"
#include "quire/actors/submitter.hpp"
#include "quire/actors/watch.hpp"
#include "quire/actors/writer_requests.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/messages/write.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

/// How much may wait for the writer.
struct write_limits {
  std::size_t requests_max = 100'000; ///< Of all clients together.
  std::size_t bytes_max = std::size_t{256} << 20;
  std::size_t client_requests_max = 100'000; ///< Of one client.
  std::size_t client_bytes_max = std::size_t{256} << 20;
  std::chrono::milliseconds timeout{30'000};           ///< Of requests that do not say.
  std::chrono::milliseconds key_retention{86'400'000}; ///< How long idempotency keys count.
};

/// Where requests that write wait for the writer. It outlives writers: what waits when one
/// ends is there for the next. Thread-safe: whoever has a request puts it in, actor or not,
/// and the writer is woken only if it sleeps.
///
/// While it sleeps it is lent to a client that can execute what waits on his own thread,
/// which is over before the writer would have woken up: to the only one there is, or to a
/// blocked thread that brings as many requests together as were committed last.
class write_port {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using request_pointer = std::unique_ptr<write_request>;
  /// Executes what waits for a client that can.
  using lender = std::function<void(submitter who, std::uint64_t client)>;

  write_port(write_limits limits, std::shared_ptr<const clock_source> clock);
  write_port(const write_port&) = delete;
  write_port& operator=(const write_port&) = delete;
  ~write_port();

  /// Lets a client's request wait, or answers it at once: `overloaded` past a limit,
  /// `unavailable` when closed, or what `refuse` says. A client gets no turns of `control`.
  void submit(request_pointer request, submitter who = submitter::busy);

  /// The same for what the services of the runtime write: without limits.
  void submit_own(request_pointer request);

  messages::request_cancelled cancel(std::uint64_t client, std::uint64_t number);

  /// Answers those whose deadline has come. Returns whether any wait still.
  bool expire();

  /// Calls `arm` when something begins to wait and nobody watches the deadlines: whoever
  /// is armed calls `expire` from time to time until it returns false.
  void watch_deadlines(std::function<void()> arm);

  /// Refuses clients from now on, but not those who wait already: the runtime is about to end.
  void close_to_clients(const std::string& reason);

  /// Refuses everybody from now on, and those who wait: no writer will come any more.
  void close(const std::string& reason);

  /// A writer is there: `wake` is called, on any thread, when something waits and it
  /// may be asleep. `lend`, if there is one, executes what waits on the thread it is called
  /// on, and calls `rest` or `hand_over`. Returns the number of this writer.
  std::uint64_t attach(std::function<void()> wake, lender lend = {});
  /// It is there no more, unless another one is by now.
  void detach(std::uint64_t writer);

  /// Returns when so many wait, or after `limit`, without giving the processor away.
  void linger(std::size_t members, std::chrono::nanoseconds limit) const;

  /// The writer was woken and is about to `take`. Returns false if it is lent just now:
  /// then it will be woken again, if there is anything to do.
  bool start();

  /// Returns the next requests, `most` at a time and no more than are done in some 5 ms,
  /// whose deadline has not come; answers those whose has. When it returns none, the writer will be woken.
  std::vector<request_pointer> take(std::size_t most);

  /// How many requests the last batch had.
  std::size_t last_members() const noexcept {
    return last_members_.load(std::memory_order_relaxed);
  }

  /// Who was lent the writer has nothing left to do: the writer sleeps again. Returns false
  /// if something waits: then it has to be woken.
  bool rest(std::uint64_t writer);

  /// Who was lent the writer leaves all that is left to it: it will `start` soon, and need
  /// not be woken by others.
  void hand_over(std::uint64_t writer);

  /// How often the writer was lent.
  std::int64_t lent() const noexcept { return lent_.load(std::memory_order_relaxed); }

  /// What was taken is executed and is about to be answered, after `time` of work: it
  /// cannot be cancelled any more.
  void finished(std::size_t requests, std::chrono::nanoseconds time);

  /// What was taken is answered without having been executed, and is about to be gone.
  void forget(const write_request& request);

  /// From now on answers requests of `from` and the lanes after it so, also those who
  /// wait; until `refuse_nobody`.
  void refuse(lane from, errc code, const std::string& why, std::chrono::milliseconds retry_after);
  void refuse_nobody();

  /// Counts what waits or is executed, and requests that become writes later.
  admission& admitted() noexcept { return *admission_; }

  /// The same for those who count something in for longer than they know this port.
  const std::shared_ptr<admission>& shared_admission() const noexcept { return admission_; }
  std::chrono::milliseconds retry_after() const;

  std::size_t waiting() const;

private:
  struct refusal {
    lane from = lane::control;
    errc code = errc::unavailable;
    std::string why;
    std::chrono::milliseconds retry_after{0};
  };

  std::optional<caf::error> refused(const write_request& request, bool client) const;
  using shared_function = std::shared_ptr<const std::function<void()>>;
  using shared_lender = std::shared_ptr<const lender>;

  /// What the writer does.
  enum class phase : std::uint8_t {
    asleep,  ///< It has to be woken.
    woken,   ///< It is told that something waits, and has not begun yet.
    running, ///< It looks for itself.
    lent,    ///< Somebody else does its work.
  };

  void insert(request_pointer request, bool counted);
  bool can_lend(const write_request& request) const;
  shared_function wake_once();
  std::chrono::milliseconds retry_after_locked() const;
  caf::error overloaded(bool client);

  const write_limits limits_;
  const std::shared_ptr<const clock_source> clock_;
  const std::shared_ptr<admission> admission_;

  mutable std::mutex mutex_;
  fair_queue<write_request> queue_;
  std::vector<write_request*> running_;
  std::optional<refusal> refusal_;
  std::string closed_to_clients_;
  std::string closed_;
  shared_function wake_;
  shared_lender lend_;
  std::uint64_t writer_ = 0;
  std::pair<std::chrono::milliseconds, caf::error> overloaded_[2];
  std::atomic<std::size_t> size_{0}; ///< About what waits, without the mutex.
  phase phase_ = phase::asleep;
  std::uint64_t last_client_ = 0; ///< Whose request came last,
  std::size_t in_a_row_ = 0;      ///< and how many of his did.
  watch deadlines_;
  double request_seconds_ = 20e-6; ///< What one request took lately.
  std::atomic<std::size_t> last_members_{1};
  std::atomic<std::int64_t> lent_{0};
};

} // namespace quire::actors

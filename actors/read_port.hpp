#pragma once

#include "quire/actors/fair_queue.hpp"
#include "quire/actors/read_requests.hpp"
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
#include <string_view>
#include <unordered_set>
#include <vector>

namespace quire::actors {

/// How much may wait for the readers.
struct read_limits {
  std::size_t requests_max = 10'000; ///< Of all clients together.
  std::size_t bytes_max = std::size_t{64} << 20;
  std::size_t client_requests_max = 10'000;  ///< Of one client.
  std::chrono::milliseconds timeout{30'000}; ///< Of requests that do not say.
};

/// What kind of reader one is.
enum class reader_kind : std::uint8_t {
  quick, ///< Shares a thread with others: it gives up what takes long.
  slow,  ///< Has a thread of its own.
  guest, ///< Takes no requests, but holds a snapshot: a stream, say.
};

/// Where requests that read wait for the readers. Whichever reader has nothing to do takes
/// what is next, so that a long query keeps nobody waiting but those that need its
/// reader. Also knows which snapshots are open, for those who wait for them to close.
/// Outlives readers. Thread-safe.
class read_port {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using request_pointer = std::unique_ptr<read_request>;

  read_port(read_limits limits, std::shared_ptr<const clock_source> clock);
  read_port(const read_port&) = delete;
  read_port& operator=(const read_port&) = delete;
  ~read_port();

  /// Lets a request wait, or answers it at once: `overloaded`, or `unavailable` when closed.
  void submit(request_pointer request);

  messages::request_cancelled cancel(std::uint64_t client, std::uint64_t number);

  /// As those of `write_port`.
  bool expire();
  void watch_deadlines(std::function<void()> arm);
  void close(const std::string& reason);

  // -- for readers --------------------------------------------------------------

  /// One reader, from when it is there until it is gone.
  struct slot {
    reader_kind kind = reader_kind::slow;
    std::atomic<bool> expire{false}; ///< Its snapshot must go.
    std::atomic<const read_request*> current{nullptr};

  private:
    friend class read_port;
    std::function<void()> wake;
    bool idle = true;
    bool has_snapshot = false;
    time_point opened;
    std::vector<read_request*> batch;
    std::string what; ///< What it does, if that is no request.
  };
  using slot_pointer = std::shared_ptr<slot>;

  /// A reader is there; `wake` is called, on any thread, when there is something to take.
  slot_pointer attach(reader_kind kind, std::function<void()> wake);
  void detach(const slot_pointer& reader);

  /// Takes what is next, `most` at a time; the reader opens a snapshot for it, after this, and
  /// calls `done` once that is closed. If it gets nothing it will be woken.
  std::vector<request_pointer> take(const slot_pointer& reader, std::size_t most);

  /// It closed its snapshot. Requests it took may be gone after this.
  void done(const slot_pointer& reader);

  /// It opened a snapshot for something else than requests, for as long as `done` is not
  /// called. Returns false, and counts nothing, while the gate is closed.
  bool hold_snapshot(const slot_pointer& reader, const std::string& what);

  /// A request turned out to take long: it goes to a reader with a thread of its own, as
  /// will others with the same SQL from now on. Returns it if there is none.
  request_pointer move_to_slow(request_pointer request);

  // -- for the writer -----------------------------------------------------------

  /// No reader begins a snapshot from now on; `clear` is called, on any thread, when none
  /// is open, at once if that is so now.
  void close_gate(std::function<void()> clear);
  void open_gate();

  struct open_snapshot {
    std::chrono::milliseconds age{0};
    std::string what; ///< The SQL text, or what else is done with it.
  };

  /// The snapshot that has been open for longest.
  std::optional<open_snapshot> oldest() const;

  /// Ends the snapshots that are older than `age`, and returns them.
  std::vector<open_snapshot> expire_older(std::chrono::milliseconds age);

  std::size_t waiting() const;
  std::int64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
  std::int64_t moved() const noexcept { return moved_.load(std::memory_order_relaxed); }

private:
  using queue = fair_queue<read_request>;
  using waker = std::function<void()>;

  queue& queue_of(reader_kind kind) noexcept { return kind == reader_kind::quick ? quick_ : slow_; }
  bool has_reader(reader_kind kind) const;
  bool known_as_slow(const read_request& request) const;
  waker next_waker(reader_kind kind);
  std::vector<waker> all_wakers();
  void insert(request_pointer request, std::vector<waker>& wakers);
  open_snapshot describe(const slot& reader, time_point now) const;

  static constexpr std::size_t slow_texts_max = 256;

  const read_limits limits_;
  const std::shared_ptr<const clock_source> clock_;
  std::atomic<std::int64_t> refused_{0};
  std::atomic<std::int64_t> moved_{0};

  mutable std::mutex mutex_;
  queue quick_;
  queue slow_;
  std::vector<slot_pointer> readers_;
  std::unordered_set<std::string> slow_texts_;
  std::string closed_;
  std::function<void()> arm_;
  std::function<void()> clear_; ///< Of who waits for the snapshots.
  bool gate_closed_ = false;
  bool watched_ = false;
  std::size_t snapshots_ = 0;
};

} // namespace quire::actors

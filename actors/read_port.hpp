#pragma once

#include "quire/actors/fair_queue.hpp"
#include "quire/actors/read_requests.hpp"
#include "quire/actors/submitter.hpp"
#include "quire/actors/watch.hpp"
#include "quire/messages/types/clock_source.hpp"
#include "quire/messages/write.hpp"

#include <array>
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
#include <unordered_map>
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
  lent,  ///< Has none: it is lent to whoever brings a request.
  guest, ///< Takes no requests, but holds a snapshot: a stream, say.
};

/// How long something takes, as far as is known.
enum class read_length : std::uint8_t {
  moment, ///< An actor may do it itself, with a reader that is lent to it.
  brief,  ///< It goes to a quick reader.
  long_,  ///< It goes to a reader with a thread of its own.
};

/// Where requests that read wait for the readers. Whichever reader has nothing to do takes
/// what is next, so that a long query keeps nobody waiting but those that need its
/// reader. Some are lent to those who can execute what they bring on their own thread, which
/// no other thread need be woken for.
///
/// Also knows which snapshots are open, for those who wait for them to close. Outlives
/// readers. Thread-safe.
class read_port {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using request_pointer = std::unique_ptr<read_request>;

  read_port(read_limits limits, std::shared_ptr<const clock_source> clock);
  read_port(const read_port&) = delete;
  read_port& operator=(const read_port&) = delete;
  ~read_port();

  /// Lets a request wait, lends a reader to `who`, if that is of use, or refuses it:
  /// `overloaded`, or `unavailable` when closed.
  void submit(request_pointer request, submitter who = submitter::busy);

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
    std::function<void(request_pointer, submitter)> serve;
    bool idle = true;
    bool has_snapshot = false;
    bool keeps = false; ///< It is idle and has one all the same.
    time_point opened;
    std::vector<read_request*> batch;
    std::string what; ///< What it does, if that is no request.
  };
  using slot_pointer = std::shared_ptr<slot>;

  /// A reader is there; `wake` is called, on any thread, when there is something to take, or,
  /// of a guest, when its snapshot must go.
  slot_pointer attach(reader_kind kind, std::function<void()> wake);

  /// The same of one that is lent: `serve` executes a request on the thread it is called on,
  /// and calls `give_back`. Without a request it closes a snapshot that it kept.
  slot_pointer attach_lent(std::function<void(request_pointer, submitter)> serve);
  void detach(const slot_pointer& reader);

  /// Takes what is next, `most` at a time; the reader opens a snapshot for it, after this, and
  /// calls `done` once that is closed. If it gets nothing it will be woken.
  std::vector<request_pointer> take(const slot_pointer& reader, std::size_t most);

  /// It closed its snapshot and is about to open another one, for what else it took.
  /// Returns false while the gate is closed: then it has to call `put_back`.
  bool renew(const slot_pointer& reader);

  /// What it took and has not answered waits again, for this reader or another one.
  void put_back(const slot_pointer& reader, std::vector<request_pointer> left);

  /// It closed its snapshot. Requests it took may be gone after this.
  void done(const slot_pointer& reader);

  /// The same for one that was lent: it may be lent again. If it `keeps` its snapshot open,
  /// for the next request, it does so until `close_kept`. Returns false, and takes nothing
  /// back, if nobody may keep one now: then it has to close it first.
  bool give_back(const slot_pointer& reader, bool keeps);

  /// Has the snapshots closed that are only kept; with `since`, those that nobody has used
  /// since then. Returns whether any are kept still.
  bool close_kept(std::optional<time_point> since = std::nullopt);

  /// Calls `arm` when a snapshot begins to be kept and nobody watches that: whoever is
  /// armed calls `close_kept` from time to time until it returns false.
  void watch_kept(std::function<void()> arm);

  /// It opened a snapshot for something else than requests, for as long as `done` is not
  /// called. Returns false, and counts nothing, while the gate is closed.
  bool hold_snapshot(const slot_pointer& reader, const std::string& what);

  /// A request turned out to take `length`: it goes to such a reader, as will others with
  /// the same SQL from now on. Returns it if there is none.
  request_pointer move(request_pointer request, read_length length);

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
  std::int64_t lent() const noexcept { return lent_.load(std::memory_order_relaxed); }

private:
  using queue = fair_queue<read_request>;
  using shared_function = std::shared_ptr<const std::function<void()>>;

  /// How long a text took once; tried again from time to time, for things change.
  struct known_text {
    read_length length = read_length::moment;
    int uses_left = 0;
  };

  /// Texts are looked up without a copy.
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  queue& queue_of(reader_kind kind) noexcept { return kind == reader_kind::quick ? quick_ : slow_; }
  bool has_reader(reader_kind kind) const noexcept { return count_of(kind) > 0; }
  const std::size_t& count_of(reader_kind kind) const noexcept {
    return counts_[static_cast<std::size_t>(kind)];
  }
  read_length known_length(const read_request& request);
  std::optional<caf::error> refused(const read_request& request) const;
  slot_pointer idle_reader(reader_kind kind) const;
  slot_pointer lent_reader(const read_request& request, submitter who, read_length length);
  slot_pointer woken_reader(reader_kind kind);
  std::vector<slot_pointer> woken_readers();
  slot_pointer add(slot_pointer reader);
  slot_pointer insert(request_pointer request, read_length length);
  std::vector<slot_pointer> claim_kept(std::optional<time_point> since);
  void open_snapshot_of(slot& reader, time_point now);
  shared_function close_snapshot_of(slot& reader);
  open_snapshot describe(const slot& reader, time_point now) const;

  static constexpr std::size_t known_texts_max = 256;
  static constexpr int known_uses = 1000;

  const read_limits limits_;
  const std::shared_ptr<const clock_source> clock_;
  std::atomic<std::int64_t> refused_{0};
  std::atomic<std::int64_t> moved_{0};
  std::atomic<std::int64_t> lent_{0};

  mutable std::mutex mutex_;
  queue quick_;
  queue slow_;
  std::vector<slot_pointer> readers_;
  std::array<std::size_t, 4> counts_{}; ///< Of them, by kind.
  std::unordered_map<std::string, known_text, text_hash, std::equal_to<>> known_texts_;
  std::string closed_;
  watch deadlines_;
  watch kept_;
  shared_function clear_; ///< Of who waits for the snapshots.
  bool gate_closed_ = false;
  std::size_t snapshots_ = 0;
};

} // namespace quire::actors

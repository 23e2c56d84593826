#include "quire/actors/read_port.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds retry_after{50};

caf::error expired_failure() {
  return make_failure(errc::expired, "the deadline passed while the request waited for a reader");
}

} // namespace

read_port::read_port(read_limits limits, std::shared_ptr<const clock_source> clock)
  : limits_(limits), clock_(std::move(clock)) {}

read_port::~read_port() {
  close("the runtime is closed");
}

bool read_port::has_reader(reader_kind kind) const {
  return std::ranges::any_of(readers_, [kind](const slot_pointer& x) { return x->kind == kind; });
}

bool read_port::known_as_slow(const read_request& request) const {
  return !slow_texts_.empty() && slow_texts_.contains(std::string{request.sql()});
}

/// Returns how to wake an idle reader of this kind, which counts as awake then.
read_port::waker read_port::next_waker(reader_kind kind) {
  if (gate_closed_)
    return nullptr;
  for (auto& reader : readers_) {
    if (reader->kind != kind || !reader->idle)
      continue;
    reader->idle = false;
    return reader->wake;
  }
  return nullptr;
}

std::vector<read_port::waker> read_port::all_wakers() {
  std::vector<waker> result;
  for (auto kind : {reader_kind::quick, reader_kind::slow})
    for (auto left = queue_of(kind).size(); left > 0; --left) {
      auto wake = next_waker(kind);
      if (!wake)
        break;
      result.push_back(std::move(wake));
    }
  return result;
}

void read_port::insert(request_pointer request, std::vector<waker>& wakers) {
  auto kind = reader_kind::slow;
  if (request->quick() && has_reader(reader_kind::quick) && !known_as_slow(*request))
    kind = reader_kind::quick;
  queue_of(kind).push(std::move(request));
  if (auto wake = next_waker(kind))
    wakers.push_back(std::move(wake));
  if (arm_ && !std::exchange(watched_, true))
    wakers.push_back(arm_);
}

void read_port::submit(request_pointer request) {
  if (request->deadline == time_point{})
    request->deadline = clock_->now() + request->timeout().value_or(limits_.timeout);
  std::vector<waker> wakers;
  std::optional<caf::error> refused;
  {
    std::lock_guard guard(mutex_);
    auto count = quick_.size() + slow_.size();
    auto bytes = quick_.bytes() + slow_.bytes();
    auto own = quick_.size_of(request->client) + slow_.size_of(request->client);
    if (!closed_.empty())
      refused = make_failure(errc::unavailable, closed_);
    else if (count >= limits_.requests_max || own >= limits_.client_requests_max
             || (count > 0 && bytes + request->bytes > limits_.bytes_max))
      refused = make_failure(errc::overloaded,
                             "too many queries wait already; try again in "
                               + std::to_string(retry_after.count()) + " ms",
                             retry_after);
    else
      insert(std::move(request), wakers);
  }
  if (refused) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return request->fail(std::move(*refused));
  }
  for (auto& wake : wakers)
    wake();
}

messages::request_cancelled read_port::cancel(std::uint64_t client, std::uint64_t number) {
  using stage = messages::request_cancelled::stage;
  request_pointer waiting;
  {
    std::lock_guard guard(mutex_);
    waiting = quick_.take(client, number);
    if (!waiting)
      waiting = slow_.take(client, number);
    if (!waiting) {
      for (auto& reader : readers_)
        for (auto* one : reader->batch)
          if (number != 0 && one->client == client && one->number == number) {
            one->stop();
            return {stage::running};
          }
      return {stage::unknown};
    }
  }
  waiting->fail(make_failure(errc::cancelled, "cancelled while it waited"));
  return {stage::waiting};
}

bool read_port::expire() {
  std::vector<request_pointer> late;
  bool waits = false;
  {
    std::lock_guard guard(mutex_);
    auto now = clock_->now();
    late = quick_.take_expired(now);
    for (auto& one : slow_.take_expired(now))
      late.push_back(std::move(one));
    waits = !quick_.empty() || !slow_.empty();
    watched_ = waits;
  }
  for (auto& one : late)
    one->fail(expired_failure());
  return waits;
}

void read_port::watch_deadlines(std::function<void()> arm) {
  std::lock_guard guard(mutex_);
  arm_ = std::move(arm);
  watched_ = false;
}

void read_port::close(const std::string& reason) {
  std::vector<request_pointer> left;
  {
    std::lock_guard guard(mutex_);
    closed_ = reason;
    left = quick_.take_all();
    for (auto& one : slow_.take_all())
      left.push_back(std::move(one));
    arm_ = nullptr;
  }
  for (auto& one : left)
    one->fail(make_failure(errc::unavailable, reason));
}

read_port::slot_pointer read_port::attach(reader_kind kind, std::function<void()> wake) {
  auto reader = std::make_shared<slot>();
  reader->kind = kind;
  reader->wake = std::move(wake);
  std::vector<waker> wakers;
  {
    std::lock_guard guard(mutex_);
    readers_.push_back(reader);
    wakers = all_wakers();
  }
  for (auto& one : wakers)
    one();
  return reader;
}

void read_port::detach(const slot_pointer& reader) {
  if (!reader)
    return;
  done(reader);
  std::lock_guard guard(mutex_);
  reader->idle = false;
  std::erase(readers_, reader);
}

std::vector<read_port::request_pointer> read_port::take(const slot_pointer& reader,
                                                        std::size_t most) {
  std::vector<request_pointer> taken;
  std::vector<request_pointer> late;
  waker another;
  {
    std::lock_guard guard(mutex_);
    auto& own = queue_of(reader->kind);
    if (!gate_closed_) {
      auto now = clock_->now();
      // Half of it, so that the others have something to do as well.
      most = std::min(most, std::max<std::size_t>(own.size() / 2, 8));
      while (taken.size() < most) {
        auto next = own.pop();
        if (!next)
          break;
        (next->deadline <= now ? late : taken).push_back(std::move(next));
      }
      if (!taken.empty()) {
        for (auto& one : taken)
          reader->batch.push_back(one.get());
        reader->has_snapshot = true;
        reader->opened = now;
        reader->expire.store(false, std::memory_order_relaxed);
        ++snapshots_;
      }
      if (!own.empty())
        another = next_waker(reader->kind);
    }
    reader->idle = taken.empty();
  }
  for (auto& one : late)
    one->fail(expired_failure());
  if (another)
    another();
  return taken;
}

void read_port::done(const slot_pointer& reader) {
  std::function<void()> clear;
  {
    std::lock_guard guard(mutex_);
    reader->batch.clear();
    reader->current.store(nullptr, std::memory_order_relaxed);
    reader->what.clear();
    if (!std::exchange(reader->has_snapshot, false))
      return;
    if (--snapshots_ == 0 && gate_closed_)
      clear = std::exchange(clear_, nullptr);
  }
  if (clear)
    clear();
}

bool read_port::hold_snapshot(const slot_pointer& reader, const std::string& what) {
  std::lock_guard guard(mutex_);
  if (gate_closed_)
    return false;
  reader->has_snapshot = true;
  reader->opened = clock_->now();
  reader->expire.store(false, std::memory_order_relaxed);
  reader->what = what;
  ++snapshots_;
  return true;
}

read_port::request_pointer read_port::move_to_slow(request_pointer request) {
  waker wake;
  waker arm;
  {
    std::lock_guard guard(mutex_);
    // Where nobody comes any more, it is answered where it is.
    if (!has_reader(reader_kind::slow) || !closed_.empty())
      return request;
    if (!request->sql().empty()) {
      if (slow_texts_.size() >= slow_texts_max)
        slow_texts_.clear();
      slow_texts_.emplace(request->sql());
    }
    for (auto& reader : readers_)
      std::erase(reader->batch, request.get());
    slow_.push(std::move(request));
    wake = next_waker(reader_kind::slow);
    if (arm_ && !std::exchange(watched_, true))
      arm = arm_;
  }
  if (arm)
    arm();
  moved_.fetch_add(1, std::memory_order_relaxed);
  if (wake)
    wake();
  return nullptr;
}

void read_port::close_gate(std::function<void()> clear) {
  {
    std::lock_guard guard(mutex_);
    gate_closed_ = true;
    if (snapshots_ > 0) {
      clear_ = std::move(clear);
      return;
    }
  }
  clear();
}

void read_port::open_gate() {
  std::vector<waker> wakers;
  {
    std::lock_guard guard(mutex_);
    gate_closed_ = false;
    clear_ = nullptr;
    wakers = all_wakers();
  }
  for (auto& wake : wakers)
    wake();
}

read_port::open_snapshot read_port::describe(const slot& reader, time_point now) const {
  open_snapshot result{duration_cast<milliseconds>(now - reader.opened), reader.what};
  if (auto* current = reader.current.load(std::memory_order_relaxed);
      current && result.what.empty())
    result.what = current->sql().empty() ? "a function of the program" : current->sql();
  return result;
}

std::optional<read_port::open_snapshot> read_port::oldest() const {
  std::lock_guard guard(mutex_);
  const slot* first = nullptr;
  for (auto& reader : readers_)
    if (reader->has_snapshot && (!first || reader->opened < first->opened))
      first = reader.get();
  if (!first)
    return std::nullopt;
  return describe(*first, clock_->now());
}

std::vector<read_port::open_snapshot> read_port::expire_older(milliseconds age) {
  std::vector<open_snapshot> result;
  std::lock_guard guard(mutex_);
  auto now = clock_->now();
  for (auto& reader : readers_) {
    if (!reader->has_snapshot || now - reader->opened < age || reader->expire.exchange(true))
      continue;
    result.push_back(describe(*reader, now));
  }
  return result;
}

std::size_t read_port::waiting() const {
  std::lock_guard guard(mutex_);
  return quick_.size() + slow_.size();
}

} // namespace quire::actors
